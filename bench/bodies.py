"""Requests and answers of a given size: a conversation as applications hold it, with nothing to redact."""

from __future__ import annotations

import json
from typing import Any, Final

SIZES_BYTES: Final = (512, 4_096, 102_400)
TURN_CHARS: Final = 600  # a few paragraphs: what one message of a chat mostly has
_OPENING: Final = "About ticket-1000. "  # what the editing probe edits, once in each text
_WORDS: Final = (
    "The quarterly report says that the water level rose again in March, as it did a year before. "
)


def request(model: str, size_bytes: int) -> bytes:
    """A chat completion request of about `size_bytes`: a system message, then turns; the user's is last."""
    messages: list[dict[str, str]] = [
        {"role": "system", "content": "You are a careful assistant. Answer in one sentence."}
    ]
    room = size_bytes - len(_encoded({"model": model, "messages": messages, "temperature": 0.2}))
    roles = ("user", "assistant")
    turns = max(1, room // (TURN_CHARS + 40)) | 1
    text = _text(max(20, room // turns - 40))
    messages += ({"role": roles[index % 2], "content": text} for index in range(turns))
    return _encoded({"model": model, "messages": messages, "temperature": 0.2})


def completion(size_bytes: int) -> bytes:
    """An answer of about `size_bytes` with one choice."""
    usage = {"prompt_tokens": 700, "completion_tokens": 150, "total_tokens": 850}
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None, "annotations": []}
    tree: dict[str, Any] = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "echo",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
    }
    message["content"] = _text(max(20, size_bytes - len(_encoded(tree))))
    return _encoded(tree)


def _text(chars: int) -> str:
    return (_OPENING + _WORDS * (chars // len(_WORDS) + 1))[:chars]


def _encoded(tree: dict[str, Any]) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()
