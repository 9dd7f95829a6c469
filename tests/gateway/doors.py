"""Each door that models have, as the coverage matrix goes through it: how one asks, what is said, what came.

Those of MCP are in `mcp_doors.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from penstock.gates.placement import Placement
from penstock.gateway.http import HttpResponse, HttpStream
from penstock.sdk import Plugin
from penstock.sdk.loading import LoadedPlugin
from tests.gates.fakes import TEXT, USER
from tests.gateway.world import COMPLETION, World
from tests.upstream.streams import FakeStream

Mode = Literal["unary", "stream"]
BOTH: Final[Sequence[Mode]] = ("unary", "stream")
UNARY: Final[Sequence[Mode]] = ("unary",)
EMBEDDINGS: Final = "openai embeddings"
PROMPT: Final = "alice asks"
SAID: Final = "bob answers"

_ASSISTANT: Final[dict[str, Any]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "echo-one",
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 7, "output_tokens": 3},
}


@dataclass(frozen=True, slots=True)
class Came:
    """What a caller got: its status, the answer's text, the code of the refusal, and the bytes."""

    status: int
    text: str
    code: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said through a door: by the caller, by the upstream; `schema`: what JSON is asked for."""

    prompt: str = PROMPT
    said: str = SAID
    schema: Mapping[str, Any] | None = None

    @property
    def pieces(self) -> list[str]:
        """The answer's words as a stream brings them."""
        return [self.said[at : at + 2] for at in range(0, len(self.said), 2)]


class Door(Protocol):
    """One dialect and route."""

    @property
    def name(self) -> str: ...
    @property
    def modes(self) -> Sequence[Mode]: ...
    @property
    def asks(self) -> str:
        """The field that carries the caller's words."""

    @property
    def answers(self) -> str:
        """The field of the upstream's words."""

    @property
    def wordless(self) -> str | None:
        """Why no words come back; None where they do."""

    @property
    def refused_status(self) -> int:
        """Of a block."""

    def world(self, plugins: Mapping[str, Plugin | LoadedPlugin], *placements: Placement) -> World: ...
    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came: ...
    def asked(self, world: World) -> str | None:
        """The caller's words as they reached the upstream; None when nothing reached it."""

    def headers(self, world: World) -> Mapping[str, str]:
        """What else the upstream was sent."""


class ModelDoor:
    """What the doors of models have in common."""

    modes: Sequence[Mode] = BOTH
    asks: str = USER
    answers: str = TEXT
    wordless: str | None = None
    refused_status = 403
    path: str

    def world(self, plugins: Mapping[str, Plugin | LoadedPlugin], *placements: Placement) -> World:
        return World(plugins, *placements)

    def asked(self, world: World) -> str | None:
        return self.prompt_in(world.sent) if world.upstream.seen else None

    def headers(self, world: World) -> Mapping[str, str]:
        return world.upstream.seen[0][2]

    def prompt_in(self, body: dict[str, Any]) -> str:
        """The user's words in a request's body."""
        return str(body["messages"][-1]["content"])

    def sent(self, world: World, body: dict[str, Any], *, stream: bool) -> HttpResponse | HttpStream:
        given = {"model": "echo-1", **body, **({"stream": stream} if "stream" in self.modes else {})}
        return world.handled("POST", self.path, json.dumps(given).encode())


class Chat(ModelDoor):
    """OpenAI's chat completions."""

    name = "openai"
    path = "/v1/chat/completions"

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        words = [{"index": 0, "delta": {"content": piece}} for piece in talk.pieces]
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "echo-one"}
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        events = [event({**head, "choices": [one]}) for one in (*words, end)]
        message = {"role": "assistant", "content": talk.said}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        world.upstream.body = {**COMPLETION, "choices": [choice]}
        world.upstream.streams.append(FakeStream(*events, b"data: [DONE]\n\n"))
        body: dict[str, Any] = {"messages": [{"role": "user", "content": talk.prompt}]}
        if talk.schema is not None:
            named = {"name": "answer", "schema": dict(talk.schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": named}
        return came(self.sent(world, body, stream=stream), self._text)

    def _text(self, tree: dict[str, Any]) -> str:
        chosen = tree.get("choices") or [{}]
        return str((chosen[0].get("message") or chosen[0].get("delta") or {}).get("content") or "")


class Messages(ModelDoor):
    """Anthropic's messages."""

    name = "anthropic"
    path = "/v1/messages"

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        world.upstream.body = {**_ASSISTANT, "content": [{"type": "text", "text": talk.said}]}
        world.upstream.streams.append(FakeStream(*(event(each, each["type"]) for each in _events(talk))))
        body: dict[str, Any] = {"max_tokens": 9, "messages": [{"role": "user", "content": talk.prompt}]}
        if talk.schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": dict(talk.schema)}}
        return came(self.sent(world, body, stream=stream), self._text)

    def _text(self, tree: dict[str, Any]) -> str:
        if "content" in tree:
            return "".join(block.get("text", "") for block in tree["content"])
        delta = tree.get("delta")
        return str(delta.get("text", "")) if isinstance(delta, dict) else ""


class Responses(ModelDoor):
    """OpenAI's responses."""

    name = "openai responses"
    path = "/v1/responses"

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        whole = _response({"type": "output_text", "text": talk.said, "annotations": []})
        world.upstream.body = whole
        numbered = ({"sequence_number": number, **each} for number, each in enumerate(_parts(talk, whole)))
        world.upstream.streams.append(FakeStream(*(event(each, each["type"]) for each in numbered)))
        body: dict[str, Any] = {"input": talk.prompt}
        if talk.schema is not None:
            shape = {"type": "json_schema", "name": "answer", "schema": dict(talk.schema)}
            body["text"] = {"format": shape}
        return came(self.sent(world, body, stream=stream), self._text)

    def prompt_in(self, body: dict[str, Any]) -> str:
        return str(body["input"])

    def _text(self, tree: dict[str, Any]) -> str:
        """Of a stream what its deltas say; that everything else says the same is the dialect's own test."""
        if "output" in tree:
            return "".join(part["text"] for item in tree["output"] for part in item["content"])
        return str(tree.get("delta", ""))


class Embeddings(ModelDoor):
    """OpenAI's embeddings."""

    name = EMBEDDINGS
    path = "/v1/embeddings"
    modes = UNARY
    wordless = "vectors come back"

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        vector = {"object": "embedding", "index": 0, "embedding": [0.25, -0.5]}
        usage = {"prompt_tokens": 7, "total_tokens": 7}
        world.upstream.body = {"object": "list", "data": [vector], "model": "echo-one", "usage": usage}
        return came(self.sent(world, {"input": talk.prompt}, stream=stream), lambda _: "")

    def prompt_in(self, body: dict[str, Any]) -> str:
        return str(body["input"])


class Counting(ModelDoor):
    """Anthropic's count of a request's tokens."""

    name = "anthropic count_tokens"
    path = "/v1/messages/count_tokens"
    modes = UNARY
    wordless = "a number comes back"

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        world.upstream.body = {"input_tokens": 7}
        body = {"messages": [{"role": "user", "content": talk.prompt}]}
        return came(self.sent(world, body, stream=stream), lambda _: "")


MODEL_DOORS: Final[Sequence[Door]] = (Chat(), Responses(), Embeddings(), Messages(), Counting())


def _events(talk: Talk) -> list[dict[str, Any]]:
    """A message of Anthropic's, streamed."""
    begun = {**_ASSISTANT, "content": [], "stop_reason": None}
    text = {"type": "text", "text": ""}
    deltas = ({"type": "text_delta", "text": piece} for piece in talk.pieces)
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": text},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    ]


def _parts(talk: Talk, whole: dict[str, Any]) -> list[dict[str, Any]]:
    """A response of OpenAI's, streamed."""
    about = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": []}
    ended = whole["output"][0]
    begun = {**ended, "content": []}
    return [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        {"type": "response.content_part.added", **about, "part": empty},
        *({"type": "response.output_text.delta", **about, "delta": piece} for piece in talk.pieces),
        {"type": "response.output_text.done", **about, "text": talk.said},
        {"type": "response.content_part.done", **about, "part": ended["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": ended},
        {"type": "response.completed", "response": whole},
    ]


def _response(part: dict[str, Any]) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "echo-one"}
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    return {**head, "status": "completed", "output": [{**message, "content": [part]}], "usage": usage}


def event(value: dict[str, Any], name: str = "") -> bytes:
    """A server-sent event."""
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(value)}\n\n".encode()


def trees_of(response: HttpResponse | HttpStream) -> tuple[bytes, list[dict[str, Any]]]:
    """The bytes that came, and the JSON in them: one, or one for each event."""
    if isinstance(response, HttpResponse):
        return response.body, [json.loads(response.body)]
    raw = b"".join(response.chunks)
    return raw, [json.loads(line[6:]) for line in raw.split(b"\n") if line.startswith(b"data: {")]


def came(response: HttpResponse | HttpStream, text_of: Any) -> Came:
    """What a caller of a model got."""
    raw, trees = trees_of(response)
    failed = next((tree["error"] for tree in trees if tree.get("error")), None)
    code = None if failed is None else failed.get("code") or failed["details"]["error_code"]
    return Came(response.status, "".join(text_of(tree) for tree in trees), code, raw)
