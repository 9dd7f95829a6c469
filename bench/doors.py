"""The rows of every door: what one request costs through each, with no plugin and with five at each gate.

Bodies have the size that is asked for, with the conversation, the texts or the tool's arguments in them; the
upstream answers at once with bytes that it has. `direct` has the same upstream and no gateway.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from bench import bodies, measuring, world
from bench.measuring import Call
from bench.probes import Look, LookTool
from penstock.adapters.control import Change, ControlStore
from penstock.adapters.secrets import MemorySecrets
from penstock.configuration.applied import applied_documents
from penstock.configuration.model import GatewayFile
from penstock.gateway.mcp_parts import McpParts
from penstock.governance.directory import Directory
from penstock.governance.mcp_access import McpAccess
from penstock.mcp.lockfile import digests
from penstock.upstream.client import UpstreamAnswer
from penstock.upstream.mcp import HttpMethod
from penstock.upstream.mcp_auth import McpCredentials
from penstock.upstream.target import Target

SIZE_BYTES: Final = 4_096
COUNTS: Final = (0, 5)
BATCH: Final = 10
SERVER: Final = "files"
TOOL: Final[dict[str, Any]] = {
    "name": "search",
    "description": "Searches files.",
    "inputSchema": {"type": "object", "properties": {"query": {"type": "string"}}},
}
_STATELESS: Final[dict[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@dataclass(frozen=True, slots=True)
class Door:
    """One route with a request and an answer of about one size."""

    name: str
    path: str
    request: bytes
    answer: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    probe: type[Look] = Look

    @property
    def is_mcp(self) -> bool:
        return self.path.startswith("/mcp/")


def doors(size_bytes: int) -> tuple[Door, ...]:
    """Every door that has a dialect."""
    ask, answer = bodies.request(world.MODEL, size_bytes), bodies.completion(size_bytes)
    chat: dict[str, Any] = json.loads(ask)
    message: str = json.loads(answer)["choices"][0]["message"]["content"]
    system, *turns = chat["messages"]
    text = "".join(turn["content"] for turn in turns)
    asked: dict[str, Any] = {"model": world.MODEL}
    anthropic = {**asked, "max_tokens": 99, "system": system["content"], "messages": turns}
    responses = _encoded({**asked, "input": chat["messages"]})
    embeddings = _encoded({**asked, "input": text})
    messages, count = _encoded(anthropic), b'{"input_tokens":9}'
    return (
        Door("chat completions", world.PATH, ask, answer),
        Door("responses", "/v1/responses", responses, _response(message)),
        Door("embeddings", "/v1/embeddings", embeddings, _vector(size_bytes)),
        Door("messages", "/v1/messages", messages, _message(message), ANTHROPIC),
        Door("count_tokens", "/v1/messages/count_tokens", messages, count, ANTHROPIC),
        Door("mcp tools/call", f"/mcp/{SERVER}", _call(text), _result(message), MCP, LookTool),
    )


ANTHROPIC: Final = {"anthropic-version": "2023-06-01"}
MCP: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": str(TOOL["name"]),
}


class McpServer:
    """An MCP server with one tool, which answers at once."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def open(
        self,
        method: HttpMethod,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        seconds: float,
    ) -> world.Stream:
        del method, target, headers, seconds
        asked = body or b"{}"
        return Answer([self._listed(asked) if b'"tools/list"' in asked else self._answer])

    def post_form(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> UpstreamAnswer:
        """For OAuth2 alone, and this server is asked without credentials."""
        raise NotImplementedError("this server asks for no credentials")

    def _listed(self, asked: bytes) -> bytes:
        listed = {"resultType": "complete", "tools": [TOOL]}
        return _encoded({"jsonrpc": "2.0", "id": json.loads(asked)["id"], "result": listed})


class Answer(world.Stream):
    """A JSON answer, all of which is there."""

    headers = MappingProxyType({"content-type": "application/json"})
    is_event_stream = False


def rows(size_bytes: int) -> dict[tuple[str, str], Call]:
    """`direct`, `0+0` and `5+5` of every door."""
    found: dict[tuple[str, str], Call] = {}
    for door in doors(size_bytes):
        found[door.name, "direct"] = direct(door)
        for count in COUNTS:
            found[door.name, f"{count}+{count}"] = gateway(door, count).call(door.request)
    return found


def direct(door: Door) -> Callable[[], object]:
    """The same body to the same upstream, without the gateway."""
    if not door.is_mcp:
        return world.World(world.probes(0, Look), door.answer).direct(door.request)
    server, target = McpServer(door.answer), Target(SERVER, "http://127.0.0.1:9/mcp")
    return lambda: server.open("POST", target, {}, door.request, world.TIMEOUT_S).body()


def gateway(door: Door, count: int, ports: Mapping[str, Any] | None = None) -> world.World:
    """One whose `count` plugins at each gate read all that comes through `door`."""
    store = world.control_store()
    made = {"store": store, "door": door, **(ports or {})}
    if door.is_mcp:
        _serve_mcp(store)
        server = McpServer(door.answer)
        credentials = McpCredentials(MemorySecrets({}), server)
        made["mcp"] = McpParts(McpAccess(Directory(store)), server, credentials)
    return world.World(world.probes(count, door.probe), door.answer, made)


def measured(rounds: int) -> dict[str, dict[str, Any]]:
    """Every row, interleaved."""
    samples = measuring.interleaved(rows(SIZE_BYTES), rounds=rounds, batch=BATCH)
    found: dict[str, dict[str, Any]] = {}
    for (door, row), taken in samples.items():
        found.setdefault(door, {})[row] = taken.summary()
    return found


def _serve_mcp(store: ControlStore) -> None:
    """As `penstock apply` would: one server, granted to the key's team, its one tool approved."""
    stanzas = {
        "mcp_server": [{"id": SERVER, "url": "http://127.0.0.1:9/mcp"}],
        "grant": [{"organisations": ["acme"], "mcp_servers": [SERVER]}],
    }
    given = world.configuration().file.model_dump(mode="json", exclude_unset=True)
    file = GatewayFile.model_validate(given | stanzas)
    documents = applied_documents(file, {SERVER: digests({str(TOOL["name"]): TOOL})})
    store.write([Change(key, document) for key, document in documents.items()])


def _response(text: str) -> bytes:
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    usage = {"input_tokens": 700, "output_tokens": 150, "total_tokens": 850}
    head = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": world.MODEL,
    }
    return _encoded({**head, "output": [item], "usage": usage})


def _message(text: str) -> bytes:
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": world.MODEL}
    usage = {"input_tokens": 700, "output_tokens": 150}
    said = {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn", "stop_sequence": None}
    return _encoded({**head, **said, "usage": usage})


def _vector(size_bytes: int) -> bytes:
    """As OpenAI's clients ask for it: in base64."""
    vector = "AAAA" * (size_bytes // 4)
    data = [{"object": "embedding", "index": 0, "embedding": vector}]
    usage = {"prompt_tokens": 700, "total_tokens": 700}
    return _encoded({"object": "list", "data": data, "model": world.MODEL, "usage": usage})


def _call(text: str) -> bytes:
    arguments = {"query": text[: len(text) // 2], "within": {"text": text[len(text) // 2 :], "limit": 5}}
    params = {"name": TOOL["name"], "arguments": arguments, "_meta": _STATELESS}
    return _encoded({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def _result(text: str) -> bytes:
    result = {"resultType": "complete", "content": [{"type": "text", "text": text}]}
    return _encoded({"jsonrpc": "2.0", "id": 1, "result": result})


def _encoded(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()
