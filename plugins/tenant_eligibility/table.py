"""The table of who may use what: one row of the storage for each API key, tenant, team and organisation.

    tenant/t-7 → {"allow_models": ["gpt-4o*"], "deny_models": [], "allow_mcp_servers": ["files"]}

Names of models and servers may be globs, as in scopes: `*` for any number of characters.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import Field, StringConstraints

from penstock.sdk import PluginConfig
from penstock.sdk.storage import Storage

# The most telling first: what evidence names where several agree.
SUBJECTS: Final = ("api_key", "tenant", "team", "organisation")
Kind = Literal["models", "mcp_servers"]
DecidedBy = Literal["api_key", "tenant", "team", "organisation", "nobody"]

Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:@/*+-]{1,128}$")]
Globs = Annotated[tuple[Glob, ...], Field(max_length=200)]
KEY: Final = re.compile(r"(api_key|tenant|team|organisation)/[A-Za-z0-9_.:@+-]{1,128}")
MAX_REMEMBERED: Final = 2_000  # rows in one environment, some 2 KB each at most: 4 MB


class Row(PluginConfig):
    """What one of them may use. `deny` goes before `allow`, in its own row and in all others."""

    allow_models: Globs = ()
    deny_models: Globs = ()
    allow_mcp_servers: Globs = ()
    deny_mcp_servers: Globs = ()

    def says(self, kind: Kind, name: str) -> bool | None:
        """Whether it allows or denies; None when it says nothing."""
        if _named(name, getattr(self, f"deny_{kind}")):
            return False
        return True if _named(name, getattr(self, f"allow_{kind}")) else None


def keys_of(identity: Mapping[str, Any]) -> Iterator[tuple[DecidedBy, str]]:
    """The rows that a request is held to."""
    for subject in SUBJECTS:
        if identity.get(subject):
            yield subject, f"{subject}/{identity[subject]}"


class Remembered(NamedTuple):
    row: Row | None
    until_s: float


class Table:
    """The rows, each remembered for `cache_s` seconds after it was read, also that there is none."""

    def __init__(self, cache_s: float, clock: Callable[[], float]) -> None:
        self._cache_s = cache_s
        self._clock = clock
        self._known: OrderedDict[str, Remembered] = OrderedDict()

    def row(self, key: str, storage: Storage) -> Row | None:
        """None when there is none. Raises StorageError, and ValueError for what is no row."""
        now_s = self._clock()
        known = self._known.get(key)
        if known is not None and now_s < known.until_s:
            return known.row
        self._known.pop(key, None)
        found = storage.get(key)
        row = None if found is None else Row.model_validate(found.value)
        self._known[key] = Remembered(row, now_s + self._cache_s)
        if len(self._known) > MAX_REMEMBERED:
            self._known.popitem(last=False)
        return row


def _named(name: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
