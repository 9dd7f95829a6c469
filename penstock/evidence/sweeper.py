"""Closes what a crash left open: an intent without outcome becomes a record that says `outcome_unknown`.

    lease → store terminal (the first record of a request stays) → dispatch → settle

An outcome that comes later still becomes an amendment (`penstock.evidence.recorder`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from penstock.adapters.ledger import Intent, Ledger
from penstock.errors import ConfigurationError, StorageError
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.encoding import as_json
from penstock.evidence.intent import Intention, unknown_outcome
from penstock.evidence.recorder import Dispatcher
from penstock.evidence.schema import UnreadableEvidenceError, decode
from penstock.evidence.whereabouts import as_terminal

ENVIRONMENT_LOST = "environment_lost"
LEASE_MS = 60_000  # longer than one intent takes to close; another sweeper may try after that
LOST_LEASE_MS = 24 * 3600 * 1000  # what somebody has to mend is tried, and counted, once a day

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """What one run did. `lost`: intents that cannot be closed as they stand; somebody has to look."""

    stored: int = 0
    settled: int = 0
    postponed: int = 0
    lost: int = 0


class Sweeper:
    """Closes open intents that are older than `age_ms`, which must outlast the gateway function's timeout."""

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        dispatcher: Dispatcher,
        now_ms: Callable[[], int],
        age_ms: int,
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._now_ms = now_ms
        self._age_ms = age_ms

    def sweep(self, limit: int, has_time: Callable[[], bool] = lambda: True) -> Swept:
        """Close at most `limit` intents, while `has_time`. Raises StorageError when no ledger answers.

        Those that cannot be closed do not count: else the oldest, which come first, would keep out the rest.
        """
        swept = Swept()
        for intent in self._open():
            if swept.settled >= limit or not has_time():
                break
            self._try(intent, swept)
        return swept

    def _open(self) -> Iterable[Intent]:
        return self._ledger.open_before(self._now_ms() - self._age_ms)

    def _try(self, intent: Intent, swept: Swept) -> None:
        now_ms = self._now_ms()
        try:
            if self._ledger.lease(intent.request_id, now_ms, now_ms + LEASE_MS):
                self._look_after(intent, swept, now_ms + LEASE_MS)
        except StorageError:
            swept.postponed += 1
            log.exception("an intent stays open until the next run", extra={"request_id": intent.request_id})

    def _look_after(self, intent: Intent, swept: Swept, leased_until_ms: int) -> None:
        try:
            self._close(intent, swept)
        except (UnreadableEvidenceError, ConfigurationError):
            # The lease is ours, so it can be had again from its end on.
            self._ledger.lease(intent.request_id, leased_until_ms, leased_until_ms + LOST_LEASE_MS)
            swept.lost += 1
            log.exception("an intent cannot be closed", extra={"request_id": intent.request_id})

    def _close(self, intent: Intent, swept: Swept) -> None:
        known = decode(Intention, as_json(dict(intent.facts)))
        record = as_terminal(unknown_outcome(intent.request_id, known, ENVIRONMENT_LOST))
        stored, key = self._archive.put_terminal(record)
        if stored is not Stored.OTHER:  # else there is an outcome, and the recorder has it in hand
            self._dispatcher.send(record, key, known.dispatch, amends=False)
        self._ledger.settle(intent.request_id, "sweeper", self._now_ms())
        swept.settled += 1
        swept.stored += stored is Stored.NEW
