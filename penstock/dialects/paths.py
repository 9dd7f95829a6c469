"""The path language of the field tables, compiled once, and the one walk that says what every string is.

    metadata.**                          every string at or below `metadata`
    approximate.*    _meta.'a.b/c'       every member, whatever its name; one whose name has dots in it
    messages[*].name                     a member of each element
    messages[role=system|user].content   a member of each element whose `role` is one of these
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
from typing import Any, Final, Literal, NamedTuple

from penstock.content import Unseen
from penstock.dialects import rawjson
from penstock.dialects.splicing import INSIDE, Path
from penstock.errors import RequestError

Kind = Literal["field", "media", "structural", "repeats"]
Here = tuple["Here | None", str | int]
"""A place in the tree: the place above it and the step from there. Cheaper on the walk than whole paths."""

_STEP: Final = re.compile(
    r"(?P<deep>\*\*)|(?P<any>\*)|\[\*\](?P<element>)|\[(?P<key>\w+)=(?P<values>[^\]]+)\]|(?P<inside>!)|(?P<name>[\w/-]+|'[^']+')|\."
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9_$][A-Za-z0-9_$.-]{0,63}")
_LONG_NUMBER: Final = 10**7  # E.164 numbers have eight digits and more in practice, cards twelve
# Nobody's parameters are that long but seeds, which are listed; a time in milliseconds has thirteen digits.
_UNLISTED_NUMBER: Final = 10**13
_DIGITS_OF_A_NAME: Final = re.compile(r"(?<![A-Za-z0-9])(?:[0-9][_.$-]?){14}")  # a card's, not a time's
_MAX_NAME_CHARS: Final = 64
_MAX_PATH_CHARS: Final = 200  # evidence's bound (`penstock.evidence.record.TablePath`)


class Rule(NamedTuple):
    """What the strings at a path are.

    `name` is the field that they belong to, the kind of media, the field that they repeat, or for structural
    ones the pattern that they match; one that does not match it counts as unlisted.
    """

    kind: Kind
    name: str


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
        root, names = _Node(), set[str]()
        for path, rule in table:
            names |= _add(root, path, rule)
        compiler = _Compiler()
        self._root = compiler.state((root,))
        self._keys = frozenset(state.key for state in compiler.states)
        self._names = frozenset(filter(_is_identifier, names))
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

    def _value(self, value: Any, state: _State, here: Here | None, found: Classified) -> None:
        kind = type(value)
        if kind is dict:
            self._members(value, state, here, found)
        elif kind is list:
            self._elements(value, state, here, found)
        elif kind is str and here is not None:
            self._string(value, state, here, found)

    def _members(self, members: dict[str, Any], state: _State, here: Here | None, found: Classified) -> None:
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

    def _elements(self, elements: list[Any], state: _State, here: Here | None, found: Classified) -> None:
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

    def _string(self, value: str, state: _State, here: Here, found: Classified) -> None:
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

    def _ruleless(self, value: str, state: _State, here: Here, found: Classified) -> None:
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
                state = state.names.get(step, state.other)
            value = value[step]
        return words.removeprefix(".")[:_MAX_PATH_CHARS]


def _number(value: float, state: _State, here: Here, found: Classified) -> None:
    """A number that is long enough to be a card or a telephone is a text of its field, like any other."""
    if -_LONG_NUMBER < value < _LONG_NUMBER:
        return
    rule = state.rule
    if rule is None and found.guards_numbers and not -_UNLISTED_NUMBER < value < _UNLISTED_NUMBER:
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


@dataclass(slots=True, eq=False)
class _Node:
    """A step of the table's paths. Several may lead to one place of the tree."""

    rule: Rule | None = None
    is_deep: bool = False
    names: dict[str, _Node] = field(default_factory=dict)
    any_name: _Node | None = None
    any_element: _Node | None = None
    choices: dict[str, dict[str, _Node]] = field(default_factory=dict)
    deep: _Node | None = None
    inside: _Node | None = None


class _State:
    """All that the table says of one place, and the states of the places right below it."""

    __slots__ = ("by_value", "element", "inside", "key", "names", "other", "rule")

    def __init__(self, rule: Rule | None) -> None:
        self.rule = rule
        self.names: dict[str, _State] = {}
        self.other = self
        self.element = self
        self.key: str | None = None
        self.by_value: dict[str, _State] = {}
        self.inside: _State | None = None

    def below(self, element: Any) -> _State:
        """The state of an element of the array here."""
        if self.key is None or type(element) is not dict:
            return self.element
        value = element.get(self.key)
        return self.by_value.get(value, self.element) if type(value) is str else self.element


class _Compiler:
    """Makes one state of each set of nodes that can be at one place together (the subset construction)."""

    def __init__(self) -> None:
        self._states: dict[tuple[int, ...], _State] = {}

    @property
    def states(self) -> Iterable[_State]:
        """All that were made so far."""
        return self._states.values()

    def state(self, reached: Iterable[_Node | None]) -> _State:
        """The state of the places that `reached` leads to; more exact nodes come first."""
        there = list(dict.fromkeys(node for node in reached if node is not None))
        exact = [node for node in there if not node.is_deep]
        begun = [node.deep for node in there if node.deep is not None]
        nodes = list(dict.fromkeys([*exact, *begun, *there]))
        known = tuple(map(id, nodes))
        if known not in self._states:
            self._states[known] = state = _State(next((node.rule for node in nodes if node.rule), None))
            self._fill(state, nodes)
        return self._states[known]

    def _fill(self, state: _State, nodes: list[_Node]) -> None:
        names = dict.fromkeys(name for node in nodes for name in node.names)
        others = [node.any_name for node in nodes]
        elements = [node.any_element for node in nodes]
        state.names = {name: self.state([*(n.names.get(name) for n in nodes), *others]) for name in names}
        state.other = self.state(others)
        state.element = self.state(elements)
        insides = [node.inside for node in nodes if node.inside]
        state.inside = self.state(insides) if insides else None
        keys = {key for node in nodes for key in node.choices}
        if len(keys) > 1:
            raise ValueError(f"elements of one array are told apart by {sorted(keys)}: choose one")
        for key in keys:
            state.key = key
            choices = [node.choices.get(key, {}) for node in nodes]
            values = dict.fromkeys(value for choice in choices for value in choice)
            state.by_value = {v: self.state([*(c.get(v) for c in choices), *elements]) for v in values}


def _add(root: _Node, path: str, rule: Rule) -> set[str]:
    """Enter one path of the table; the names in it. Raises ValueError when it is not of the language."""
    nodes, end, names = [root], 0, set()
    for step in _STEP.finditer(path):
        if step.start() != end:
            break
        end = step.end()
        if step["name"]:
            names.add(step["name"].strip("'"))
        if step[0] != ".":
            nodes = [below for node in nodes for below in _below(node, step)]
    if end != len(path):
        raise ValueError(f"{path!r} is no path: see penstock.dialects.paths")
    for node in nodes:
        node.rule = rule
    return names


def _below(node: _Node, step: re.Match[str]) -> list[_Node]:
    if step["name"]:
        return [node.names.setdefault(step["name"].strip("'"), _Node())]
    if step["key"]:
        choices = node.choices.setdefault(step["key"], {})
        return [choices.setdefault(value, _Node()) for value in step["values"].split("|")]
    if step["deep"]:
        node.deep = node.deep or _deep()
        return [node.deep]
    if step["inside"]:
        node.inside = node.inside or _deep()
        return [node.inside]
    if step["any"]:
        node.any_name = node.any_name or _Node()
        return [node.any_name]
    node.any_element = node.any_element or _Node()
    return [node.any_element]


def _deep() -> _Node:
    node = _Node(is_deep=True)
    node.any_name = node.any_element = node
    return node
