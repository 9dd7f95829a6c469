"""Which passage a route's requests take. What few deployments serve is imported for those alone.

What serves MCP takes a thirtieth of a start. A deployment that serves it imports it when it is built, as
`penstock.gateway.environment` does: before the first request, and before a SnapStart snapshot.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from penstock.dialects.opened.route import OPENED
from penstock.gateway.passage import Passage


def passage_of(operation: str) -> type[Passage]:
    """The class of the passage of a route with this `operation`."""
    if operation == "mcp":
        from penstock.gateway.mcp_passage import McpPassage

        return McpPassage
    if operation == OPENED:
        from penstock.gateway.opened_passage import OpenedPassage

        return OpenedPassage
    return Passage
