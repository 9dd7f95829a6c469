"""A background plugin that does what a test says, in a host over ports in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from penstock.adapters.secrets import MemorySecrets
from penstock.background.capabilities import Ways
from penstock.background.host import Attempt, BackgroundPlugin, Parts, PluginHost
from penstock.errors import FieldNotGrantedError
from penstock.evidence import layout
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import DigestKey
from penstock.evidence.messages import delivery_message
from penstock.evidence.schema import decode
from penstock.gates.deadline import Deadlines
from penstock.gates.placement import Placement
from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.email import Email, Message, checked_message, may_receive
from penstock.sdk.exports import MemoryExports
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.manifest import parse_manifest
from penstock.sdk.storage import MemoryStorage
from tests.evidence import examples
from tests.evidence.ports import NOW_MS, TrappedLedger, TrappedObjects

HOST = "siem.example.com:443"
MESSAGE_ID = "059f36b4-87a3-44ab-83d2-661975830a7d"
Behaviour = Callable[[Evidence, Context], None]

PLACEMENT = Placement(
    plugin="audit-export",
    version="1.2.0",
    digest=examples.TREE,
    moment="after_response",
    style="background",
    host="function",
    timeout_ms=200,
    on_error="allow",
    terms=Terms(effects=frozenset({"emit", "record"})),
    records={"exported": RecordSpec("count", 0, 100)},
)

MANIFEST = parse_manifest(
    """
    name = "audit-export"
    version = "1.2.0"
    summary = "Exports evidence in tests."
    purpose = "Use this plugin to export evidence for tests."
    owner = "tests@example.com"
    contract = 1
    entry_point = "audit_export:AuditExport"
    [after_response]
    """,
    "plugin.toml",
)


class Scripted(Plugin):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.calls = 0

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        self.calls += 1
        self.behaviour(evidence, ctx)


def accepting(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers={"x-request-id": "theirs"}, request=request)


class FakeMail:
    """Takes messages as SES would, under ids `theirs-1`, `theirs-2` and so on."""

    GRANTED = ("*@acme.example",)

    def __init__(self, failure: Exception | None = None) -> None:
        self.sent: list[Message] = []
        self.failure = failure

    def mailer(self, taken: Callable[[str], None]) -> Email:
        mail = self

        class Connected:
            def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
                message = checked_message(to, subject, text, html)
                if not all(may_receive(address, mail.GRANTED) for address in to):
                    raise FieldNotGrantedError("email")
                if mail.failure is not None:
                    raise mail.failure
                mail.sent.append(message)
                taken(f"theirs-{len(mail.sent)}")

        return Connected()


@dataclass
class Stage:
    """One environment after another: the stores stay, the host is made anew by `restart`."""

    behaviour: Behaviour
    placement: Placement = PLACEMENT
    receiver: Callable[[httpx.Request], httpx.Response] = accepting
    objects: TrappedObjects = field(default_factory=TrappedObjects)
    ledger: TrappedLedger = field(default_factory=TrappedLedger)
    broken: BaseException | None = None
    kept: MemoryStorage = field(default_factory=MemoryStorage)
    mail: FakeMail = field(default_factory=FakeMail)
    exports: MemoryExports = field(default_factory=MemoryExports)
    now_ms: int = NOW_MS
    digest_key: Callable[[], DigestKey] = lambda: DigestKey("k1", b"k" * 32)
    dead: list[str] = field(default_factory=list)
    bury: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        self.plugin = Scripted(self.behaviour)
        self.restart()

    def restart(self) -> None:
        background = BackgroundPlugin(
            self.placement, examples.TREE, self._load, frozenset({HOST}), {"signing-key": "prod/key"}
        )
        parts = Parts(
            objects=self.objects,
            ledger=self.ledger,
            secrets=MemorySecrets({"prod/key": "s3cret"}),
            deadlines=Deadlines(None),
            digest_key=self.digest_key,
            ways=Ways(httpx.MockTransport(self.receiver), self.kept, self.mail.mailer, self.exports),
            bury=self.bury or self.dead.append,
            now_ms=lambda: self.now_ms,
        )
        self.host = PluginHost(background, parts)

    def deliver(self, number: int = 1, remaining_s: float = 60.0, **changes: Any) -> DeliveryRecord | None:
        return self.host.deliver(body(**changes), Attempt(MESSAGE_ID, number, remaining_s))

    def records(self) -> list[DeliveryRecord]:
        found = (self.objects.get(key) or b"" for key in self.objects.list(""))
        return [decode(DeliveryRecord, layout.unpack(packed)) for packed in found]

    def at_most_once(self) -> Stage:
        self.placement = replace(self.placement, delivery="at_most_once")
        self.restart()
        return self

    def _load(self) -> LoadedPlugin:
        if self.broken is not None:
            raise self.broken
        return LoadedPlugin(MANIFEST, examples.TREE, self.plugin, PluginConfig())


def body(plugin: str = "audit-export", *, amends: bool = False) -> str:
    key = layout.terminal_key("acme", examples.REQUEST_ID)
    return delivery_message(examples.answered(), plugin, key, amends=amends).decode()
