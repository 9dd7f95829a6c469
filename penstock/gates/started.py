"""Runs that were started and that nobody has waited for yet: each with what completes its record."""

from __future__ import annotations

from collections.abc import Callable

from penstock.evidence.record import PlacementRecord


class Started:
    """Of one gate's run. True while there is something to wait for."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[PlacementRecord, Callable[[], None]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, record: PlacementRecord, complete: Callable[[], None]) -> None:
        """`complete` waits for a run, and never raises; until then `record` says only what it saw."""
        self._waiting.append((record, complete))

    def holds(self, record: PlacementRecord) -> bool:
        """Whether `record` is still to be completed."""
        return any(record is waiting for waiting, _ in self._waiting)

    def join(self) -> None:
        """Wait for all, each until its own deadline at most."""
        waiting, self._waiting = self._waiting, []
        for _, complete in waiting:
            complete()
