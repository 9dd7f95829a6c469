"""All kinds together: what is found in one text, in the original's coordinates, without overlaps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from penstock.sdk import Span

from .cards import find_cards
from .emails import find_emails, open_email
from .ibans import find_ibans
from .keys import find_jwts, find_keys, open_block, open_jwt
from .outline import Outline
from .phones import phone_finder
from .shadow import Shadow, shadows_of

Kind = Literal["key", "jwt", "email", "iban", "card", "phone"]
Finder = Callable[[str, Outline], Iterable[Span]]

Opener = Callable[[str], int | None]

MIN_CHARS = 6  # of the shortest find: a@b.co
# `window_chars` of plugin.toml, in characters that can be seen: so far does any finder look (README.md).
WINDOW_CHARS = 160

OPENERS: Mapping[Kind, Opener] = MappingProxyType({"key": open_block, "jwt": open_jwt, "email": open_email})
"""Kinds of which a find may be wider than the window before it shows."""

# Where two kinds claim the same place, the first has it.
KINDS: tuple[Kind, ...] = ("key", "jwt", "email", "iban", "card", "phone")


class Found(NamedTuple):
    """One find: `text[start:end]` of the original; `value` is what makes two finds the same."""

    start: int
    end: int
    kind: Kind
    value: str


class Open(NamedTuple):
    """What is there from `start` on is not known before more of the text comes. None: of no kind yet."""

    start: int
    kind: Kind | None


class Detector:
    """Looks for some kinds. Finds nothing twice: what overlaps is one find, of the stronger kind."""

    def __init__(self, finders: Iterable[tuple[Kind, Finder]]) -> None:
        self._finders = tuple(finders)
        self._openers = tuple((kind, OPENERS[kind]) for kind, _ in self._finders if kind in OPENERS)

    def find(self, text: str) -> list[Found]:
        """Everything in `text`, in order."""
        return self._found(list(shadows_of(text)))

    def find_in_piece(self, text: str) -> tuple[list[Found], Open | None]:
        """Everything that is settled in `text`, of which more may come, and from where on it is open."""
        shadows = list(shadows_of(text))
        found = self._found(shadows)
        every = [place for shadow in shadows for place in self._open(shadow)]
        if not every:
            return found, None
        first = min(every, key=lambda each: each.start)
        settled = [each for each in found if each.end <= first.start]
        if len(settled) < len(found) and found[len(settled)].start < first.start:
            # Inside of a find: what is open may become part of it, and make it another.
            first = Open(found[len(settled)].start, first.kind)
        return settled, first

    def _found(self, shadows: Iterable[Shadow]) -> list[Found]:
        every = [found for shadow in shadows for found in self._in(shadow)]
        return list(_merged(sorted(every, key=lambda found: (found.start, -found.end))))

    def _open(self, shadow: Shadow) -> Iterator[Open]:
        for kind, opener in self._openers:
            start = opener(shadow.text)
            if start is not None:
                yield Open(shadow.origin(start), kind)
        # A window counts characters, also those that cannot be seen: the last that can be are kept back.
        start = shadow.origin(max(0, len(shadow.text) - WINDOW_CHARS))
        if shadow.size - start > WINDOW_CHARS:
            yield Open(start, None)

    def _in(self, shadow: Shadow) -> Iterator[Found]:
        if len(shadow.text) < MIN_CHARS:
            return
        outline = Outline(shadow.text)
        for kind, finder in self._finders:
            for start, end in finder(shadow.text, outline):
                yield Found(*shadow.span(start, end), kind, _value(shadow.text[start:end]))


def detector_of(kinds: Iterable[Kind], default_region: str, allowed_email_domains: Iterable[str]) -> Detector:
    """A detector of `kinds`. Loads what they need. Raises ValueError for a region that does not exist."""
    wanted = frozenset(kinds)
    allowed = frozenset(domain.lower() for domain in allowed_email_domains)
    finders: dict[Kind, Finder] = {
        "key": find_keys,
        "jwt": lambda text, _: find_jwts(text),
        "email": lambda text, outline: find_emails(text, allowed, outline),
        "iban": find_ibans,
        "card": find_cards,
    }
    if "phone" in wanted:
        finders["phone"] = phone_finder(default_region)
    return Detector((kind, finders[kind]) for kind in KINDS if kind in wanted)


def _merged(ordered: Iterable[Found]) -> Iterator[Found]:
    held: Found | None = None
    for found in ordered:
        if held is None or found.start >= held.end:
            if held:
                yield held
            held = found
        else:
            stronger = min(held, found, key=lambda each: KINDS.index(each.kind))
            held = Found(held.start, max(held.end, found.end), stronger.kind, stronger.value)
    if held:
        yield held


def _value(text: str) -> str:
    """The same for the same number in another grouping and the same address in another case."""
    return "".join(char for char in text.lower() if char not in " \t()/_-.")
