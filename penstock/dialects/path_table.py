"""Tables of paths, compiled to a deterministic automaton: which rule is for each place of a body.

The language is that of `penstock.dialects.paths`. A state is made when a body first has a place for it, once
for each table: few bodies have more than a tenth of them. Holds nothing of any request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

Kind = Literal["field", "media", "structural", "repeats"]

_STEP: Final = re.compile(
    r"(?P<deep>\*\*)|(?P<any>\*)|\[\*\](?P<element>)|\[(?P<key>\w+)=(?P<values>[^\]]+)\]"
    r"|\{(?P<own>\w+)=(?P<kinds>[^}]+)\}|(?P<inside>!)|(?P<name>[\w/-]+|'[^']+')|\."
)


class Rule(NamedTuple):
    """What the strings at a path are.

    `name` is the field that they belong to, the kind of media, the field that they repeat, or for structural
    ones the pattern that they match; one that does not match it counts as unlisted.
    """

    kind: Kind
    name: str


class Compiled(NamedTuple):
    """A table. `names`: all that stand in its paths; `keys`: names by whose values places are told apart."""

    root: State
    names: frozenset[str]
    keys: frozenset[str]

    def states(self) -> list[State]:
        """Every one, made now. Raises ValueError when a path contradicts another."""
        found, left = {self.root}, [self.root]
        while left:
            new = set(left.pop().next()) - found
            found |= new
            left.extend(new)
        return list(found)


def compiled(table: Iterable[tuple[str, Rule]]) -> Compiled:
    """Raises ValueError when a path is not of the language.

    That no path contradicts another is seen when a place is made to which both lead: `Compiled.states`.
    """
    root, names, keys = _Node(), set[str](), set[str]()
    for path, rule in table:
        _add(root, path, rule, names, keys)
    return Compiled(_Compiler().state((root,)), frozenset(names), frozenset(keys))


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
    own: dict[str, dict[str, _Node]] = field(default_factory=dict)


class State:
    """All that the table says of one place, and the states of the places right below it.

    What is below is filled in when it is first asked for: until then a state is `_Unfilled`.
    """

    __slots__ = ("_fill", "by_own", "by_value", "element", "inside", "key", "names", "other", "own", "rule")

    names: dict[str, State]
    other: State
    element: State
    key: str | None
    by_value: dict[str, State]
    inside: State | None
    own: str | None
    by_own: dict[str, State]

    def __init__(self, rule: Rule | None, fill: Callable[[State], None]) -> None:
        self.rule = rule
        self._fill = fill

    def next(self) -> Iterable[State]:
        """The states of all places right below."""
        below = (*self.names.values(), *self.by_value.values(), *self.by_own.values())
        return (*below, self.other, self.element, *((self.inside,) if self.inside else ()))

    def itself(self, members: Any) -> State:
        """The state of the object here, which a member of its own may tell from others."""
        value = members.get(self.own) if self.own is not None else None
        return self.by_own.get(value, self) if type(value) is str else self

    def below(self, element: Any) -> State:
        """The state of an element of the array here."""
        if self.key is None or type(element) is not dict:
            return self.element
        value = element.get(self.key)
        return self.by_value.get(value, self.element) if type(value) is str else self.element


class _Unfilled(State):
    """Has a rule so far. It becomes a plain state, whose attributes cost the walk nothing more."""

    __slots__ = ()

    if not TYPE_CHECKING:  # which would take every attribute to be there

        def __getattr__(self, name: str) -> Any:
            """Called for what is not there yet."""
            if name not in State.__annotations__:
                raise AttributeError(name)
            self._fill(self)
            self.__class__ = State
            return getattr(self, name)


class _Compiler:
    """Makes one state of each set of nodes that can be at one place together (the subset construction)."""

    def __init__(self) -> None:
        self._states: dict[tuple[bool | int, ...], State] = {}

    def state(self, reached: Iterable[_Node | None], *, is_known: bool = False) -> State:
        """The state of the places that `reached` leads to; more exact nodes come first.

        `is_known`: of which kind the object there is has been asked.
        """
        there = list(dict.fromkeys(node for node in reached if node is not None))
        exact = [node for node in there if not node.is_deep]
        begun = [node.deep for node in there if node.deep is not None]
        nodes = list(dict.fromkeys([*exact, *begun, *there]))
        known = (is_known, *map(id, nodes))
        if known not in self._states:
            rule = next((node.rule for node in nodes if node.rule), None)
            self._states[known] = _Unfilled(rule, lambda state: self._fill(state, nodes, is_known=is_known))
        return self._states[known]

    def _fill(self, state: State, nodes: list[_Node], *, is_known: bool) -> None:
        names = dict.fromkeys(name for node in nodes for name in node.names)
        others = [node.any_name for node in nodes]
        elements = [node.any_element for node in nodes]
        state.names = {name: self.state([*(n.names.get(name) for n in nodes), *others]) for name in names}
        state.other = self.state(others)
        state.element = self.state(elements)
        insides = [node.inside for node in nodes if node.inside]
        state.inside = self.state(insides) if insides else None
        self._fill_choices(state, nodes, elements)
        self._fill_own(state, [] if is_known else nodes)

    def _fill_choices(self, state: State, nodes: list[_Node], elements: list[_Node | None]) -> None:
        state.key = key = _only_key(key for node in nodes for key in node.choices)
        choices = [node.choices.get(key, {}) for node in nodes] if key is not None else []
        values = dict.fromkeys(value for choice in choices for value in choice)
        state.by_value = {v: self.state([*(c.get(v) for c in choices), *elements]) for v in values}

    def _fill_own(self, state: State, nodes: list[_Node]) -> None:
        state.own = key = _only_key(key for node in nodes for key in node.own)
        kinds = [node.own.get(key, {}) for node in nodes] if key is not None else []
        values = dict.fromkeys(value for kind in kinds for value in kind)
        found = {value: [*(kind.get(value) for kind in kinds), *nodes] for value in values}
        state.by_own = {value: self.state(reached, is_known=True) for value, reached in found.items()}


def _only_key(keys: Iterable[str]) -> str | None:
    found = sorted(set(keys))
    if len(found) > 1:
        raise ValueError(f"what is at one place is told apart by {found}: choose one")
    return found[0] if found else None


def _add(root: _Node, path: str, rule: Rule, names: set[str], keys: set[str]) -> None:
    """Enter one path of the table, its names, and the keys by which it tells places apart.

    Raises ValueError when it is not of the language.
    """
    nodes, end = [root], 0
    for step in _STEP.finditer(path):
        if step.start() != end:
            break
        end = step.end()
        if step["name"]:
            names.add(step["name"].strip("'"))
        keys.update(key for key in (step["key"], step["own"]) if key)
        if step[0] != ".":
            nodes = [below for node in nodes for below in _below(node, step)]
    if end != len(path):
        raise ValueError(f"{path!r} is no path: see penstock.dialects.paths")
    for node in nodes:
        node.rule = rule


def _below(node: _Node, step: re.Match[str]) -> list[_Node]:
    if step["name"]:
        return [node.names.setdefault(step["name"].strip("'"), _Node())]
    if step["key"]:
        choices = node.choices.setdefault(step["key"], {})
        return [choices.setdefault(value, _Node()) for value in step["values"].split("|")]
    if step["own"]:
        kinds = node.own.setdefault(step["own"], {})
        return [kinds.setdefault(value, _Node()) for value in step["kinds"].split("|")]
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
