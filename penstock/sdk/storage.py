"""What a plugin keeps between its runs: JSON under keys, with an end and a version.

    found = ctx.storage.get("seen/42")
    ctx.storage.put("seen/42", {"times": 1}, ttl_s=3600, expected=found.version if found else ABSENT)

Its own space: no other plugin has a way into it. In AWS the wall is the role's, which may touch the one
partition of the storage table that carries the plugin's name (`dynamodb:LeadingKeys`).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, Protocol

ABSENT: Final = ""
"""As `expected`: nothing may be there."""

MAX_KEY_BYTES: Final = 512  # DynamoDB: 1,024 for a sort key
MAX_VALUE_BYTES: Final = 65_536  # DynamoDB: 400 KB an item; a write costs a unit for each KB
MAX_TTL_S: Final = 10 * 365 * 24 * 3600


class Stored(NamedTuple):
    """A value and its version, which no other value under the key ever has."""

    value: Any
    version: str


class Storage(Protocol):
    """A plugin's own space. Raises StorageError when the store does not answer, ValueError beyond bounds."""

    def get(self, key: str) -> Stored | None:
        """What is there; None when nothing is, or its time is over. Sees every write that has returned."""

    def put(
        self, key: str, value: Any, *, ttl_s: int | None = None, expected: str | None = None
    ) -> str | None:
        """Keep `value`, anything that JSON has, for `ttl_s` seconds or for ever; its version.

        With `expected`, only in place of that version, or of nothing (`ABSENT`): None when there is another.
        It is asked for once then. Raises WriteUnknownError when no answer came and it is not there.
        """

    def delete(self, key: str, *, expected: str | None = None) -> bool:
        """Remove it, with `expected` only that version. Whether nothing is there now. Raises as `put`."""


class MemoryStorage:
    """The same in memory, for tests. `now_s`: seconds since the epoch."""

    def __init__(
        self,
        now_s: Callable[[], float] = time.time,
        new_version: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._now_s = now_s
        self._new_version = new_version
        self._kept: dict[str, tuple[str, str, float]] = {}

    def get(self, key: str) -> Stored | None:
        value, version, ends_s = self._kept.get(checked_key(key), ("", ABSENT, 0.0))
        return Stored(json.loads(value), version) if ends_s > self._now_s() else None

    def put(
        self, key: str, value: Any, *, ttl_s: int | None = None, expected: str | None = None
    ) -> str | None:
        encoded, ttl_s = encoded_value(value), checked_ttl(ttl_s)
        if expected is not None and self._version(key) != expected:
            return None
        version = self._new_version()
        ends_s = float("inf") if ttl_s is None else self._now_s() + ttl_s
        self._kept[checked_key(key)] = (encoded, version, ends_s)
        return version

    def delete(self, key: str, *, expected: str | None = None) -> bool:
        if expected is not None and self._version(key) not in {expected, ABSENT}:
            return False
        self._kept.pop(checked_key(key), None)
        return True

    def _version(self, key: str) -> str:
        found = self.get(key)
        return found.version if found else ABSENT


def checked_key(key: str) -> str:
    """`key`, when it can be one. Raises ValueError."""
    if type(key) is not str or not 0 < len(key.encode("utf-8", "replace")) <= MAX_KEY_BYTES:
        raise ValueError(f"a key of the storage is a text of 1 to {MAX_KEY_BYTES} bytes")
    return key


def encoded_value(value: Any) -> str:
    """`value` as JSON. Raises ValueError for what JSON has not, and for too much of it."""
    try:
        encoded = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        size_bytes = len(encoded.encode())
    except (TypeError, ValueError, RecursionError):
        raise ValueError("a value of the storage is what JSON can say") from None
    if size_bytes > MAX_VALUE_BYTES:
        raise ValueError(f"a value of the storage has at most {MAX_VALUE_BYTES} bytes as JSON")
    return encoded


def checked_ttl(ttl_s: int | None) -> int | None:
    """`ttl_s`, when it can be one. Raises ValueError."""
    if ttl_s is not None and not (type(ttl_s) is int and 0 < ttl_s <= MAX_TTL_S):
        raise ValueError(f"ttl_s is a whole number of seconds from 1 to {MAX_TTL_S}")
    return ttl_s
