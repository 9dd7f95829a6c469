"""Tokens, as the Responses API counts them, in Penstock's words."""

from __future__ import annotations

from typing import Any

from penstock.evidence.record import MAX_COUNT, Usage


def counted(usage: Any) -> Usage:
    """The `usage` of an answer; what it does not say, or says wrongly, is 0."""
    said = _object(usage)
    return Usage(
        input_tokens=_count(said.get("input_tokens")),
        output_tokens=_count(said.get("output_tokens")),
        cached=_count(_object(said.get("input_tokens_details")).get("cached_tokens")),
        reasoning=_count(_object(said.get("output_tokens_details")).get("reasoning_tokens")),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value <= MAX_COUNT else 0
