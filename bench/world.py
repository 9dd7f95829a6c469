"""A gateway in memory, as the function builds it: real configuration, engine, timers and encoders.

Only what leaves the process is not there: intents, outcomes and metrics are encoded and dropped, and the
upstream answers at once with bytes that it has.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from bench import probes as probing
from bench.probes import MCP, Edit, Look, LookTool, placement
from penstock.adapters.control import Change, ControlStore, MemoryControlStore
from penstock.adapters.ledger import Ledger, MemoryLedger
from penstock.adapters.secrets import MemorySecrets
from penstock.configuration.applied import applied_documents
from penstock.configuration.compile import Compiled, compile_file
from penstock.configuration.reading import Source, read_gateway_file
from penstock.evidence import telemetry
from penstock.evidence.digests import DigestKey
from penstock.evidence.messages import outbox_message
from penstock.evidence.record import EvidenceRecord, now_ms
from penstock.gates.deadline import Deadlines
from penstock.gates.gate import Gate
from penstock.gates.host import Host, InProcessHost
from penstock.gates.placement import HostKind, Placement
from penstock.gateway.gateway import Gateway
from penstock.gateway.http import HttpRequest, HttpResponse, HttpStream
from penstock.gateway.parts import Parts
from penstock.governance.access import Access
from penstock.governance.api_keys import ApiKeys, KeyOwner
from penstock.governance.authentication import Authentication
from penstock.governance.directory import Directory
from penstock.sdk.fields import AFTER, BEFORE
from penstock.sdk.loading import LoadedPlugin, load_plugin
from penstock.sdk.manifest import Manifest
from penstock.sdk.plugin import Plugin, PluginConfig
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.target import Target

CONFIGURATION: Final = Path(__file__).resolve().parent / "gateway.toml"
MODEL: Final = "echo"
PATH: Final = "/v1/chat/completions"
EVIDENCE_KEY: Final = DigestKey("bench", b"0" * 32)
TIMEOUT_S: Final = 25.0
LOOKS: Final = frozenset({"block", "record"})
EDITS: Final = frozenset({"block", "transform", "record"})


class Upstream:
    """The client that the direct call has, too: it answers at once."""

    def __init__(self, body: bytes, events: Sequence[bytes] = ()) -> None:
        """`events`: of the answer to who asks for a stream."""
        self._answer = UpstreamAnswer(200, {"content-type": "application/json"}, body, 0.0)
        self._events = events

    def post(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamAnswer:
        del target, path, body, headers, key, seconds
        return self._answer

    def stream(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> Stream:
        del target, path, body, headers, key, seconds
        return Stream(self._events)


class Stream:
    """A stream all of which is there."""

    status = 200
    headers: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})
    is_event_stream = True
    ms = 0.0

    def __init__(self, events: Sequence[bytes]) -> None:
        self._events = iter(events)

    def read(self, wait_s: float | None = None) -> bytes:
        del wait_s
        return next(self._events, b"")

    def body(self) -> bytes:
        return b"".join(self._events)

    def cancel(self) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


class Forgetful(MemoryLedger):
    """A ledger that encodes intents as the other does and keeps none, so that a long run costs no memory."""

    def open_intent(self, request_id: str, opened_at_ms: int, facts: Mapping[str, Any]) -> None:
        super().open_intent(request_id, opened_at_ms, facts)
        self._rows.clear()


class Sink(io.StringIO):
    """Where log lines go that nobody reads."""

    def write(self, text: str) -> int:
        return len(text)


Plugins = tuple[Mapping[str, LoadedPlugin], Sequence[Placement]]


def probes(count: int, kind: type[Look | Edit]) -> Plugins:
    """`count` of them at each gate."""
    plugin, effects = kind(), EDITS if kind is Edit else LOOKS
    names = [f"probe-{number}" for number in range(count)]
    placements = [
        placement(name, moment, effects, order, MCP[moment] if kind is LookTool else ())
        for moment in (BEFORE, AFTER)
        for order, name in enumerate(names)
    ]
    return {name: loaded(plugin) for name in names}, placements


def windowed(count: int) -> Plugins:
    """`count` that edit the streamed answer, and none that sees the request."""
    plugin = loaded(Edit())
    names = [f"probe-{number}" for number in range(count)]
    return dict.fromkeys(names, plugin), [probing.windowed(name, n) for n, name in enumerate(names)]


def redactor() -> Plugins:
    """The real `pii-redactor`, as bench/gateway.toml places it."""
    compiled = compiled_configuration()
    snapshot = compiled.snapshot
    loaded = {
        plugin.name: load_plugin(Path(compiled.plugin_roots[0]) / plugin.folder, dict(plugin.config))
        for plugin in snapshot.plugins.values()
    }
    return loaded, [*snapshot.at(BEFORE), *snapshot.at(AFTER)]


class World:
    """One gateway and one key."""

    def __init__(self, plugins: Plugins, answer: bytes, ports: Mapping[str, Any] | None = None) -> None:
        """`ports`: what takes the place of the parts in memory, by name (`store`, `secret`, `ledger`, …).

        `door`: where requests go instead of chat completions; `mcp`: the parts that serve MCP.
        """
        ports = ports or {}
        door = ports.get("door")
        self._path: str = door.path if door else PATH
        self._headers: dict[str, str] = dict(door.headers) if door else {}
        store = ports.get("store") or control_store()
        self.secret = ports.get("secret") or new_key(store)
        self.upstream = ports.get("upstream") or Upstream(answer)
        self.gateway = Gateway(self._parts(plugins, store, ports))

    def call(self, body: bytes) -> Callable[[], HttpResponse | HttpStream]:
        """A request that can be sent again and again. Raises RuntimeError when it is not answered."""
        http = self._http(body)

        def send() -> HttpResponse | HttpStream:
            return self.gateway.handle(http, _remaining_s)

        response = send()
        if not isinstance(response, HttpResponse) or response.status != 200:
            raise RuntimeError(f"the gateway answered otherwise than it should: {response}"[:400])
        return send

    def stream(self, body: bytes) -> Callable[[], HttpStream]:
        """A request for a stream that can be sent again and again. Raises RuntimeError when none comes."""
        http = self._http(body)

        def send() -> HttpStream:
            response = self.gateway.handle(http, _remaining_s)
            if isinstance(response, HttpStream):
                return response
            raise RuntimeError(f"the gateway answered {response.status}: {response.body[:300]!r}")

        return send

    def direct(self, body: bytes) -> Callable[[], UpstreamAnswer]:
        """The same body to the same client, without the gateway."""
        target = Target("echo", "http://127.0.0.1:9/v1")
        return lambda: self.upstream.post(target, "/chat/completions", body, {}, None, TIMEOUT_S)

    def _http(self, body: bytes) -> HttpRequest:
        headers = {"authorization": f"Bearer {self.secret}", **self._headers}
        return HttpRequest("POST", self._path, headers, body, "192.0.2.7")

    def _parts(self, plugins: Plugins, store: ControlStore, ports: Mapping[str, Any]) -> Parts:
        loaded, placements = plugins
        hosts: dict[HostKind, Host] = {"in_process": InProcessHost(loaded, Deadlines.for_environment())}
        if "function" in ports:
            hosts["function"] = ports["function"]
        before, after = (
            Gate(moment, [p for p in placements if p.moment == moment], hosts, budget_ms=60_000)
            for moment in (BEFORE, AFTER)
        )
        directory = Directory(store)
        sink = Sink()
        ledger: Ledger = ports.get("ledger") or Forgetful()
        return Parts(
            snapshot="sha256:" + "1" * 64,
            before=before,
            after=after,
            background=(),
            authentication=Authentication(directory),
            access=Access(directory),
            upstream=self.upstream,
            secrets=MemorySecrets({}),
            ledger=ledger,
            outbox=ports.get("outbox") or encode_only,
            telemetry=lambda record: telemetry.emit(telemetry.request_lines(record, now_ms(), "bench"), sink),
            digest_key=lambda: EVIDENCE_KEY,
            body_limit_bytes=4_000_000,
            mcp=ports.get("mcp"),
        )


def compiled_configuration() -> Compiled:
    """bench/gateway.toml, compiled."""
    return compile_file(configuration())


def configuration() -> Source:
    return read_gateway_file(CONFIGURATION)


def control_store() -> MemoryControlStore:
    """The control table as `penstock apply` would leave it."""
    store = MemoryControlStore()
    documents = applied_documents(configuration().file)
    store.write([Change(key, document) for key, document in documents.items()])
    return store


def new_key(store: ControlStore) -> str:
    """The secret of a new API key of the one team."""
    return ApiKeys(store).create("bench", KeyOwner("acme", "support"), now_ms() // 1000)


def encode_only(record: EvidenceRecord, dispatch: Sequence[str]) -> None:
    """OUTCOME as the outbox gets it, sent to nobody."""
    outbox_message(record, dispatch).decode()


def _remaining_s() -> float:
    return TIMEOUT_S


def loaded(plugin: Plugin) -> LoadedPlugin:
    """With a manifest that lets a probe do what its placement does."""
    manifest = Manifest.model_validate(
        {
            "name": "bench-probe",
            "version": "1.0.0",
            "summary": "A plugin that is measured.",
            "purpose": "Use this plugin to analyze requests for the benchmark.",
            "owner": "bench",
            "contract": 1,
            "entry_point": "probes:Look",
            "before_upstream": {},
        }
    )
    return LoadedPlugin(manifest, "sha256:" + "0" * 64, plugin, PluginConfig())
