"""What the control table says, remembered for a while by its full key."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from penstock.adapters.control import ControlStore, Entry

# behaviour.md, section 10: a revoked key or a changed grant holds everywhere after this.
FOUND_S = 30.0
# Shorter for what is absent, so that a new key works soon and a flood of wrong ones is still absorbed.
ABSENT_S = 10.0
MAX_ENTRIES = 4096  # an entry is about 1 KB; callers choose what is asked for, so it must be bounded


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Known:
    entry: Entry | None
    until: float


class Directory:
    """Reads of the control table. One per environment; raises StorageError when it must read and cannot."""

    def __init__(self, store: ControlStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, _Known] = {}

    def read(self, keys: Iterable[str]) -> Mapping[str, Entry]:
        """Those of `keys` that exist. At most one round trip, none when all are remembered."""
        now = self._clock()
        found: dict[str, Entry] = {}
        missing: list[str] = []
        for key in keys:
            known = self._known.get(key)
            if known is None or known.until <= now:
                missing.append(key)
            elif known.entry is not None:
                found[key] = known.entry
        return {**found, **self._learn(list(dict.fromkeys(missing)), now)} if missing else found

    def _learn(self, keys: list[str], now: float) -> Mapping[str, Entry]:
        found = self._store.get(keys)
        for key in keys:
            entry = found.get(key)
            self._known.pop(key, None)
            self._known[key] = _Known(entry, now + (ABSENT_S if entry is None else FOUND_S))
        for oldest in list(self._known)[: max(0, len(self._known) - MAX_ENTRIES)]:
            del self._known[oldest]
        return found


class Decoded(Generic[T]):
    """What is made of entries: once of each that the directory reads, so it is as fresh as they are.

    One for each kind of key; what is made is shared by requests, and not to be changed.
    """

    def __init__(self, make: Callable[[Entry], T]) -> None:
        self._make = make
        self._made: dict[str, tuple[Entry, T]] = {}

    def of(self, key: str, entry: Entry) -> T:
        """What `make` makes of `entry`, which the directory gave for `key`."""
        known = self._made.get(key)
        if known is None or known[0] is not entry:
            if len(self._made) >= MAX_ENTRIES:
                self._made.clear()
            known = self._made[key] = (entry, self._make(entry))
        return known[1]
