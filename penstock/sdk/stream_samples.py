"""Texts that a windowed plugin has to find its way through: examples of every pattern that its code holds.

A window can only go wrong where something is found. What a plugin finds nobody knows but its patterns: they
are looked for in its modules and on its instance, and each gives a short and a long example. A plugin
without patterns needs its author's own texts (`harness(…).stream`).
"""

from __future__ import annotations

import re
import string
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from re import _constants as op  # type: ignore[attr-defined]  # CPython's parser has no public name
from re import _parser as parser  # type: ignore[attr-defined]  # same
from typing import Any, Final

from penstock.sdk.plugin import Plugin

MAX_PATTERNS: Final = 200
_SAMPLE_CHARS: Final = 400
_MAX_DEPTH: Final = 4  # a pattern in a tuple of named tuples in a mapping
_REPEATS = frozenset({op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT})
_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " \n"
_PROSE = "and so the lorem ipsum of it goes on until a line ends\n"


def samples(plugin: Plugin, window_chars: int) -> list[str]:
    """Texts with examples of the plugin's patterns, short ones and some wider than the window."""
    examples: list[str] = []
    for pattern in patterns_of(plugin)[:MAX_PATTERNS]:
        for least in (0, window_chars + 40):
            found = example(pattern, least)
            if found is not None and len(found) <= 2 * window_chars + _SAMPLE_CHARS:
                examples.append(found)
    return list(_texts(dict.fromkeys(examples), window_chars))


def _texts(examples: Iterable[str], window_chars: int) -> Iterator[str]:
    """Examples between prose, some to a text, with a window of prose at its end so that something leaves."""
    rest = (_PROSE * (window_chars // len(_PROSE) + 2))[: window_chars + 64]
    text = ""
    for found in examples:
        if text and len(text) + len(found) > _SAMPLE_CHARS:
            yield text + rest
            text = ""
        text += f"{_PROSE}{found} "
    if text:
        yield text + rest


def patterns_of(plugin: Plugin) -> list[re.Pattern[str]]:
    """The compiled patterns in the plugin's modules and on its instance, each once."""
    package = type(plugin).__module__.rpartition(".")[0]
    modules = [
        module
        for name, module in sorted(sys.modules.items())
        if name == type(plugin).__module__ or (package and name.startswith(f"{package}."))
    ]
    found: dict[int, re.Pattern[str]] = {}
    for holder in (*modules, plugin):
        for value in list(vars(holder).values()):
            found |= {id(pattern): pattern for pattern in _patterns(value, _MAX_DEPTH)}
    return list(found.values())


def _patterns(value: Any, depth: int) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif depth and isinstance(value, Mapping):
        yield from (pattern for item in value.values() for pattern in _patterns(item, depth - 1))
    elif depth and isinstance(value, list | tuple | set | frozenset):
        yield from (pattern for item in value for pattern in _patterns(item, depth - 1))


def example(pattern: re.Pattern[str], least: int = 0) -> str | None:
    """A text that `pattern` matches, at least so long where it can be; None when none was made."""
    for extra in (least, 0):
        maker = _Maker(extra)
        try:
            text = maker.sequence(parser.parse(pattern.pattern, pattern.flags))
        except (re.error, LookupError, RecursionError):
            return None
        if pattern.search(text):
            return text
    return None


class _Maker:
    """Walks a parsed pattern and writes what it takes; repetitions that can be long share `extra`."""

    def __init__(self, extra: int) -> None:
        self._extra = extra
        self._made = 0
        self._groups: dict[int, str] = {}

    def sequence(self, items: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self._part(*item) for item in items)

    def _part(self, kind: Any, of: Any) -> str:
        if kind in _REPEATS:
            return self._repeated(*of)
        if kind is op.SUBPATTERN:
            text = self.sequence(of[3])
            if of[0] is not None:
                self._groups[of[0]] = text
            return text
        if kind is op.ATOMIC_GROUP:
            return self.sequence(of)
        if kind is op.BRANCH:
            return self.sequence(of[1][0])
        if kind is op.GROUPREF:
            return self._groups[of]
        if kind is op.ASSERT and of[0] < 0:
            return self.sequence(of[1])  # it stands before what follows
        return self._character(kind, of)

    def _repeated(self, least: int, most: int, items: Any) -> str:
        texts = [self.sequence(items) for _ in range(least)]
        while len(texts) < most and self._extra > 0:
            texts.append(self.sequence(items))
            self._extra -= max(1, len(texts[-1]))
        return "".join(texts)

    def _character(self, kind: Any, of: Any) -> str:
        """One that is taken, each time another where several are; nothing for what takes none."""
        if kind is op.LITERAL:
            return chr(of)
        if kind not in {op.ANY, op.NOT_LITERAL, op.IN}:
            return ""
        taken = _taken(kind, tuple(of) if kind is op.IN else of)
        self._made += 7  # coprime to 26, 52, 62 and 10: it goes through all of them
        if not taken:  # beyond ASCII: the first that is named
            first = of[0][1]
            return chr(first if isinstance(first, int) else first[0])
        return taken[self._made % len(taken)]


@lru_cache(maxsize=1024)  # a repetition asks for each of its characters, thousands of times
def _taken(kind: Any, of: Any) -> tuple[str, ...]:
    """The characters that one part of a pattern takes."""
    return tuple(char for char in _CHARACTERS if _takes(kind, of, char))


def _takes(kind: Any, of: Any, char: str) -> bool:
    """Whether one part of a pattern, or one member of its `[…]`, takes `char`."""
    if kind is op.IN:
        negated = of[0][0] is op.NEGATE
        return any(_takes(inner, value, char) for inner, value in of[negated:]) != bool(negated)
    if kind in {op.LITERAL, op.NOT_LITERAL}:
        return (ord(char) == int(of)) == (kind is op.LITERAL)
    if kind is op.RANGE:
        return int(of[0]) <= ord(char) <= int(of[1])
    if kind is op.ANY:
        return char != "\n"
    return _is_of(str(of).removeprefix("CATEGORY_"), char)


def _is_of(category: str, char: str) -> bool:
    classes = {"DIGIT": char.isdigit(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}
    return classes[category.removeprefix("NOT_")] != category.startswith("NOT_")
