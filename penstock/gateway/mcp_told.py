"""Refusals of what a client has posted: as each request's own answer, at a status that its client reads.

Inside of a session the HTTP status is 200: to the clients of these versions any other is the end of the
connection (`penstock.dialects.mcp.errors`). Those of 2026-07-28 read errors at any status.
"""

from __future__ import annotations

from typing import Final

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects.dialect import Rendered
from penstock.dialects.mcp import batch
from penstock.dialects.mcp.dialect import Mcp
from penstock.errors import PenstockError
from penstock.gateway.mcp_answer import is_for_the_model, refusal_of
from penstock.gateway.mcp_posted import Posted

# What concerns the transport and not one request in it: it has its own HTTP status in every version.
TRANSPORT: Final = frozenset({"mcp_session_not_found", "mcp_header_mismatch", "payload_too_large"})


class Told(Mcp):
    """The dialect, as it answers these messages."""

    def __init__(self, posted: Posted) -> None:
        self._posted = posted

    @override
    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        status, headers, body = super().render(refusal, request_id)
        asked = list(self._posted.requests.values())
        if not asked:
            return Rendered(status, headers, body)
        told = [refusal_of(refusal, each, request_id) for each in asked]
        in_band = not (self._posted.is_stateless or refusal.code in TRANSPORT)
        if in_band or any(is_for_the_model(refusal, each) for each in asked):
            status = 200
        return Rendered(status, headers, batch.join(told) if self._posted.is_batch else told[0])
