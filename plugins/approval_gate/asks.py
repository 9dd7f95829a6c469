"""What was asked of whom, and how it stands: one value of the plugin's storage for each reference.

    none ─→ starting ─→ asked ─→ approved (uses left) │ denied ─→ none, when its time is over

Every change is by compare-and-set, so that of two requests at once one asks, and no use counts twice. `run`
names the workflow's run: what a run says of an ask that is another one's by now changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from penstock.sdk.storage import ABSENT, Storage

Standing = Literal["starting", "asked", "approved", "denied"]

# The first request may have died between its note and the start: the next one starts the run again.
RESTART_S: Final = 60
# Telling takes minutes when it is tried again; a run that never settles is forgotten after this.
SLACK_S: Final = 7_200
HOUR_S: Final = 3_600
TRIES: Final = 8  # of one key's requests that come at once, each round one is counted


class Ask(NamedTuple):
    """How it stands with one reference. Times in Unix seconds; `version` as the storage has it."""

    standing: Standing
    run: str
    at_s: int
    ends_s: int
    uses: int = 0
    version: str = ABSENT


class Asks:
    """Those in the plugin's storage. Raises StorageError."""

    def __init__(self, storage: Storage, now_s: Callable[[], float]) -> None:
        self._storage = storage
        self._now_s = now_s

    def of(self, reference: str) -> Ask | None:
        """None when nothing is asked, or what was is over."""
        found = self._storage.get(_key(reference))
        if found is None or found.value["ends_s"] <= self._now_s():
            return None
        return Ask(**found.value, version=found.version)

    def put(self, reference: str, ask: Ask) -> Ask | None:
        """`ask` in the place of what had its version; None when somebody else was there before."""
        value = {name: part for name, part in ask._asdict().items() if name != "version"}
        ttl_s = max(1, round(ask.ends_s - self._now_s()))
        version = self._storage.put(_key(reference), value, ttl_s=ttl_s, expected=ask.version)
        return None if version is None else ask._replace(version=version)

    def forget(self, reference: str, ask: Ask) -> None:
        """Unless it has changed meanwhile."""
        self._storage.delete(_key(reference), expected=ask.version)

    def is_stuck(self, ask: Ask) -> bool:
        """Whether whoever wanted to start its run has died before."""
        return ask.standing == "starting" and self._now_s() >= ask.at_s + RESTART_S

    def new(self, run: str, within_s: int) -> Ask:
        now_s = int(self._now_s())
        return Ask("starting", run, now_s, now_s + within_s + SLACK_S)

    def settled(self, ask: Ask, standing: Standing, lasting_s: int, uses: int = 0) -> Ask:
        now_s = int(self._now_s())
        return ask._replace(standing=standing, at_s=now_s, ends_s=now_s + lasting_s, uses=uses)

    def may_ask(self, api_key: str, most: int) -> bool:
        """Count one more for this hour, unless there were `most`. Refused is also who never gets to count."""
        key = f"rate/{int(self._now_s()) // HOUR_S}/{api_key}"
        for _ in range(TRIES):
            found = self._storage.get(key)
            count, expected = (found.value, found.version) if found else (0, ABSENT)
            if count >= most:
                return False
            if self._storage.put(key, count + 1, ttl_s=HOUR_S, expected=expected) is not None:
                return True
        return False

    def show(self, run: str, details: Mapping[str, Any], within_s: int) -> None:
        """What the approver's page says of the request (`penstock.approvals.page`)."""
        self._storage.put(f"page/{run}", dict(details), ttl_s=within_s + SLACK_S)

    def shown(self, run: str) -> Mapping[str, Any]:
        found = self._storage.get(f"page/{run}")
        return found.value if found else {}

    def cover(self, run: str) -> None:
        """It is decided: the request's words are needed no more, and its names as long as anybody looks."""
        details = self.shown(run)
        if details.get("content") is not None:
            self.show(run, {**details, "content": None, "cut": False}, 0)

    def told(self, run: str) -> list[str]:
        """Labels of those who have been told of this run."""
        found = self._storage.get(f"told/{run}")
        return list(found.value) if found else []

    def note_told(self, run: str, labels: list[str]) -> None:
        self._storage.put(f"told/{run}", labels, ttl_s=SLACK_S)


def _key(reference: str) -> str:
    return f"ask/{reference}"
