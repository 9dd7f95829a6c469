"""Tokens, as Anthropic counts them, in Penstock's words.

Anthropic's `input_tokens` are those that were neither read from a cache nor written to one; ours are all.
What was written to a cache costs more than other input there, and is counted as other input here. Work on the
side (a summary of the context, an advisor's answer) stands in `iterations` only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.evidence.record import MAX_COUNT, Usage

_INPUT: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_ASIDE: Final = frozenset({"compaction", "advisor_message"})


def counted(usage: Any) -> Usage:
    """The `usage` of a message or of a `message_delta`; what it does not say, or says wrongly, is 0."""
    said = _object(usage)
    aside = [each for each in map(_object, _list(said.get("iterations"))) if each.get("type") in _ASIDE]
    counts = [said, *aside]
    return Usage(
        input_tokens=_bounded(sum(_count(each, name) for each in counts for name in _INPUT)),
        output_tokens=_bounded(sum(_count(each, "output_tokens") for each in counts)),
        cached=_bounded(sum(_count(each, "cache_read_input_tokens") for each in counts)),
        reasoning=_count(_object(said.get("output_tokens_details")), "thinking_tokens"),
    )


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and 0 <= value <= MAX_COUNT else 0


def _bounded(count: int) -> int:
    return min(count, MAX_COUNT)


def _object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _list(value: Any) -> list[Any]:
    return value if type(value) is list else []
