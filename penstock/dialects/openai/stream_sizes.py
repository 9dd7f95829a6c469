"""How much of what is held a stream may still add: the words count, not the chunks that they come in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.openai.stream_chunk import choices
from penstock.dialects.openai.stream_joining import SAID_ONCE

_VALUE_CHARS: Final = 8  # what a number, an object or a list takes at least, besides what is in it
_GROWING: Final = ("delta", "text", "logprobs")


def added_chars(tree: Mapping[str, Any]) -> int:
    """What a chunk adds to the answer: what its choices say that is not said once for all."""
    return sum(size_chars(choice.get(name)) for choice in choices(tree) for name in _GROWING)


def size_chars(value: Any) -> int:
    """The characters of the strings in `value`, and something for each number, object and list."""
    if type(value) is str:
        return len(value)
    if value is None or type(value) is bool:
        return 0
    if type(value) is dict:
        value = [below for name, below in value.items() if name not in SAID_ONCE]
    return _VALUE_CHARS + (sum(map(size_chars, value)) if type(value) is list else 0)
