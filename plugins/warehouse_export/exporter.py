"""Leaves a row of each request's evidence for a warehouse. Sees no content: evidence holds none."""

from __future__ import annotations

import gzip
import hashlib
import json

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
    day, hour = evidence["received_at"][:10], evidence["received_at"][11:13]
    digest = hashlib.sha256(line).hexdigest()[:16]
    return f"v{VERSION}/dt={day}/hour={hour}/{evidence.request_id}.{digest}.json.gz"
