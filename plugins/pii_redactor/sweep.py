"""One run over the granted fields: what was found, how often, and what stands in its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from penstock.sdk import MemberEdit, Members, Replace, Span, SpanEdit, Texts

from .detector import WINDOW_CHARS, Detector, Found, Kind, Open

Action = Literal["mask", "block", "off"]

_LONG_NUMBER = 10**7  # the shortest find, a telephone number, has eight digits


class Sweep:
    """Collects over several fields. Holds one request's text no longer than the call that made it."""

    def __init__(self, detector: Detector, actions: Mapping[Kind, Action], *, numbered: bool) -> None:
        self.counts: Counter[Kind] = Counter()
        self.blocked: tuple[Kind, Span] | None = None
        """The first find of a kind that blocks, and where it is in its text."""
        self._detector = detector
        self._actions = actions
        self._numbered = numbered
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._last: Counter[Kind] = Counter()

    def texts(self, view: Texts) -> SpanEdit:
        """The edit that masks what is in the texts of one field."""
        return view.replace(self._in_piece if view.is_open else self._replacements)

    def members(self, view: Members) -> Iterator[MemberEdit]:
        """The edits that mask what is in the strings of one field's members, however deep."""
        for name in view:
            old = view[name]
            if type(old) in (int, float) and view.field == "request.parameters":
                continue  # a seed, a limit: the API's own numbers
            new = self._masked(old)
            if new != old:
                yield view.set(name, new)

    def _in_piece(self, text: str) -> Iterator[Replace]:
        """What is open is kept back: by an edit up to the end, or by a block where nothing is masked.

        A find that blocks is open too until it counts: told too early, it would hide the edits before it.
        """
        found, rest = self._detector.find_in_piece(text)
        masks = "mask" in self._actions.values()
        if masks and (early := next((each for each in found if self._is_early(each, text)), None)):
            found, rest = found[: found.index(early)], Open(early.start, early.kind)
        yield from self._replaced(found)
        if rest and masks:
            yield Replace(rest.start, len(text), "")
        elif rest and self.blocked is None:
            blocking = [kind for kind, action in self._actions.items() if action == "block"]
            self.blocked = (rest.kind or blocking[0], Span(rest.start, len(text)))

    def _is_early(self, found: Found, text: str) -> bool:
        return self._actions[found.kind] == "block" and found.end + WINDOW_CHARS > len(text)

    def _replacements(self, text: str) -> Iterator[Replace]:
        return self._replaced(self._detector.find(text))

    def _replaced(self, every: Iterable[Found]) -> Iterator[Replace]:
        for found in every:
            self.counts[found.kind] += 1
            if self._actions[found.kind] == "block" and self.blocked is None:
                self.blocked = (found.kind, Span(found.start, found.end))
            yield Replace(found.start, found.end, self._placeholder(found))

    def _masked(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._masked_text(value)
        if isinstance(value, Mapping):
            return {key: self._masked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            masked = [self._masked(item) for item in value]
            return tuple(masked) if masked == list(value) else masked
        return self._masked_number(value) if type(value) in (int, float) else value

    def _masked_number(self, number: float) -> Any:
        """A number whose digits are a find becomes a text; any other stays the number that it is."""
        if -_LONG_NUMBER < number < _LONG_NUMBER:
            return number
        digits = str(int(number)) if isinstance(number, int) or number.is_integer() else repr(number)
        masked = self._masked_text(digits)
        return number if masked == digits else masked

    def _masked_text(self, text: str) -> str:
        pieces, at = [], 0
        for start, end, new in self._replacements(text):
            pieces += [text[at:start], new]
            at = end
        return "".join([*pieces, text[at:]])

    def _placeholder(self, found: Found) -> str:
        if not self._numbered:
            return f"<{found.kind}>"
        key = (found.kind, found.value)
        if key not in self._numbers:
            self._last[found.kind] += 1
            self._numbers[key] = self._last[found.kind]
        return f"<{found.kind}_{self._numbers[key]}>"
