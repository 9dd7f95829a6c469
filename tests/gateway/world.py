"""A gateway in memory: real configuration, dialect and engine; stores and upstream are fakes beside it."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.adapters.control import Change, MemoryControlStore
from penstock.adapters.ledger import MemoryLedger
from penstock.adapters.secrets import MemorySecrets
from penstock.configuration.applied import applied_documents
from penstock.configuration.model import GatewayFile
from penstock.errors import StorageError, UpstreamError
from penstock.evidence.digests import DigestKey
from penstock.evidence.encoding import as_mapping
from penstock.evidence.record import EvidenceRecord
from penstock.gates.gate import Gate
from penstock.gates.placement import Placement, in_order
from penstock.gateway.gateway import Gateway
from penstock.gateway.http import HttpRequest, HttpResponse, HttpStream
from penstock.gateway.parts import Parts
from penstock.gateway.waiting import Waiting
from penstock.governance.access import Access
from penstock.governance.api_keys import ApiKeys, KeyOwner
from penstock.governance.authentication import Authentication
from penstock.governance.directory import Directory
from penstock.sdk.fields import AFTER, BEFORE, LATER, Moment
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.plugin import Plugin
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.target import Target
from tests.gates.fakes import loaded
from tests.gates.hosted import Outside, hosts_of
from tests.upstream.streams import FakeStream

NOW_S = 1_790_000_000
APPLIED: dict[str, Any] = {
    "organisation": [{"id": "acme"}],
    "team": [{"id": "red", "organisation": "acme"}],
    "provider": [{"id": "echo", "kind": "both", "base_url": "http://127.0.0.1:9/v1", "secret": "echo-key"}],
    "model": [
        {
            "id": "echo-1",
            "provider": "echo",
            "upstream_model": "echo-one",
            "input_price_nanousd_per_token": 2,
            "output_price_nanousd_per_token": 5,
        },
        {"id": "hidden-1", "provider": "echo"},
    ],
    "grant": [{"teams": ["red"], "models": ["echo-1"]}],
}
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "echo-one",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
}


@dataclass
class FakeUpstream:
    """Answers what it was told to; remembers what it got. `streams` are given out in turn."""

    status: int = 200
    body: Any = field(default_factory=lambda: COMPLETION)
    headers: dict[str, str] = field(default_factory=dict)
    error: UpstreamError | None = None
    streams: list[FakeStream] = field(default_factory=list)
    seen: list[tuple[str, bytes, Mapping[str, str], str | None]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """How long each call might take."""

    def post(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> UpstreamAnswer:
        self.seconds.append(seconds)
        self.seen.append((target.url(path), body, headers, key))
        if self.error is not None:
            raise self.error
        raw = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return UpstreamAnswer(self.status, self.headers, raw, 5.0)

    def stream(
        self,
        target: Target,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> FakeStream:
        self.seconds.append(seconds)
        self.seen.append((target.url(path), body, headers, key))
        if self.error is not None:
            raise self.error
        return self.streams.pop(0)


class Broken:
    """Stands for any store that does not answer."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: object, **__: object) -> Any:
            raise StorageError(name)

        return fail


class World:
    """One gateway with its stores. Change the attributes before the first request."""

    def __init__(
        self, plugins: Mapping[str, Plugin | LoadedPlugin] | None = None, *placements: Placement
    ) -> None:
        self.control = MemoryControlStore()
        documents = applied_documents(GatewayFile.model_validate(APPLIED))
        self.control.write([Change(key, document) for key, document in documents.items()])
        self.keys = ApiKeys(self.control)
        self.key = self.keys.create("demo", KeyOwner("acme", "red"), NOW_S)
        self.ledger: Any = MemoryLedger()
        self.upstream = FakeUpstream()
        self.secrets: Any = MemorySecrets({"echo-key": "provider-secret"})
        self.stored: list[tuple[EvidenceRecord, Sequence[str]]] = []
        self.counted: list[EvidenceRecord] = []
        self.outbox: Callable[[EvidenceRecord, Sequence[str]], None] = lambda r, p: self.stored.append((r, p))
        self.body_limit_bytes = 100_000
        self.waiting: Waiting | None = None
        self.outside: dict[str, Outside] = {}
        self.now_s = float(NOW_S)
        self.passed_s = 0.0
        self._plugins = plugins or {}
        self._placements = placements
        self._numbers = itertools.count(1)
        self._gateway: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """Built when it is first used."""
        if self._gateway is None:
            self._gateway = Gateway(self._parts())
        return self._gateway

    def post(self, body: Any, *, key: str | None = None, **headers: str) -> HttpResponse:
        """A chat request; `headers` with `_` for `-`."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", "/v1/chat/completions", raw, key=key, **headers)

    def pass_time(self, seconds: float) -> None:
        """Let the gateway's clock go on."""
        self.passed_s += seconds

    def stream(self, *user: str, **more: Any) -> HttpResponse | HttpStream:
        """A chat request that asks for a stream."""
        messages = [{"role": "user", "content": text} for text in user or ("hi",)]
        body = {"model": "echo-1", "messages": messages, "stream": True, **more}
        return self.handled("POST", "/v1/chat/completions", json.dumps(body).encode(), {})

    def chat(self, *user: str, **more: Any) -> HttpResponse:
        """A chat request with these user messages."""
        messages = [{"role": "user", "content": text} for text in user]
        return self.post({"model": "echo-1", "messages": messages, **more})

    def send(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None, **headers: str
    ) -> HttpResponse:
        """Any request, with the demo key unless told otherwise; an empty `key` sends none."""
        response = self.handled(method, path, body, headers, key)
        assert isinstance(response, HttpResponse)
        return response

    def handled(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> HttpResponse | HttpStream:
        """What the gateway makes of a request, streamed or not."""
        headers = headers or {}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        secret = self.key if key is None else key
        if secret:
            given.setdefault("authorization", f"Bearer {secret}")
        return self.gateway.handle(HttpRequest(method, path, given, body, "192.0.2.7"), lambda: 60.0)

    @property
    def record(self) -> EvidenceRecord:
        """The only record that was stored."""
        assert len(self.stored) == 1, f"{len(self.stored)} records"
        return self.stored[0][0]

    @property
    def sent(self) -> dict[str, Any]:
        """The only body that reached the upstream."""
        assert len(self.upstream.seen) == 1
        body = json.loads(self.upstream.seen[0][1])
        assert isinstance(body, dict)
        return body

    def _parts(self) -> Parts:
        directory = Directory(self.control)
        return Parts(
            snapshot="sha256:" + "1" * 64,
            before=self._gate(BEFORE),
            after=self._gate(AFTER),
            background=self._at(LATER),
            authentication=Authentication(directory, lambda: self.now_s),
            access=Access(directory),
            upstream=self.upstream,
            secrets=self.secrets,
            ledger=self.ledger,
            outbox=self._store,
            telemetry=self.counted.append,
            digest_key=lambda: DigestKey("k1", b"0" * 32),
            body_limit_bytes=self.body_limit_bytes,
            waiting=self.waiting,
            new_id=lambda: f"0190a5b2-7c00-7000-8000-{next(self._numbers):012x}",
            clock=lambda: time.monotonic() + self.passed_s,
            now_ms=lambda: int(self.now_s * 1000),
        )

    def _store(self, record: EvidenceRecord, plugins: Sequence[str]) -> None:
        self.outbox(record, plugins)

    def _gate(self, moment: Moment) -> Gate:
        plugins = {n: loaded(p) if isinstance(p, Plugin) else p for n, p in self._plugins.items()}
        placements = in_order(self._at(moment))
        hosted = (placement for placement in placements if placement.host == "function")
        hosts = hosts_of(plugins, *hosted, outside=self.outside)
        return Gate(moment, placements, hosts, budget_ms=5_000)

    def _at(self, moment: Moment) -> list[Placement]:
        return [placement for placement in self._placements if placement.moment == moment]


def error(response: HttpResponse) -> tuple[int, str]:
    """Status and code of an error in OpenAI's shape."""
    body = json.loads(response.body)["error"]
    assert set(body) >= {"message", "type", "code", "param"}
    return response.status, str(body["code"])


def said(response: HttpResponse) -> str:
    """The text of the first choice."""
    return str(json.loads(response.body)["choices"][0]["message"]["content"])


__all__ = ["APPLIED", "COMPLETION", "Broken", "FakeUpstream", "World", "as_mapping", "error", "said"]
