"""What the guards over one stream could not see, event by event, as few entries as an answer would leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from penstock.evidence.record import Uninspected
from penstock.gates.inspection import MAX_PLACES
from penstock.sdk.fields import CONTENT_FIELDS


class UnseenTally:
    """Entries of the same place, kind, policy and plugin are one, and their counts add up.

    A field counts once however many events carry it, as in a unary answer. A plugin has at most `MAX_PLACES`
    places; what comes at others is counted by kind, at `*`.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, str, str], Uninspected] = {}
        self._places: Counter[str] = Counter()

    def add(self, entries: Iterable[Uninspected]) -> None:
        for entry in entries:
            self._add(entry)

    @property
    def entries(self) -> list[Uninspected]:
        return list(self._entries.values())

    def _add(self, entry: Uninspected) -> None:
        known = self._entries.get(_key(entry))
        if known is None and entry.path != "*":
            if self._places[entry.plugin] >= MAX_PLACES:
                self._add(replace(entry, path="*"))
                return
            self._places[entry.plugin] += 1
        if known is None:
            self._entries[_key(entry)] = entry
        elif entry.kind not in CONTENT_FIELDS:
            known.count += entry.count


def _key(entry: Uninspected) -> tuple[str, str, str, str]:
    return entry.path, entry.kind, entry.policy, entry.plugin
