"""Request ids: UUIDv7 (RFC 9562, section 5.7), so that they sort by time and stay unguessable."""

from __future__ import annotations

import os
import time
import uuid


def uuid7(now_ms: int | None = None, entropy: bytes | None = None) -> str:
    """A new UUIDv7 as lower-case text. `now_ms`: Unix milliseconds; `entropy`: 10 bytes, for tests."""
    ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    random = int.from_bytes(os.urandom(10) if entropy is None else entropy, "big")
    value = (ms & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(uuid.UUID(int=value))


def issued_at_ms(request_id: str) -> int:
    """When a UUIDv7 was made, in Unix milliseconds."""
    return uuid.UUID(request_id).int >> 80
