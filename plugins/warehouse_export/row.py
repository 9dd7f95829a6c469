"""One record of evidence as one flat row, of columns that stay: `penstock.warehouse/1`.

A column may be added within a version, at the end; what one means, its name or its type never changes. What
would is the next version, below another prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

VERSION: Final = 1
SCHEMA: Final = f"penstock.warehouse/{VERSION}"


class Column(NamedTuple):
    """`path`: where the evidence has it, its parts joined by full stops. `type`: as Athena calls it."""

    name: str
    type: str
    path: str


PLACEMENT: Final = (
    Column("plugin", "string", "plugin"),
    Column("version", "string", "version"),
    Column("moment", "string", "moment"),
    Column("host", "string", "host"),
    Column("mode", "string", "mode"),
    Column("action", "string", "action"),
    Column("would", "string", "would"),
    Column("reason", "string", "reason"),
    Column("failure", "string", "failure"),
    Column("ms", "double", "ms"),
)
_STRUCT: Final = ", ".join(f"{column.name}:{column.type}" for column in PLACEMENT)

COLUMNS: Final = (
    Column("request_id", "string", "request_id"),
    Column("received_at", "string", "received_at"),
    Column("organisation", "string", "principal.organisation"),
    Column("team", "string", "principal.team"),
    Column("user_id", "string", "principal.user"),
    Column("api_key", "string", "principal.api_key"),
    Column("tenant", "string", "principal.tenant"),
    Column("dialect", "string", "dialect"),
    Column("route", "string", "route"),
    Column("stream", "boolean", "stream"),
    Column("model", "string", "resource.model"),
    Column("mcp_server", "string", "resource.mcp_server"),
    Column("mcp_method", "string", "resource.mcp_method"),
    Column("mcp_tool", "string", "resource.mcp_tool"),
    Column("outcome", "string", "outcome"),
    Column("code", "string", "code"),
    Column("cause", "string", "cause"),
    Column("status", "int", "status"),
    Column("input_tokens", "bigint", "usage.input_tokens"),
    Column("output_tokens", "bigint", "usage.output_tokens"),
    Column("cached_tokens", "bigint", "usage.cached"),
    Column("reasoning_tokens", "bigint", "usage.reasoning"),
    Column("cost_nanousd", "bigint", "cost_nanousd"),
    Column("total_ms", "double", "timing.total_ms"),
    Column("overhead_ms", "double", "timing.overhead_ms"),
    Column("time_to_first_byte_ms", "double", "timing.time_to_first_byte_ms"),
    Column("snapshot", "string", "snapshot"),
    Column("overrides", "string", "overrides"),
    Column("tags", "map<string,string>", "tags"),
    Column("placements", f"array<struct<{_STRUCT}>>", "placements"),
)
# Derived: the last attempt's, and how many there were.
UPSTREAM: Final = (
    Column("provider", "string", "provider"),
    Column("upstream_model", "string", "model"),
    Column("upstream_status", "int", "status"),
    Column("upstream_outcome", "string", "outcome"),
)
ATTEMPTS: Final = Column("upstream_attempts", "int", "")
SAYS: Final = Column("schema", "string", "")


def row(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The columns in their order; what the evidence has not is null."""
    attempts = evidence.get("upstream") or ()
    last = attempts[-1] if attempts else {}
    found = {column.name: _at(evidence, column.path) for column in COLUMNS}
    found["tags"] = dict(found["tags"] or {})
    found["placements"] = [_placement(each) for each in evidence.get("placements") or ()]
    upstream = {column.name: last.get(column.path) for column in UPSTREAM}
    return {**found, **upstream, ATTEMPTS.name: len(attempts), SAYS.name: SCHEMA}


def table() -> Iterable[Column]:
    """Every column, in the order of a row."""
    return (*COLUMNS, *UPSTREAM, ATTEMPTS, SAYS)


def _placement(each: Mapping[str, Any]) -> dict[str, Any]:
    return {column.name: each.get(column.path) for column in PLACEMENT}


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
