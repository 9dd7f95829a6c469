"""Events of a stream of messages, made by hand."""

from __future__ import annotations

from typing import Any, Final

from penstock.dialects.stream_event import written
from tests.dialects.anthropic.streaming import assembled

START: Final = written({"type": "message_start", "message": {"content": [], "usage": {"input_tokens": 3}}})
END: Final = written(
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
)
STOP: Final = written({"type": "message_stop"})


def begins(block: dict[str, Any], index: int = 0, **more: Any) -> bytes:
    return written({"type": "content_block_start", "index": index, "content_block": block, **more})


def delta(kind: str, index: int = 0, **said: Any) -> bytes:
    return written({"type": "content_block_delta", "index": index, "delta": {"type": kind, **said}})


def stops(index: int = 0) -> bytes:
    return written({"type": "content_block_stop", "index": index})


def text(*pieces: str, index: int = 0) -> bytes:
    said = b"".join(delta("text_delta", index, text=piece) for piece in pieces)
    return begins({"type": "text", "text": ""}, index) + said + stops(index)


def thinking(said: str, signature: str = "EqQB", index: int = 0) -> bytes:
    begun = begins({"type": "thinking", "thinking": "", "signature": ""}, index)
    sealed = delta("signature_delta", index, signature=signature) if signature else b""
    return begun + delta("thinking_delta", index, thinking=said) + sealed + stops(index)


def tool(*fragments: str, index: int = 0) -> bytes:
    said = b"".join(delta("input_json_delta", index, partial_json=piece) for piece in fragments)
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    return begins(block, index) + said + stops(index)


def content(sent: bytes) -> Any:
    return assembled(START, sent).tree["content"]
