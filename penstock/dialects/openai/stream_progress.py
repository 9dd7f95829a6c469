"""How far a stream has come: which choices are open, whether it is whole, what it said of tokens and failing.

A choice has ended when its `finish_reason` has come and nothing that it says after it. Some upstreams give a
reason with every delta, some an empty one, some none at all; what ends the stream is then `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.dialects.openai.chat import counted
from penstock.dialects.openai.stream_chunk import choice_number, is_error
from penstock.dialects.stream_event import as_object
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage

DONE: Final = "[DONE]"

# The members of a delta that say something. A role says nothing, and neither does what a vendor adds.
_SAYING: Final = frozenset(
    {
        *("content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "audio"),
        *("tool_calls", "function_call"),
    }
)


class Progress:
    """Reads each chunk's JSON once, as strict or as lax as it was parsed, and holds nothing that was said."""

    __slots__ = ("_ended", "_open", "_usage", "has_failed", "is_done")

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._ended: set[int] = set()
        self._usage: Mapping[str, Any] | None = None
        self.is_done = False
        """Whether `[DONE]` has come: for the reader of the stream to set."""
        self.has_failed = False
        """Whether the upstream has said that it failed."""

    def read(self, tree: Mapping[str, Any]) -> set[int]:
        """Take in a chunk: the numbers of the choices that say something in it."""
        speaking: set[int] = set()
        listed = tree.get("choices")
        for position, choice in enumerate(listed if type(listed) is list else ()):
            if type(choice) is dict:
                number = choice_number(choice, position)
                if _speaks(choice):
                    speaking.add(number)
                self._note(number, choice, speaks=number in speaking)
        self._usage = usage_of(tree) or self._usage
        self.has_failed = self.has_failed or is_error(tree)
        return speaking

    @property
    def choices(self) -> set[int]:
        """The numbers of all choices so far."""
        return self._open | self._ended

    @property
    def ended(self) -> set[int]:
        """The numbers of those that have ended."""
        return set(self._ended)

    @property
    def has_ended(self) -> bool:
        """Whether the caller could take for complete what has come so far."""
        return self.is_done or (bool(self._ended) and not self._open)

    @property
    def usage(self) -> Usage | None:
        """Tokens as the upstream counted them last; None when it has not said."""
        return None if self._usage is None else counted(self._usage)

    def require_whole(self) -> None:
        """At the end of the bytes. Raises UpstreamError `cut`, unless the upstream said that it failed."""
        if not (self.has_ended or self.has_failed):
            raise UpstreamError("The upstream's stream ended before its answer did.", outcome="cut")

    def _note(self, number: int, choice: Mapping[str, Any], *, speaks: bool) -> None:
        reason = choice.get("finish_reason")
        if type(reason) is str and reason:
            self._ended.add(number)
            self._open.discard(number)
        elif speaks or number not in self._ended:
            self._open.add(number)
            self._ended.discard(number)


def usage_of(tree: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a chunk says of tokens: at its top, or where Groq (`x_groq`) and Moonshot (the choice) say it."""
    listed = tree.get("choices")
    first = as_object(listed[0]) if type(listed) is list and listed else {}
    for owner in (tree, as_object(tree.get("x_groq")), first):
        if usage := as_object(owner.get("usage")):
            return usage
    return None


def is_usage_alone(tree: Mapping[str, Any]) -> bool:
    """Whether a chunk is the one that `stream_options.include_usage` asks for: usage, and no choice."""
    return not tree.get("choices") and bool(as_object(tree.get("usage"))) and not is_error(tree)


def _speaks(choice: Mapping[str, Any]) -> bool:
    delta = as_object(choice.get("delta"))
    return bool(choice.get("text")) or any(delta.get(name) for name in delta.keys() & _SAYING)
