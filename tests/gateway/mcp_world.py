"""A gateway in memory that serves one MCP server, which is a fake: it answers what it is told to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.adapters.control import Change
from penstock.adapters.secrets import MemorySecrets
from penstock.configuration.applied import applied_documents
from penstock.configuration.model import GatewayFile
from penstock.errors import UpstreamError
from penstock.gateway.gateway import Gateway
from penstock.gateway.http import HttpResponse
from penstock.gateway.mcp_memory import ToolMemory
from penstock.gateway.mcp_parts import McpParts
from penstock.governance.api_keys import KeyOwner
from penstock.governance.directory import Directory
from penstock.governance.mcp_access import McpAccess
from penstock.governance.mcp_rate import McpRate
from penstock.mcp.lockfile import digests
from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, Respond, Response, Transform
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.mcp import HttpMethod
from penstock.upstream.mcp_auth import McpCredentials
from penstock.upstream.target import Target
from tests.dialects.mcp import bodies
from tests.gates.fakes import placement_of
from tests.gateway.world import APPLIED, NOW_S, World
from tests.upstream.streams import FakeStream, Step

SERVER: dict[str, Any] = {"id": "files", "url": "https://mcp.example.com/mcp"}
SEARCH: dict[str, Any] = {
    "name": "search",
    "description": "Searches files.",
    "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}}},
}
DELETE: dict[str, Any] = {"name": "delete", "description": "Deletes.", "inputSchema": {"type": "object"}}
TOOLS = [SEARCH, DELETE]
STATELESS = {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call", "mcp_name": "search"}
ACCEPT = "application/json, text/event-stream"


@dataclass(frozen=True)
class Sent:
    """One request that reached the server."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def message(self) -> Any:
        assert self.body is not None
        return json.loads(self.body)


@dataclass
class FakeMcpServer:
    """Implements `McpUpstream`: `replies` in turn, the last one for ever; `tools/list` by itself."""

    replies: list[Callable[[], FakeStream]] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=lambda: list(TOOLS))
    seen: list[Sent] = field(default_factory=list)
    listed: int = 0
    tokens: list[UpstreamAnswer] = field(default_factory=list)
    forms: list[tuple[str, Mapping[str, str], Mapping[str, str]]] = field(default_factory=list)
    error: UpstreamError | None = None

    def open(
        self,
        method: HttpMethod,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> FakeStream:
        del seconds
        if self.error is not None:
            raise self.error
        sent = Sent(method, target.base_url, headers, body)
        if body is not None and b'"id": "penstock-' in body:  # the gateway looks for itself
            self.listed += 1
            return answered(bodies.result(sent.message["id"], tools=self.tools))
        self.seen.append(sent)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        return reply()

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> UpstreamAnswer:
        self.forms.append((url, form, headers))
        return self.tokens.pop(0)

    @property
    def sent(self) -> Sent:
        """The only request that reached it."""
        assert len(self.seen) == 1, f"{len(self.seen)} requests"
        return self.seen[0]


def answered(body: bytes, status: int = 200, **headers: str) -> FakeStream:
    """A JSON answer."""
    given = {"content-type": "application/json"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return FakeStream(body, status=status, headers=given)


def streamed(*steps: Step, **headers: str) -> FakeStream:
    """An answer of events."""
    given = {"content-type": "text/event-stream"} | {k.replace("_", "-"): v for k, v in headers.items()}
    return FakeStream(*steps, headers=given)


def event(message: bytes, event_id: str | None = None) -> bytes:
    head = f"id: {event_id}\n" if event_id is not None else ""
    return b"event: message\n" + head.encode() + b"data: " + message + b"\n\n"


class McpWorld(World):
    """`server` and `grant` change the stanzas; `pins` is what was approved."""

    def __init__(
        self,
        plugins: Any = None,
        *placements: Any,
        server: Mapping[str, Any] | None = None,
        grants: list[dict[str, Any]] | None = None,
        pins: Mapping[str, str] | None = None,
        origins: frozenset[str] = frozenset(),
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(plugins, *placements)
        self.server = FakeMcpServer([lambda: answered(bodies.text_result("Hello."))])
        self.monotonic_s = 0.0
        stanzas = {
            **APPLIED,
            "mcp_server": [{**SERVER, **(server or {})}],
            "grant": grants if grants is not None else [{"teams": ["red"], "mcp_servers": ["files"]}],
        }
        approved = digests({tool["name"]: tool for tool in TOOLS}) if pins is None else pins
        documents = applied_documents(GatewayFile.model_validate(stanzas), {"files": approved})
        self.control.write([Change(key, document) for key, document in documents.items()])
        self.other = self.keys.create("other", KeyOwner("acme", "red"), NOW_S)
        clock = lambda: self.monotonic_s  # noqa: E731 - a fake in one line
        self.mcp = McpParts(
            access=McpAccess(Directory(self.control)),
            upstream=self.server,
            credentials=McpCredentials(MemorySecrets(secrets or {}), self.server, clock=clock),
            origins=origins,
            rate=McpRate(clock),
            memory=ToolMemory(clock),
        )

    @property
    def gateway(self) -> Gateway:
        if self._gateway is None:
            self._gateway = Gateway(replace(self._parts(), mcp=self.mcp))
        return self._gateway

    def send(
        self, method: str, path: str, body: bytes = b"", *, key: str | None = None, **headers: str
    ) -> HttpResponse:
        """As one whole response, also when it is streamed."""
        response = self.handled(method, path, body, headers, key)
        if isinstance(response, HttpResponse):
            return response
        return HttpResponse(response.status, response.headers, b"".join(response.chunks))

    def reply(self, *replies: FakeStream) -> None:
        """What the server answers, in turn."""
        self.server.replies = [lambda reply=reply: reply for reply in replies]  # type: ignore[misc]  # mypy sees no default in a lambda

    def mcp_post(
        self, body: bytes, *, key: str | None = None, path: str = "/mcp/files", **headers: str
    ) -> Any:
        """A message, with the headers that a client sends unless told otherwise."""
        given = {"content_type": "application/json", "accept": ACCEPT, **headers}
        return self.send("POST", path, body, key=key, **given)


def body_of(response: HttpResponse) -> Any:
    return json.loads(response.body)


def code_of(response: HttpResponse) -> tuple[int, str]:
    """Status and code of a refusal, whether it is a JSON-RPC error or a tool's."""
    found = body_of(response)
    if "error" in found:
        return response.status, found["error"]["data"]["code"]
    assert found["result"]["isError"] is True
    return response.status, found["result"]["_meta"]["penstock/code"]


def events_of(response: HttpResponse) -> list[Any]:
    """The messages of a stream."""
    lines = [line for line in response.body.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


ARGUMENTS = "request.mcp.arguments"
RESULT = "response.mcp.result"


class Masks(Plugin):
    """Replaces one word, there and back."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return Transform(request.mcp.arguments.sub("secret", "<s>"))

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Transform(response.mcp.result.sub("secret", "<s>"))


class Blocks(Plugin):
    """Blocks what says `bad`, there and back; remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[str | None, str | None, tuple[str, ...]]] = []

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        self.seen.append((request.mcp.method, request.mcp.tool, tuple(request.mcp.arguments)))
        return Block("reason") if any("bad" in text for text in request.mcp.arguments) else Allow()

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Block("reason") if any("bad" in text for text in response.mcp.result) else Allow()


class Answers(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return Respond.text("From the plugin.")


def masking(**more: Any) -> McpWorld:
    before = placement_of("guard", reads=(ARGUMENTS,), writes=(ARGUMENTS,))
    after = placement_of("guard", "after_upstream", reads=(RESULT,), writes=(RESULT,))
    return McpWorld({"guard": Masks()}, before, after, **more)


def blocking(**more: Any) -> tuple[McpWorld, Blocks]:
    plugin = Blocks()
    reads = (ARGUMENTS, "request.mcp.method", "request.mcp.tool")
    before = placement_of("guard", reads=reads)
    after = placement_of("guard", "after_upstream", reads=(RESULT,))
    return McpWorld({"guard": plugin}, before, after, **more), plugin


def batch(*messages: bytes) -> bytes:
    return b"[" + b",".join(messages) + b"]"


def opened(world: McpWorld, session: str = "upstream-1", **headers: str) -> str:
    """The session id that the caller gets for the server's `session`."""
    world.reply(answered(bodies.result(protocolVersion="2025-06-18"), mcp_session_id=session))
    response = world.mcp_post(bodies.request("initialize"), **headers)
    world.reply(answered(bodies.text_result("Hello.")))
    world.server.seen.clear()
    return str(response.headers["mcp-session-id"])
