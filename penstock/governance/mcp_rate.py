"""How many requests one key makes to one MCP server, counted in this environment alone.

A bound for accidents, as an agent in a loop: it needs no store and costs nothing. It is no quota: Lambda runs
as many environments as there are requests at once, and each counts for itself.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from penstock.denial import Denial
from penstock.evidence.record import ControlRecord
from penstock.governance.denied import Denied
from penstock.governance.mcp_access import McpServer
from penstock.governance.principal import Principal

STAGE: Final = "rate"
CODE: Final = "mcp_rate_exceeded"
MAX_COUNTED: Final = 4096  # pairs of key and server; the ones longest unused are forgotten
_MINUTE_S: Final = 60.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class McpRate:
    """A bucket for each key and server, refilled over a minute. One instance per environment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str, str], _Bucket] = OrderedDict()

    def take(self, principal: Principal, server: McpServer, requests: int = 1) -> Denied | None:
        """Count `requests`; a refusal when that many are not left."""
        limit = server.calls_per_minute
        if limit is None:
            return None
        now = self._clock()
        bucket = self._bucket((principal.organisation, principal.api_key, server.name), limit, now)
        bucket.left = min(float(limit), bucket.left + (now - bucket.at) * limit / _MINUTE_S)
        bucket.at = now
        if bucket.left < requests:
            wait_s = (requests - bucket.left) * _MINUTE_S / limit
            return _exceeded(limit, max(1, int(wait_s + 0.999)))
        bucket.left -= requests
        return None

    def _bucket(self, key: tuple[str, str, str], limit: int, now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(float(limit), now))
        self._buckets.move_to_end(key)
        while len(self._buckets) > MAX_COUNTED:
            self._buckets.popitem(last=False)
        return bucket


def _exceeded(limit: int, retry_after_s: int) -> Denied:
    message = f"This API key makes more than {limit} requests a minute to this MCP server."
    denial = Denial(CODE, message, 429, "access_denied", retry_after_s=retry_after_s)
    return Denied(denial, ControlRecord(STAGE, "deny", CODE, limit=limit))
