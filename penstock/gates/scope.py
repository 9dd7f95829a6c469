"""Where a placement applies: exact names or `*` globs; AND between dimensions, OR within one.

`except` is a list of such tables: each stands for the requests that match all of it. An id that a request
does not have matches nothing, not even `*`: an unknown id never falls back to a wider scope.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

DIMENSIONS = (
    "organisation",
    "team",
    "user",
    "api_key",
    "tenant",
    "model",
    "mcp_server",
    "dialect",
    "route",
)


@dataclass(frozen=True, slots=True)
class Names:
    """Names that one dimension may have."""

    exact: frozenset[str]
    glob: re.Pattern[str] | None

    @classmethod
    def of(cls, patterns: tuple[str, ...]) -> Names:
        """`*` stands for any run of characters; nothing else is special."""
        globs = [re.escape(p).replace(r"\*", ".*") for p in patterns if "*" in p]
        return cls(
            frozenset(p for p in patterns if "*" not in p),
            re.compile("|".join(f"(?:{g})" for g in globs), re.DOTALL) if globs else None,
        )

    def admits(self, name: str | None) -> bool:
        """Whether `name` is one of them; None is nobody."""
        if name is None:
            return False
        return name in self.exact or (self.glob is not None and self.glob.fullmatch(name) is not None)


Table = tuple[tuple[str, Names], ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Compiled scope; the empty one admits every request."""

    only: Table = ()
    exceptions: tuple[Table, ...] = ()

    @classmethod
    def of(
        cls, only: Mapping[str, tuple[str, ...]], exceptions: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    ) -> Scope:
        """From dimension → patterns. Unknown dimensions are refused when configuration is read."""
        return cls(_table(only), tuple(_table(item) for item in exceptions))

    def misses(self, facts: Mapping[str, str | None]) -> str | None:
        """The first dimension that keeps a request out, or `except`; None when it is in scope."""
        for dimension, names in self.only:
            if not names.admits(facts.get(dimension)):
                return dimension
        return "except" if any(_admits(table, facts) for table in self.exceptions) else None


def _table(patterns: Mapping[str, tuple[str, ...]]) -> Table:
    return tuple((dimension, Names.of(tuple(values))) for dimension, values in patterns.items())


def _admits(table: Table, facts: Mapping[str, str | None]) -> bool:
    return all(names.admits(facts.get(dimension)) for dimension, names in table)
