"""Bodies that no dialect reads: to every guard one part that it cannot see, of the kind `body`.

A kind of its own, not `opaque`: who lets seals of thinking pass has not said that whole bodies may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Self

from penstock.content import Unseen
from penstock.evidence.record import Usage
from penstock.sdk.edits import Edit
from penstock.sdk.views import TextValues

BODY: Final = "body"
_ONE: Final[Mapping[str, int]] = MappingProxyType({BODY: 1})


class OpenedBody:
    """A whole body, as bytes. Implements `penstock.content.Content`: no field is in it, no edit fits it."""

    surface: Final = "opened"
    present: frozenset[str] = frozenset()
    unseen_kinds = _ONE

    def __init__(self, body: bytes, part: str) -> None:
        self._body = body
        self.unseen = (Unseen(part, BODY, ()),)

    def some_unseen(self, most: int) -> tuple[Unseen, ...]:
        return self.unseen[:most]

    def texts(self, field: str) -> TextValues:
        del field
        return TextValues(())

    def members(self, field: str) -> Mapping[str, Any]:
        del field
        return {}

    def edited(self, edits: Sequence[Edit]) -> Self:
        """Raises ValueError for any edit."""
        if edits:
            raise ValueError("nobody knows where a text of this body is")
        return self

    def without(self, unseen: Sequence[Unseen]) -> Self:
        """Raises ValueError: nothing is left of a body without itself."""
        if unseen:
            raise ValueError("the whole body cannot be taken out")
        return self

    def without_field(self, field: str) -> Self:
        del field
        return self

    def replaced(self, text: str) -> Self:
        del text
        raise ValueError("no text stands for a body of unknown form")

    def encoded(self) -> bytes:
        return self._body


class OpenedRequest(OpenedBody):
    """A request. Which models it names, and which MCP servers, nobody knows: no grant of these binds it.

    `streams`: whether the answer is events is for the upstream to say, so that its head is waited for.
    """

    model = ""
    other_models: tuple[str, ...] = ()
    provider_mcp: tuple[str, ...] = ()
    streams = True
    streams_usage = False

    def __init__(self, body: bytes) -> None:
        super().__init__(body, "request")

    def with_model(self, name: str, *, asks_usage: bool = False) -> bytes:
        """The bytes that came: nothing in them is known to be a model's name."""
        del name, asks_usage
        return self._body


class OpenedAnswer(OpenedBody):
    """An answer, or what stands for one that is streamed."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body, "response")

    def usage(self) -> Usage:
        """Unknown, hence nothing: it has no cost either."""
        return Usage()
