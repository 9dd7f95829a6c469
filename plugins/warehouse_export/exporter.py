"""Leaves a row of each request's evidence for a warehouse. Sees no content: evidence holds none."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import UTC, datetime

from penstock.sdk import Context, Evidence, Plugin

from .row import VERSION, row

GZIP_LEVEL = 6


class WarehouseExport(Plugin):
    """See README.md. It has no settings: where rows go is the deployment's, what is in them is versioned."""

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        line = json.dumps(row(evidence), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        ctx.record("row_bytes", len(line))
        is_new = ctx.exports.put(key(evidence, line), gzip.compress(line, GZIP_LEVEL, mtime=0))
        ctx.record("was_there", int(not is_new))


def key(evidence: Evidence, line: bytes) -> str:
    """Where the row belongs: by the hour of the request, not of its delivery, and by what it says.

    So the same row is the same object however often and late it comes, and one that amends it another.
    """
    came = datetime.fromtimestamp(issued_at_s(evidence.request_id), UTC)
    digest = hashlib.sha256(line).hexdigest()[:16]
    return f"v{VERSION}/dt={came:%Y-%m-%d}/hour={came:%H}/{evidence.request_id}.{digest}.json.gz"


def issued_at_s(request_id: str) -> int:
    """When a request came, in Unix seconds: its id is a UUIDv7 (RFC 9562, section 5.7)."""
    return int(request_id[:8] + request_id[9:13], 16) // 1000
