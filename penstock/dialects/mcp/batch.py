"""A body that is a list of messages, as 2025-03-26 had them: each message with the bytes that it came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from penstock.dialects import rawjson
from penstock.errors import RequestError

MAX_MESSAGES: Final = 32  # each passes every gate
_DECODER: Final = json.JSONDecoder()


def is_batch(body: bytes) -> bool:
    """Whether a body is a list, if it is JSON at all."""
    return body.lstrip(b" \t\r\n")[:1] == b"["


def split(body: bytes) -> list[bytes]:
    """The elements of a list, each as it stands there. Raises RequestError (400)."""
    text, elements = rawjson.loads(body)
    if not 0 < len(elements) <= MAX_MESSAGES:
        raise RequestError(f"A batch has 1 to {MAX_MESSAGES} messages.")
    pieces: list[bytes] = []
    at = _skip(text, text.index("[") + 1)
    for _ in elements:
        _value, end = _DECODER.raw_decode(text, at)
        pieces.append(text[at:end].encode())
        comma = _skip(text, end)
        at = _skip(text, comma + 1) if text[comma] == "," else comma
    return pieces


def join(messages: Sequence[bytes]) -> bytes:
    """Messages as a list again."""
    return b"[" + b",".join(messages) + b"]"


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
