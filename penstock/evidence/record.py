"""The evidence of one request: schema `penstock.evidence/1`.

Content-free by type. Every string is one of: a name from configuration, a code of ours or of a manifest,
a field name, a path of a table, a digest, an id that Penstock minted, a time. Anything else a caller or an
upstream said is stored as HMAC (`penstock.evidence.digests`). These dataclasses are built by hand on
the hot path; the recorder validates the same types with pydantic, and the JSON Schema is made from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic.types import StringConstraints

SCHEMA = "penstock.evidence/1"

# What a name in gateway.toml may look like (configuration refuses the rest), so that no sentence fits.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,95}$")]
FieldName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,95}( \(replaced\))?$")]
TablePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\[\]?*!-]{0,200}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^(hmac|sha256):([A-Za-z0-9-]{1,64}:)?[0-9a-f]{16,64}$")]
RequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Route = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./{}-]{0,127}$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,253}:[0-9]{1,5}$")]

Action = Literal["allow", "block", "transform", "record", "emit", "fail", "skipped", "dispatched"]
Would = Literal["would_block", "would_transform"]
SkipReason = Literal["off", "out_of_scope", "sampled_out", "after_block", "no_context", "deadline", "killed"]
Failure = Literal["exception", "timeout", "contract", "import", "unavailable", "throttled", "denied", "circuit_open"]
Outcome = Literal["answered", "blocked", "failed", "disconnected", "outcome_unknown"]


@dataclass(slots=True)
class Principal:
    """Who asked: ids from configuration."""

    organisation: Name | None = None
    team: Name | None = None
    user: Name | None = None
    api_key: Name | None = None
    tenant: Name | None = None


@dataclass(slots=True)
class Resource:
    """What was asked for. A name that configuration does not know is a digest."""

    model: Name | Digest | None = None
    mcp_server: Name | Digest | None = None
    mcp_method: Name | Digest | None = None
    mcp_tool: Name | Digest | None = None


@dataclass(slots=True)
class ControlRecord:
    """What one standard control decided. `limit`: the bound that applied, in the unit of its code."""

    stage: Code
    decision: Literal["allow", "deny"]
    code: Code | None = None
    scope: Name | None = None
    limit: int | None = None


@dataclass(slots=True)
class UpstreamRecord:
    """One attempt to reach an upstream. `status` is None when none came; `ms` is wall time."""

    attempt: int
    provider: Name
    model: Name
    status: int | None
    outcome: Code
    ms: float


@dataclass(slots=True)
class Saw:
    """What a placement was handed: field names, how many texts, how many characters, one digest over all."""

    fields: list[FieldName]
    segments: int
    chars: int
    digest: Digest | None


@dataclass(slots=True)
class Changed:
    """One field that a placement changed, or in shadow would have: number of edits, digest before and after."""

    field: FieldName
    edits: int
    before: Digest | None
    after: Digest | None


@dataclass(slots=True)
class Delivery:
    """Something that left Penstock for an outside system. `status`: HTTP status, None when none came."""

    host: HostName
    status: int | None
    delivery_id: Digest | None = None


@dataclass(slots=True)
class Inspect:
    """Where this can be looked at."""

    log_query: str
    s3: str
    dashboard: str | None = None


@dataclass(slots=True)
class PlacementRecord:
    """The one record that every placement leaves, also when it did not run."""

    plugin: Name
    version: str
    digest: Digest
    moment: Literal["before_upstream", "after_upstream", "after_response"]
    style: Literal["ordered", "independent", "background"]
    host: Literal["in_process", "function"]
    order: int
    mode: Literal["off", "shadow", "enforce"]
    action: Action
    would: Would | None = None
    reason: Code | None = None
    failure: Failure | None = None
    also: list[Action] = field(default_factory=list)
    """Actions beside the strongest one: a transform that also recorded, say."""
    saw: Saw | None = None
    changed: list[Changed] = field(default_factory=list)
    recorded: dict[Code, float | Code] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    refused: list[FieldName] = field(default_factory=list)
    """Fields that it asked for, or tried to write, without a grant."""
    calls: int = 0
    ms: float = 0.0
    path: Literal["response", "background"] = "response"
    inspect: Inspect | None = None


@dataclass(slots=True)
class Uninspected:
    """Something text-bearing that an enforcing placement could not see, and what was done about it."""

    path: TablePath
    kind: FieldName
    policy: Literal["refuse", "drop", "allow"]
    plugin: Name


@dataclass(slots=True)
class Usage:
    """Tokens, as the upstream counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached: int = 0
    reasoning: int = 0


@dataclass(slots=True)
class Timing:
    """Milliseconds of wall time. Overhead is total without the upstream."""

    total_ms: float = 0.0
    overhead_ms: float = 0.0
    time_to_first_byte_ms: float | None = None
    gates: dict[Code, float] = field(default_factory=dict)


@dataclass(slots=True)
class EvidenceRecord:
    """All that is kept of one request."""

    request_id: RequestId
    received_at: Time
    dialect: Name
    route: Route
    stream: bool
    principal: Principal
    resource: Resource
    snapshot: Digest
    overrides: Name
    status: int
    outcome: Outcome
    code: Code | None = None
    """The error code that the caller got; None for an answer."""
    cause: Code | None = None
    """Why an outcome is unknown or failed, where the gateway knows more than the caller was told."""
    client_request_id: Digest | None = None
    tags: dict[Code, Name] = field(default_factory=dict)
    controls: list[ControlRecord] = field(default_factory=list)
    upstream: list[UpstreamRecord] = field(default_factory=list)
    placements: list[PlacementRecord] = field(default_factory=list)
    uninspected: list[Uninspected] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    cost_nanousd: int | None = None
    """Billionths of a US dollar; None when the model has no price in configuration."""
    timing: Timing = field(default_factory=Timing)
    inspect: Inspect | None = None
    schema: Literal["penstock.evidence/1"] = "penstock.evidence/1"
