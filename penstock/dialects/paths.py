"""The path language of the field tables, compiled once, and the one walk that says what every string is.

    metadata.**                          every string at or below `metadata`
    approximate.*    _meta.'a.b/c'       every member, whatever its name; one whose name has dots in it
    messages[*].name                     a member of each element
    messages[role=system|user].content   a member of each element whose `role` is one of these
    source{type=text|content}.data       a member of the object `source` if its own `type` is one of these
    tool_calls[*].function.arguments!    a string that holds JSON: every string in that JSON

A more exact path wins over `*`, and both win over `**`. What no path leads to is *unlisted*. A long number at
the path of a field is a text too, of its digits; when it is edited, a string takes its place. What should
hold JSON and does not is one text; where escapes stand in it, it is unlisted besides.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from penstock.content import Unseen
from penstock.dialects import path_table, rawjson
from penstock.dialects.path_table import Rule, State
from penstock.dialects.splicing import INSIDE, Path
from penstock.errors import RequestError

__all__ = ["Classified", "Found", "Here", "Matcher", "Rule", "path_of"]

Here = tuple["Here | None", str | int]
"""A place in the tree: the place above it and the step from there. Cheaper on the walk than whole paths."""

# `/` parts the prefix of a name in `_meta` from the name (MCP, "General fields"), as in `openai/locale`; `:`
# a module from a function in the ids that servers give to their `inputRequests`. `//` begins an address.
_IDENTIFIER: Final = re.compile(r"(?!.*//)[A-Za-z0-9_$][A-Za-z0-9_$.:/-]{0,63}")
_LONG_NUMBER: Final = 10**7  # E.164 numbers have eight digits and more in practice, cards twelve
# Nobody's parameters are that long but seeds, which are listed; a time in milliseconds has thirteen digits.
_UNLISTED_NUMBER: Final = 10**13
_DIGITS_OF_A_NAME: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9][_.$:/-]?){14}")  # a card's, not a time's
_MAX_NAME_CHARS: Final = 64
_MAX_PATH_CHARS: Final = 200  # evidence's bound (`penstock.evidence.record.TablePath`)


@dataclass(slots=True)
class Found:
    """The texts of one field and, side by side, their places."""

    values: list[str] = field(default_factory=list)
    places: list[Here] = field(default_factory=list)


@dataclass(slots=True)
class Classified:
    """Every string of one tree, by what it is, in the order of the document."""

    fields: dict[str, Found] = field(default_factory=dict)
    hidden: list[tuple[str, Here]] = field(default_factory=list)
    """What no field carries: a kind of media, `unlisted`, or `key` for a name that is no identifier."""
    repeated: set[str] = field(default_factory=set)
    """Fields that are said a second time, in strings that belong to no field."""
    guards_numbers: bool = False
    """Whether a very long number that no path leads to counts as unlisted."""

    def with_texts(self, texts: Iterable[tuple[str, int, str]]) -> Classified:
        """The same with other texts at (field, index), whose places are settled (`Matcher.is_settled`)."""
        changed: dict[str, Found] = {}
        for name, index, text in texts:
            if name not in changed:
                changed[name] = Found(list(self.fields[name].values), self.fields[name].places)
            changed[name].values[index] = text
        return replace(self, fields=self.fields | changed)


def path_of(here: Here | None) -> Path:
    """The steps from the root to `here`."""
    steps: list[str | int] = []
    while here is not None:
        here, step = here
        steps.append(step)
    return tuple(reversed(steps))


class Matcher:
    """A table of paths, compiled to a deterministic automaton. Holds nothing of any request."""

    __slots__ = ("_guards_numbers", "_keys", "_names", "_patterns", "_root")

    def __init__(
        self,
        table: Iterable[tuple[str, Rule]],
        patterns: Mapping[str, re.Pattern[str]],
        *,
        guards_numbers: bool = False,
    ) -> None:
        compiled = path_table.compiled(table)
        self._root, self._keys = compiled.root, compiled.keys
        self._names = frozenset(n for n in compiled.names if _is_identifier(n) and not {"/", ":"} & {*n})
        self._patterns = patterns
        self._guards_numbers = guards_numbers

    def classify(self, tree: Any) -> Classified:
        """What every string of `tree` is. One walk, as deep as the tree, which `rawjson` has bounded."""
        found = Classified(guards_numbers=self._guards_numbers)
        self._value(tree, self._root, None, found)
        return found

    def is_settled(self, at: Path) -> bool:
        """Whether a field's text at `at` may say anything without another place becoming something else.

        Not one inside of JSON in a string, and not one by whose value elements are told apart, as `role`.
        """
        return INSIDE not in at and at[-1] not in self._keys

    def unseen(self, tree: Any, classified: Classified) -> tuple[Unseen, ...]:
        """The hidden parts of `tree` with paths that are free of content."""
        return self._unseen(tree, classified.hidden)

    def some_unseen(self, tree: Any, classified: Classified, most: int) -> tuple[Unseen, ...]:
        """The first `most` of each kind: what a caller sends costs no more than these, however much it is."""
        taken: Counter[str] = Counter()
        some: list[tuple[str, Here]] = []
        for kind, here in classified.hidden:
            if taken[kind] < most:
                taken[kind] += 1
                some.append((kind, here))
        return self._unseen(tree, some)

    def _unseen(self, tree: Any, hidden: Iterable[tuple[str, Here]]) -> tuple[Unseen, ...]:
        held: dict[str, Any] = {}
        return tuple(
            Unseen(self._described(tree, at, held), kind, at)
            for kind, at in ((kind, path_of(here)) for kind, here in hidden)
        )

    def _value(self, value: Any, state: State, here: Here | None, found: Classified) -> None:
        kind = type(value)
        if kind is dict:
            self._members(value, state, here, found)
        elif kind is list:
            self._elements(value, state, here, found)
        elif kind is str and here is not None:
            self._string(value, state, here, found)

    def _members(self, members: dict[str, Any], state: State, here: Here | None, found: Classified) -> None:
        if state.own is not None:
            state = state.itself(members)
        names = state.names
        for name, value in members.items():
            below = names.get(name)
            if below is None:
                below = state.other
                if not _is_identifier(name):
                    found.hidden.append(("key", (here, name)))
            kind = type(value)
            if kind is str:
                self._string(value, below, (here, name), found)
            elif kind is dict:
                self._members(value, below, (here, name), found)
            elif kind is list:
                self._elements(value, below, (here, name), found)
            elif kind is int or kind is float:
                _number(value, below, (here, name), found)

    def _elements(self, elements: list[Any], state: State, here: Here | None, found: Classified) -> None:
        for index, value in enumerate(elements):
            kind = type(value)
            if kind is dict:
                self._members(value, state.below(value), (here, index), found)
            elif kind is str:
                self._string(value, state.element, (here, index), found)
            elif kind is list:
                self._elements(value, state.element, (here, index), found)
            elif kind is int or kind is float:
                _number(value, state.element, (here, index), found)

    def _string(self, value: str, state: State, here: Here, found: Classified) -> None:
        rule = state.rule
        if rule is None:
            self._ruleless(value, state, here, found)
        elif rule.kind == "field":
            field_found = found.fields.get(rule.name)
            if field_found is None:
                field_found = found.fields[rule.name] = Found()
            field_found.values.append(value)
            field_found.places.append(here)
        elif not value:
            return
        elif rule.kind == "media":
            found.hidden.append((rule.name, here))
        elif rule.kind == "repeats":
            found.repeated.add(rule.name)
        elif not self._patterns[rule.name].fullmatch(value):
            found.hidden.append(("unlisted", here))

    def _ruleless(self, value: str, state: State, here: Here, found: Classified) -> None:
        if state.inside is None:
            if value:
                found.hidden.append(("unlisted", here))
            return
        tree = _held(value)
        if tree is None:
            self._string(value, state.inside, here, found)
            if "\\u" in value:  # a laxer parser than ours would read letters where we read an escape
                found.hidden.append(("unlisted", here))
        else:
            self._value(tree, state.inside, (here, INSIDE), found)

    def _described(self, tree: Any, at: Path, held: dict[str, Any]) -> str:
        """`at` in the words of the table: names that it does not know as `?`, indexes as `[*]`.

        `held` keeps what strings hold: thousands of places may be in one, which is to be parsed once.
        """
        state, value, words = self._root, tree, ""
        for step in at:
            if step == INSIDE and state.inside is not None:
                words += "!"
                if value not in held:
                    held[value] = _held(value)
                state, value = state.inside, held[value]
                continue
            if isinstance(step, int):
                words += "[*]"
                state = state.below(value[step])
            else:
                words += "." + (step if step in self._names else "?")
                state = state.itself(value)
                state = state.names.get(step, state.other)
            value = value[step]
        return words.removeprefix(".")[:_MAX_PATH_CHARS]


def _number(value: float, state: State, here: Here, found: Classified) -> None:
    """A number that is long enough to be a card or a telephone is a text of its field, like any other."""
    if -_LONG_NUMBER < value < _LONG_NUMBER:
        return
    rule = state.rule
    # A seed is a token, and long.
    is_known = rule is not None and (rule.kind != "structural" or rule.name == "token")
    if not is_known and found.guards_numbers and not -_UNLISTED_NUMBER < value < _UNLISTED_NUMBER:
        found.hidden.append(("unlisted", here))
    if rule is None or rule.kind != "field":
        return
    whole = isinstance(value, int) or value.is_integer()
    texts = found.fields.setdefault(rule.name, Found())
    texts.values.append(str(int(value)) if whole else repr(value))
    texts.places.append(here)


def _is_identifier(name: str) -> bool:
    """Whether a member's name is one that nobody writes sentences with, nor a card's or account's number.

    An empty one says nothing.
    """
    if len(name) >= 14 and _DIGITS_OF_A_NAME.search(name):
        return False
    if name.isidentifier() and name.isascii() and len(name) <= _MAX_NAME_CHARS:
        return True
    return not name or _IDENTIFIER.fullmatch(name) is not None


def _held(value: str) -> Any:
    """The object, array or string that `value` holds as JSON; None when it holds no such thing.

    A bare number stands in `value` as plainly as it can be said: it is read there.
    """
    try:
        tree = rawjson.parse(value)
    except RequestError:
        return None
    return tree if isinstance(tree, dict | list | str) else None
