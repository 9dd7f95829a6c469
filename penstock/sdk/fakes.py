"""What reaches outside, for tests of one plugin: nothing leaves, and what would have can be looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel

from penstock.errors import FieldNotGrantedError
from penstock.sdk.email import Email, Message, checked_message
from penstock.sdk.exports import Exports, MemoryExports
from penstock.sdk.manifest import DEFAULT_PORTS, Manifest, hosts_by_key
from penstock.sdk.sample import REQUEST_ID
from penstock.sdk.storage import MemoryStorage, Storage
from penstock.sdk.workflow import Started, Workflow, checked_start

if TYPE_CHECKING:
    import httpx


class Came(NamedTuple):
    """What came of one run."""

    deliveries: tuple[tuple[str, int], ...]
    emails: tuple[Message, ...]
    refused: tuple[str, ...]
    exported: tuple[str, ...] = ()

    @property
    def emitted(self) -> bool:
        """Whether anything left."""
        return bool(self.deliveries or self.emails or self.exported)


class FakeCapabilities:
    """What a manifest asks for, of what a test gives: secrets, a receiver; the rest in memory."""

    def __init__(
        self,
        manifest: Manifest,
        config: BaseModel,
        secrets: Mapping[str, str],
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.deliveries: list[tuple[str, int]] = []
        self.refused: list[str] = []
        self.kept = MemoryStorage()
        self.exported = MemoryExports()
        self.exported_keys: list[str] = []
        self.sent: list[Message] = []
        self.may_emit = True
        self.started: list[Started] = []
        self._before = (0, 0, 0, 0)
        derived = hosts_by_key(manifest, config.model_dump(mode="json")).values()
        self._hosts = {*manifest.hosts, *(host for hosts in derived for host in hosts)}
        self._manifest = manifest
        self._secrets = secrets
        self._transport = transport

    def begin(self, *, may_emit: bool) -> None:
        """A run begins, at a moment that may `emit` or not: only there does anything leave."""
        self.may_emit = may_emit
        self._before = (len(self.deliveries), len(self.sent), len(self.refused), len(self.exported_keys))

    def came(self) -> Came:
        """Of the run that began last."""
        delivered, sent, refused, put = self._before
        return Came(
            tuple(self.deliveries[delivered:]),
            tuple(self.sent[sent:]),
            tuple(self.refused[refused:]),
            tuple(self.exported_keys[put:]),
        )

    def secret(self, name: str, *, fresh: bool = False) -> str:  # noqa: ARG002 - nothing is kept here
        """The secret `name`. Raises FieldNotGrantedError unless the manifest asks for it."""
        if name not in self._manifest.secrets:
            raise FieldNotGrantedError(f"secrets.{name}")
        if name not in self._secrets:
            raise LookupError(f"the test gives no secret {name!r}: harness(…, secrets={{{name!r}: …}})")
        return self._secrets[name]

    def http(self) -> httpx.Client:
        """A client as in the function host: granted hosts only, no redirects, no proxies."""
        import httpx  # noqa: PLC0415  # 150 ms that only plugins with hosts need

        if not self._hosts or not self.may_emit:
            raise FieldNotGrantedError("hosts")
        if self._transport is None:
            raise LookupError("the test gives no receiver: harness(…, transport=httpx.MockTransport(…))")
        hooks: dict[str, list[Callable[..., Any]]] = {"request": [self._admit], "response": [self._note]}
        return httpx.Client(transport=self._transport, event_hooks=hooks, trust_env=False)

    def _admit(self, request: httpx.Request) -> None:
        port = request.url.port or DEFAULT_PORTS.get(request.url.scheme, 0)
        if f"{request.url.host}:{port}" not in self._hosts:
            self.refused.append("hosts")
            raise FieldNotGrantedError("hosts")

    def _note(self, response: httpx.Response) -> None:
        self.deliveries.append((response.request.url.host, response.status_code))

    def storage(self) -> Storage:
        """As long as the harness lasts. Raises FieldNotGrantedError unless the manifest asks for it."""
        if not self._manifest.storage:
            raise FieldNotGrantedError("storage")
        return self.kept

    def workflow(self) -> Workflow:
        """Keeps runs in `started`. Raises FieldNotGrantedError unless the manifest asks for it."""
        if not self._manifest.workflow:
            raise FieldNotGrantedError("workflow")
        return self

    def start(self, run_id: str | None = None, *, reference: str = "") -> None:
        """`penstock.sdk.workflow.Workflow`; whoever starts a run again starts nothing."""
        started = checked_start(run_id, REQUEST_ID, reference)
        if started.run_id not in {known.run_id for known in self.started}:
            self.started.append(started)

    def email(self) -> Email:
        """Keeps messages in `sent`. Raises FieldNotGrantedError unless the manifest asks for it."""
        if not self._manifest.email or not self.may_emit:
            raise FieldNotGrantedError("email")
        return self

    def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """`penstock.sdk.email.Email`; whom a deployment will grant, no test can say."""
        self.sent.append(checked_message(to, subject, text, html))

    def exports(self) -> Exports:
        """Keeps objects in `exported`. Raises FieldNotGrantedError unless the manifest asks for it."""
        if not self._manifest.exports or not self.may_emit:
            raise FieldNotGrantedError("exports")
        return _Noted(self.exported, self.exported_keys)


class _Noted:
    """Exports that tell which keys were put."""

    def __init__(self, inner: Exports, put: list[str]) -> None:
        self._inner = inner
        self._put = put

    def put(self, key: str, body: bytes) -> bool:
        is_new = self._inner.put(key, body)
        self._put.append(key)
        return is_new
