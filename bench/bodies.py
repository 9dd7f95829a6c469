"""Requests and answers of a given size: a conversation as applications hold it, with nothing to redact."""

from __future__ import annotations

import json
import re
from typing import Any, Final

SIZES_BYTES: Final = (512, 4_096, 102_400)
TURN_CHARS: Final = 600  # a few paragraphs: what one message of a chat mostly has
_OPENING: Final = "About ticket-1000. "  # what the editing probe edits, once in each text
_WORDS: Final = (
    "The quarterly report says that the water level rose again in March, as it did a year before. "
)


def request(model: str, size_bytes: int, *, stream: bool = False) -> bytes:
    """A chat completion request of about `size_bytes`: a system message, then turns; the user's is last."""
    messages: list[dict[str, str]] = [
        {"role": "system", "content": "You are a careful assistant. Answer in one sentence."}
    ]
    room = size_bytes - len(_encoded({"model": model, "messages": messages, "temperature": 0.2}))
    roles = ("user", "assistant")
    turns = max(1, room // (TURN_CHARS + 40)) | 1
    text = _text(max(20, room // turns - 40))
    messages += ({"role": roles[index % 2], "content": text} for index in range(turns))
    asked: dict[str, Any] = {"model": model, "messages": messages, "temperature": 0.2}
    return _encoded(asked | ({"stream": True} if stream else {}))


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


def events(chars: int) -> list[bytes]:
    """A streamed answer that says `chars` characters, a token of some four characters in each event."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += ({"content": token} for token in _TOKEN.findall(_text(chars)))
    chunks = [*(_chunk(delta) for delta in deltas), _chunk({}, "stop")]
    return [*(b"data: %b\n\n" % _encoded(chunk) for chunk in chunks), b"data: [DONE]\n\n"]


def said(stream: bytes) -> list[str]:
    """What each event of a stream says."""
    told = (line[6:] for line in stream.splitlines() if line.startswith(b"data: {"))
    return [choice["delta"].get("content", "") for event in told for choice in json.loads(event)["choices"]]


_TOKEN: Final = re.compile(r" ?[^ ]{1,4}| ")


def _chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "echo",
        "choices": [choice],
    }


def _text(chars: int) -> str:
    return (_OPENING + _WORDS * (chars // len(_WORDS) + 1))[:chars]


def _encoded(tree: dict[str, Any]) -> bytes:
    return json.dumps(tree, separators=(",", ":")).encode()
