"""Characters that an upstream cuts in two: D83D at the end of one delta, DE00 at the beginning of the next.

Upstreams that count in UTF-16 do that to all that is outside of the basic plane, as emojis are. Half a
character is in no text that can be looked at or sent, so it waits for its other half in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from penstock.dialects import rawjson
from penstock.dialects.splicing import Path, Put, Splice, splice
from penstock.errors import RequestError, UpstreamError

_HALF: Final = re.compile("[\ud800-\udfff]")
_FIRST_HALF_AT_END: Final = re.compile("[\ud800-\udbff]\\Z")
_INSTEAD: Final = "\ufffd"

Key: TypeAlias = tuple[object, ...]
"""What the next piece of a text is known by."""
Pieces: TypeAlias = Callable[[Any], Iterator[tuple[Path, Key, str]]]
"""Finds in an event's JSON the pieces of texts that grow, none of them empty: where each is, and its key."""


class Halves:
    """Joins the halves in the deltas of one stream."""

    __slots__ = ("_pieces", "_waiting")

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._waiting: dict[Key, str] = {}

    @property
    def waits(self) -> bool:
        """Whether a half waits for its other."""
        return bool(self._waiting)

    def joined(self, text: str) -> str:
        """An event's JSON with its halves joined to those that waited; itself when there are none.

        Raises UpstreamError `malformed` for a half whose other half does not come. Half tokens in log
        probabilities are put as U+FFFD: the other half is in a token of its own.
        """
        if not self._waiting and not rawjson.half_at(text):
            return text
        try:
            tree = rawjson.parse(text, allows_halves=True)
        except RequestError:
            return text  # no JSON at all: for the decoder to say
        splices = {put.path: put for put in (*_in_logprobs(tree, ()), *self._in_deltas(tree))}
        return splice(text, list(splices.values())) if splices else text

    def require_none(self) -> None:
        """At the end of the stream. Raises UpstreamError `malformed`."""
        if self._waiting:
            raise _unpaired()

    def _in_deltas(self, tree: Any) -> Iterator[Splice]:
        for at, key, text in self._pieces(tree):
            waiting = self._waiting.pop(key, "")
            if not waiting and not _HALF.search(text):
                continue
            new = (waiting + text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
            if _FIRST_HALF_AT_END.search(new):
                self._waiting[key], new = new[-1], new[:-1]
            if _HALF.search(new):
                raise _unpaired()
            yield Put(at, new)


def _in_logprobs(value: Any, at: Path, *, is_inside: bool = False) -> Iterator[Splice]:
    """What stands for each half in a member `logprobs`, wherever it is. `rawjson` has bounded the depth."""
    if type(value) is dict:
        for name, below in value.items():
            yield from _in_logprobs(below, (*at, name), is_inside=is_inside or name == "logprobs")
    elif type(value) is list:
        for position, below in enumerate(value):
            yield from _in_logprobs(below, (*at, position), is_inside=is_inside)
    elif is_inside and type(value) is str and _HALF.search(value):
        yield Put(at, _HALF.sub(_INSTEAD, value))


def _unpaired() -> UpstreamError:
    return UpstreamError("The upstream's stream has half of a surrogate pair.", outcome="malformed")
