"""Each dialect's door as the coverage matrix goes through it: how one asks, what is said, what came back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from penstock.gateway.http import HttpResponse, HttpStream
from tests.gateway.world import COMPLETION, World
from tests.upstream.streams import FakeStream

PROMPT: Final = "alice asks"
SAID: Final = "bob answers"

ASSISTANT: Final[dict[str, Any]] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "echo-one",
    "content": [{"type": "text", "text": SAID}],
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


class Door(Protocol):
    """One dialect and route, unary and streamed."""

    name: str

    def ask(self, world: World, *, stream: bool) -> Came: ...
    def asked(self, world: World) -> str:
        """The user's words as they reached the upstream."""


class Chat:
    """OpenAI's chat completions."""

    name = "openai"

    def ask(self, world: World, *, stream: bool) -> Came:
        words = [{"index": 0, "delta": {"content": piece}} for piece in _pieces()]
        head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "echo-one"}
        end = {"index": 0, "delta": {}, "finish_reason": "stop"}
        events = [_event({**head, "choices": [one]}) for one in (*words, end)]
        message = {"role": "assistant", "content": SAID}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        world.upstream.body = {**COMPLETION, "choices": [choice]}
        world.upstream.streams.append(FakeStream(*events, b"data: [DONE]\n\n"))
        body = {"model": "echo-1", "messages": [{"role": "user", "content": PROMPT}], "stream": stream}
        return _came(_sent(world, "/v1/chat/completions", body), self._text)

    def asked(self, world: World) -> str:
        return str(world.sent["messages"][-1]["content"])

    def _text(self, tree: dict[str, Any]) -> str:
        chosen = tree.get("choices") or [{}]
        return str((chosen[0].get("message") or chosen[0].get("delta") or {}).get("content") or "")


class Messages:
    """Anthropic's messages."""

    name = "anthropic"

    def ask(self, world: World, *, stream: bool) -> Came:
        begun = {**ASSISTANT, "content": [], "stop_reason": None}
        text: Any = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        deltas: list[dict[str, Any]] = [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": piece},
            }
            for piece in _pieces()
        ]
        ends: list[dict[str, Any]] = [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 3},
            },
            {"type": "message_stop"},
        ]
        events: list[dict[str, Any]] = [{"type": "message_start", "message": begun}, text, *deltas, *ends]
        world.upstream.body = ASSISTANT
        world.upstream.streams.append(FakeStream(*(_event(each, each["type"]) for each in events)))
        body = {
            "model": "echo-1",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": PROMPT}],
            "stream": stream,
        }
        return _came(_sent(world, "/v1/messages", body), self._text)

    def asked(self, world: World) -> str:
        return str(world.sent["messages"][-1]["content"])

    def _text(self, tree: dict[str, Any]) -> str:
        if "content" in tree:
            return "".join(block.get("text", "") for block in tree["content"])
        delta = tree.get("delta")
        return str(delta.get("text", "")) if isinstance(delta, dict) else ""


class Responses:
    """OpenAI's responses."""

    name = "openai responses"

    def ask(self, world: World, *, stream: bool) -> Came:
        about = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        whole = _response({"type": "output_text", "text": SAID, "annotations": []})
        empty: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
        begun = {**whole["output"][0], "content": []}
        ended = whole["output"][0]
        events: list[dict[str, Any]] = [
            {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": begun},
            {"type": "response.content_part.added", **about, "part": empty},
            *({"type": "response.output_text.delta", **about, "delta": piece} for piece in _pieces()),
            {"type": "response.output_text.done", **about, "text": SAID},
            {"type": "response.content_part.done", **about, "part": ended["content"][0]},
            {"type": "response.output_item.done", "output_index": 0, "item": ended},
            {"type": "response.completed", "response": whole},
        ]
        world.upstream.body = whole
        numbered = ({"sequence_number": number, **each} for number, each in enumerate(events))
        world.upstream.streams.append(FakeStream(*(_event(each, each["type"]) for each in numbered)))
        body = {"model": "echo-1", "input": PROMPT, "stream": stream}
        return _came(_sent(world, "/v1/responses", body), self._text)

    def asked(self, world: World) -> str:
        return str(world.sent["input"])

    def _text(self, tree: dict[str, Any]) -> str:
        """Of a stream what its deltas say; that everything else says the same is the dialect's own test."""
        if "output" in tree:
            return "".join(part["text"] for item in tree["output"] for part in item["content"])
        return str(tree.get("delta", ""))


def _response(part: dict[str, Any]) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    head = {"id": "resp_1", "object": "response", "created_at": 1, "model": "echo-one"}
    usage = {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}
    return {**head, "status": "completed", "output": [{**message, "content": [part]}], "usage": usage}


DOORS: Final[Sequence[Door]] = (Chat(), Responses(), Messages())


def _pieces() -> list[str]:
    return [SAID[at : at + 2] for at in range(0, len(SAID), 2)]


def _event(value: dict[str, Any], name: str = "") -> bytes:
    event = f"event: {name}\n" if name else ""
    return f"{event}data: {json.dumps(value)}\n\n".encode()


def _sent(world: World, path: str, body: dict[str, Any]) -> HttpResponse | HttpStream:
    return world.handled("POST", path, json.dumps(body).encode())


def _came(response: HttpResponse | HttpStream, text_of: Any) -> Came:
    raw = response.body if isinstance(response, HttpResponse) else b"".join(response.chunks)
    lines = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: {")]
    trees = [json.loads(line) for line in lines] if isinstance(response, HttpStream) else [json.loads(raw)]
    failed = next((tree["error"] for tree in trees if tree.get("error")), None)
    code = None if failed is None else failed.get("code") or failed["details"]["error_code"]
    return Came(response.status, "".join(text_of(tree) for tree in trees), code, raw)
