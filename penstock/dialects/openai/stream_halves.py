"""Characters that an upstream cuts in two: D83D at the end of one delta, DE00 at the beginning of the next.

Upstreams that count in UTF-16 do that to all that is outside of the basic plane, as emojis are. Half a
character is in no text that can be looked at or sent, so it waits for its other half in the same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from penstock.dialects import rawjson
from penstock.dialects.openai.stream_chunk import as_object, choice_number, numbered
from penstock.dialects.splicing import Path, Put, Splice, splice
from penstock.errors import RequestError, UpstreamError

_HALF: Final = re.compile("[\ud800-\udfff]")
_FIRST_HALF_AT_END: Final = re.compile("[\ud800-\udbff]\\Z")
_INSTEAD: Final = "\ufffd"

Key = tuple[str | int, ...]


class Halves:
    """Joins the halves in the deltas of one stream."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[Key, str] = {}

    def joined(self, text: str) -> str:
        """A chunk's JSON with its halves joined to those that waited; itself when there are none.

        Raises UpstreamError `malformed` for a half whose other half does not come. Half tokens in log
        probabilities are put as U+FFFD: the other half is in a token of its own.
        """
        if not self._waiting and not rawjson.half_at(text):
            return text
        try:
            tree = rawjson.parse(text, allows_halves=True)
        except RequestError:
            return text  # no JSON at all: for the decoder to say
        splices = [*self._in_deltas(tree), *_in_logprobs(tree)]
        return splice(text, splices) if splices else text

    def require_none(self) -> None:
        """At the end of the stream. Raises UpstreamError `malformed`."""
        if self._waiting:
            raise _unpaired()

    def _in_deltas(self, tree: Any) -> Iterator[Splice]:
        for at, key, text in _texts(tree):
            waiting = self._waiting.pop(key, "")
            if not waiting and not _HALF.search(text):
                continue
            new = (waiting + text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
            if _FIRST_HALF_AT_END.search(new):
                self._waiting[key], new = new[-1], new[:-1]
            if _HALF.search(new):
                raise _unpaired()
            yield Put(at, new)


def _texts(tree: Any) -> Iterator[tuple[Path, Key, str]]:
    """Every text in the choices' deltas that is not empty: its place, and what its next piece is known by."""
    for position, choice in numbered(as_object(tree)):
        for name in ("delta", "text"):
            yield from _strings(choice.get(name), ("choices", position, name), (choice["index"], name))


def _strings(value: Any, at: Path, key: Key) -> Iterator[tuple[Path, Key, str]]:
    if type(value) is str and value:
        yield at, key, value
    elif type(value) is dict:
        for name, below in value.items():
            yield from _strings(below, (*at, name), (*key, name))
    elif type(value) is list:
        for position, below in enumerate(value):
            yield from _strings(below, (*at, position), (*key, choice_number(below, position)))


def _in_logprobs(tree: Any) -> Iterator[Splice]:
    for position, choice in numbered(as_object(tree)):
        at: Path = ("choices", position, "logprobs")
        for place, _key, text in _strings(choice.get("logprobs"), at, ()):
            if _HALF.search(text):
                yield Put(place, _HALF.sub(_INSTEAD, text))


def _unpaired() -> UpstreamError:
    return UpstreamError("The upstream's stream has half of a surrogate pair.", outcome="malformed")
