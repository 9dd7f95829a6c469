"""Builds a gateway for one environment from what the function is told, once, visibly.

    settings → snapshot → plugins (digest checked before import) → hosts → gates → ports → gateway

A plugin that cannot be loaded stops nobody but itself: its placements fail as `import`, and `on_error`
decides. A snapshot or a setting that cannot be read ends the start.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from penstock.adapters.clients import Clients
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.functions import LambdaFunctions
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.queues import Queues, SqsQueues
from penstock.adapters.secrets import Secrets, SecretsManager, decode_digest_key
from penstock.adapters.signing import RoleSigner
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.dialects import import_streams
from penstock.dialects.opened.route import OPENED
from penstock.errors import ConfigurationError
from penstock.evidence import logs, telemetry
from penstock.evidence.digests import DigestKey
from penstock.evidence.messages import outbox_message
from penstock.evidence.record import EvidenceRecord, now_ms
from penstock.gates.deadline import Deadlines
from penstock.gates.function_host import FunctionHost, Functions, Hosted
from penstock.gates.gate import Gate
from penstock.gates.host import Host, InProcessHost
from penstock.gates.placement import HostKind
from penstock.gateway.gateway import Gateway
from penstock.gateway.opened_parts import OpenedParts, opened_parts
from penstock.gateway.parts import Parts
from penstock.gateway.passages import passage_of
from penstock.gateway.waiting import Waiting
from penstock.governance.access import Access
from penstock.governance.authentication import Authentication
from penstock.governance.directory import Directory
from penstock.sdk.fields import AFTER, BEFORE, LATER, Moment
from penstock.sdk.loading import LoadedPlugin, load_plugin
from penstock.upstream.client import HttpUpstream

if TYPE_CHECKING:
    from penstock.gateway.mcp_parts import McpParts

# What Lambda says of how an environment begins ("Defined runtime environment variables").
INITIALIZATION: Final = "AWS_LAMBDA_INITIALIZATION_TYPE"
SNAP_START: Final = "snap-start"
PLUGIN_FUNCTION: Final = "PENSTOCK_PLUGIN_FUNCTION"  # what plugins' functions are called, with `{plugin}`

log = logging.getLogger(__name__)


def build(environment: Mapping[str, str]) -> Gateway:
    """The gateway of this environment. Raises ConfigurationError when it cannot be built."""
    logs.set_up()
    import_ahead(environment)
    settings = Settings.read(environment)
    snapshot = Snapshot.load(Path(settings.snapshot_path))
    clients = connected()
    functions = plugin_functions(snapshot, clients, environment.get(PLUGIN_FUNCTION, ""))
    secrets = SecretsManager(clients)
    directory = Directory(DynamoControlStore(clients, settings.control_table))
    upstream = HttpUpstream(signer=RoleSigner())
    before, after = gates(snapshot, load_plugins(snapshot, settings), functions)
    return Gateway(
        Parts(
            snapshot=snapshot.digest,
            before=before,
            after=after,
            background=snapshot.at(LATER),
            authentication=Authentication(directory),
            access=Access(directory),
            addresses=snapshot.addresses,
            upstream=upstream,
            secrets=secrets,
            ledger=DynamoLedger(clients, settings.ledger_table),
            outbox=outbox(SqsQueues(clients), settings.outbox_url),
            telemetry=lambda record: telemetry.emit(
                telemetry.request_lines(record, now_ms(), settings.deployment)
            ),
            digest_key=digest_key(secrets, settings.evidence_key_secret),
            body_limit_bytes=snapshot.body_limit_bytes,
            mcp=served_mcp(snapshot, directory, secrets),
            provider_mcp=snapshot.provider_mcp,
            opened=served_opened(snapshot, upstream),
            waiting=waiting(snapshot, functions),
        )
    )


def import_ahead(environment: Mapping[str, str], streams: Callable[[], None] = import_streams) -> None:
    """Before a snapshot is taken, import what some request may need. A plain start imports by need."""
    if environment.get(INITIALIZATION) == SNAP_START:
        streams()


def served_mcp(snapshot: Snapshot, directory: Directory, secrets: Secrets) -> McpParts | None:
    """What serves MCP, where the deployment does: there all of it is imported here, and not by a request."""
    if snapshot.mcp_origins is None:
        return None
    from penstock.gateway.mcp_parts import mcp_parts  # noqa: PLC0415 - a thirtieth of every other start

    passage_of("mcp")
    return mcp_parts(snapshot.mcp_origins, directory, secrets)


def served_opened(snapshot: Snapshot, upstream: HttpUpstream) -> OpenedParts | None:
    """What serves opened paths, where there are some: imported as what serves MCP is."""
    if snapshot.routes:
        passage_of(OPENED)
    return opened_parts(snapshot.routes, upstream)


def connected() -> Clients:
    """Clients that the first request need not wait for: importing boto3 takes about half a second."""
    clients = Clients()
    _ = (clients.dynamodb, clients.sqs, clients.secretsmanager)
    return clients


def gates(
    snapshot: Snapshot, plugins: Mapping[str, LoadedPlugin], functions: Functions | None = None
) -> tuple[Gate, Gate]:
    """The two gates on the response's path, over the same hosts and one pair of timers."""
    hosts: dict[HostKind, Host] = {"in_process": InProcessHost(plugins, Deadlines.for_environment())}
    if functions is not None:
        hosts["function"] = FunctionHost(functions, hosted_plugins(snapshot))

    def gate(moment: Moment) -> Gate:
        return Gate(moment, snapshot.at(moment), hosts, budget_ms=snapshot.gate_budget_ms[moment])

    return gate(BEFORE), gate(AFTER)


def hosted_plugins(snapshot: Snapshot) -> dict[str, Hosted]:
    """The plugins that the gateway calls, with what it and their functions must agree on."""
    terms: dict[str, dict[Moment, str]] = {}
    for placement in snapshot.inline("function"):
        terms.setdefault(placement.plugin, {})[placement.moment] = snapshot.terms(placement)
    return {name: Hosted(found, snapshot.plugins[name].receivers) for name, found in terms.items()}


def plugin_functions(snapshot: Snapshot, clients: Clients, pattern: str) -> Functions | None:
    """What calls plugins' functions, named by `pattern`; None when there are none.

    Raises ConfigurationError when there are some, and nothing says what they are called.
    """
    placed = (*snapshot.inline("function"), *snapshot.waited.values())
    if not placed:
        return None
    if not pattern:
        raise ConfigurationError(
            "the function's environment", f"{PLUGIN_FUNCTION} not set.", "Deploy it again."
        )
    longest_s = max(placement.timeout_ms for placement in placed) / 1000
    return LambdaFunctions(clients, pattern, len(snapshot.called), longest_s)


def waiting(snapshot: Snapshot, functions: Functions | None) -> Waiting | None:
    """What calls the background plugins that the deployment waits for; None when it waits for none."""
    placed = snapshot.waited
    if functions is None or not placed:
        return None
    terms = {name: snapshot.terms(placement) for name, placement in placed.items()}
    return Waiting(tuple(placed.values()), functions, terms)


def load_plugins(snapshot: Snapshot, settings: Settings) -> dict[str, LoadedPlugin]:
    """The plugins that run in this process. One that breaks on the way is left out and logged."""
    loaded: dict[str, LoadedPlugin] = {}
    for name in dict.fromkeys(placement.plugin for placement in snapshot.inline("in_process")):
        plugin = snapshot.plugins[name]
        try:
            folder = settings.plugin_folder(plugin.folder)
            loaded[plugin.name] = load_plugin(
                folder,
                dict(plugin.config),
                digest=plugin.digest,
                packages_digest=plugin.packages_digest,
                any_packages=settings.local,
            )
        except Exception:
            log.exception("a plugin could not be loaded", extra={"plugin": plugin.name})
    return loaded


def outbox(queues: Queues, url: str) -> Callable[[EvidenceRecord, Sequence[str]], None]:
    """Stores an outcome: one message for each request."""

    def store(record: EvidenceRecord, plugins: Sequence[str]) -> None:
        queues.send(url, outbox_message(record, plugins).decode())

    return store


def digest_key(secrets: Secrets, name: str) -> Callable[[], DigestKey]:
    """The evidence key, decoded once for each value of its secret."""
    known: dict[str, DigestKey] = {}

    def get() -> DigestKey:
        text = secrets.get(name)
        if text not in known:
            known.clear()
            known[text] = decode_digest_key(text)
        return known[text]

    return get
