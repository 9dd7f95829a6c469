"""What a plugin leaves for others to pick up: objects below its own name in the deployment's exports bucket.

    ctx.exports.put(f"dt=2026-11-22/hour=09/{evidence.request_id}.json.gz", body)

It can add, and not read, list, replace or remove. So a key that follows from what is stored makes a delivery
that comes twice one object.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

EXPORTS: Final = "exports"
"""What the evidence of a delivery names as its host."""

MAX_KEY_CHARS: Final = 512  # S3: 1,024 bytes, of which the plugin's name takes 40
MAX_OBJECT_BYTES: Final = 1_048_576  # as much as a request of `ctx.http`; a record has 64 KB at most
# Of S3's safe characters those that Athena's partitions and any tool's paths take as they are.
_PART: Final = r"[A-Za-z0-9_=-][A-Za-z0-9_=.-]*"
_KEY: Final = re.compile(rf"{_PART}(?:/{_PART})*")


class Exports(Protocol):
    """A plugin's own place. Raises StorageError when the bucket does not answer, ValueError beyond bounds."""

    def put(self, key: str, body: bytes) -> bool:
        """Store `body` at `key`, for good; False when something was there already, which stays as it is."""


class MemoryExports:
    """The same in memory, for tests. `kept`: key → body."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, key: str, body: bytes) -> bool:
        body = checked_object(key, body)
        is_new = key not in self.kept
        self.kept.setdefault(key, body)
        return is_new


def checked_object(key: str, body: bytes) -> bytes:
    """`body`, when it can be stored at `key`. Raises ValueError, which repeats nothing of either."""
    if type(key) is not str or len(key) > MAX_KEY_CHARS or not _KEY.fullmatch(key):
        raise ValueError(
            f"a key has up to {MAX_KEY_CHARS} letters, digits and _ = . - in parts joined by /, and no part "
            "begins with a full stop"
        )
    if type(body) is not bytes or len(body) > MAX_OBJECT_BYTES:
        raise ValueError(f"an object has at most {MAX_OBJECT_BYTES} bytes")
    return body
