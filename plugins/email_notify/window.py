"""The requests of a window, as they are kept: counts and ids, no content. One item of the storage holds all.

    open      requests are added to it, until it is claimed
    sending   it is being written, under a lease; then it is gone. Who fails gives the lease back

Every change is a compare-and-set on the item, so that no two lose what the other has added or claimed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from penstock.sdk.storage import ABSENT, Storage

T = TypeVar("T")

KEY: Final = "digest"
# Two windows with so many of each have 54 KB at most; a value of the storage may have 64.
MAX_SEEN, MAX_IDS, MAX_CODES = 500, 200, 40
OTHER: Final = "other codes"
LEASE_S: Final = 60.0  # a step is given 30 s to send in; a delivery 20
RELEASED: Final = -LEASE_S
TRIES: Final = 50  # ten deliveries may be at it together; each round, one of them gets through

State = dict[str, Any]
"""`open`, `sending`: a window each, or None."""


class Match(NamedTuple):
    """One request that rules match. `key`: 16 characters, the same for each copy of a record, another for an
    amendment.
    """

    key: str
    request_id: str
    rules: tuple[str, ...]
    code: str | None
    cost_nanousd: int


class HeldError(Exception):
    """Somebody else is at it: a while later it is done, or can be claimed."""


def add(storage: Storage, match: Match, now_s: float, ids_per_rule: int) -> State:
    """The open window, with the request in it once."""

    def change(state: State) -> State:
        window = state["open"] = state["open"] or _new(match, now_s)
        if match.key not in window["seen"]:
            _count(window, match, ids_per_rule)
        return dict(window)

    return _changed(storage, change)


def mark_started(storage: Storage, window_id: str) -> None:
    """Remember that the window's run will come."""

    def change(state: State) -> None:
        if state["open"] and state["open"]["id"] == window_id:
            state["open"]["started"] = True

    _changed(storage, change)


def claim(storage: Storage, now_s: float, wanted: str | None) -> State | None:
    """A window to send now, under a lease: one that was left, then the open one if it is `wanted`, or any.

    Raises HeldError while another sender's lease lasts.
    """

    def change(state: State) -> State | None:
        if state["sending"] and state["sending"]["claimed_at"] + LEASE_S > now_s:
            raise HeldError("another try is sending the digest; this one comes back")
        if not state["sending"]:
            if not state["open"] or wanted not in {None, state["open"]["id"]}:
                return None
            state["sending"], state["open"] = state["open"], None
        state["sending"]["claimed_at"] = now_s
        return dict(state["sending"])

    return _changed(storage, change)


def release(storage: Storage, window_id: str) -> None:
    """It did not leave: the next try may claim it at once, without waiting for the lease."""

    def change(state: State) -> None:
        if state["sending"] and state["sending"]["id"] == window_id:
            state["sending"]["claimed_at"] = RELEASED

    _changed(storage, change)


def finish(storage: Storage, window_id: str) -> None:
    """It is sent."""

    def change(state: State) -> None:
        if state["sending"] and state["sending"]["id"] == window_id:
            state["sending"] = None

    _changed(storage, change)


def _changed(storage: Storage, change: Callable[[State], T]) -> T:
    """What `change` says of the state that it leaves. Raises HeldError when others are always faster."""
    for _ in range(TRIES):
        found = storage.get(KEY)
        state: State = dict(found.value) if found else {"open": None, "sending": None}
        said = change(state)
        if storage.put(KEY, state, expected=found.version if found else ABSENT) is not None:
            return said
    raise HeldError("others are changing the digest's window; this one comes back")


def _new(match: Match, now_s: float) -> State:
    return {
        "id": f"{int(now_s)}-{match.key}",
        "opened_at": int(now_s),
        "started": False,
        "requests": 0,
        "cost_nanousd": 0,
        "rules": {},
        "ids": {},
        "codes": {},
        "seen": [],
    }


def _count(window: State, match: Match, ids_per_rule: int) -> None:
    if len(window["seen"]) < MAX_SEEN:
        window["seen"].append(match.key)
    window["requests"] += 1
    window["cost_nanousd"] += match.cost_nanousd
    kept = sum(map(len, window["ids"].values()))
    for rule in match.rules:
        window["rules"][rule] = window["rules"].get(rule, 0) + 1
        ids = window["ids"].setdefault(rule, [])
        if len(ids) < ids_per_rule and kept < MAX_IDS:
            ids.append(match.request_id)
            kept += 1
    if match.code:
        known = match.code in window["codes"] or len(window["codes"]) < MAX_CODES
        code = match.code if known else OTHER
        window["codes"][code] = window["codes"].get(code, 0) + 1
