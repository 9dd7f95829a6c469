"""The evidence of one request: schema `penstock.evidence/1`.

Content-free by type. Every string is one of: a name from configuration, a code of ours or of a manifest,
a field name, a path of a table, a digest, an id that Penstock minted, a time. Anything else a caller or an
upstream said is stored as HMAC (`penstock.evidence.digests`). These dataclasses are built by hand on
the hot path; the recorder validates the same types with pydantic, and the JSON Schema is made from them.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.types import StringConstraints

SCHEMA = "penstock.evidence/1"

# A payment card (13 to 19 digits, ISO/IEC 7812-1) however it is grouped, or an e-mail address: no names.
# A colon groups no card: ARNs put one between a region's digit and the twelve of an account.
CARD = re.compile(r"[0-9](?:[ .-]?[0-9]){12}")
EMAIL = re.compile(r"@[^@]*[.][A-Za-z]{2}")
PERSONAL = f"(?:{CARD.pattern})|(?:{EMAIL.pattern})"


def impersonal(text: str) -> str:
    """`text`, unless a card number or an e-mail address stands in it. Raises ValueError without it."""
    if CARD.search(text) or EMAIL.search(text):
        raise ValueError("holds what looks like a card number or an e-mail address; give it another name")
    return text


_IMPERSONAL = (AfterValidator(impersonal), Field(json_schema_extra={"not": {"pattern": PERSONAL}}))

# What a name in gateway.toml may look like (configuration refuses the rest), so that no sentence fits.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}$"), *_IMPERSONAL]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,95}$"), *_IMPERSONAL]
FieldName = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9_.-]{0,95}( \(replaced\))?$"), *_IMPERSONAL
]
TablePath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\[\]?*!-]{0,200}$"), *_IMPERSONAL]
Version = Annotated[str, StringConstraints(pattern=r"^[0-9]+[.][0-9]+[.][0-9A-Za-z.+-]{1,64}$"), *_IMPERSONAL]
Digest = Annotated[str, StringConstraints(pattern=r"^(hmac|sha256):([A-Za-z0-9-]{1,64}:)?[0-9a-f]{16,64}$")]
RequestId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
# 128 bits of an HMAC in base32 (`penstock.evidence.digests`).
Reference = Annotated[str, StringConstraints(pattern=r"^[a-z2-7]{26}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Route = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9_./{}-]{0,127}$"), *_IMPERSONAL]
HostName = Annotated[str, StringConstraints(pattern=r"^(email|exports|[a-z0-9.-]{1,253}:[0-9]{1,5})$")]
LogQuery = Annotated[
    str,
    StringConstraints(pattern=r'^filter request_id = "[0-9a-f-]{36}"( and plugin = "[a-z0-9-]{2,39}")?$'),
]
ObjectKey = Annotated[
    str,
    StringConstraints(
        pattern=r"^org=[A-Za-z0-9_.~%-]{1,384}/dt=[0-9-]{10}/hour=[0-9]{2}/[0-9a-f-]{36}[.][a-z0-9.-]{1,160}[.]json[.]gz$"
    ),
]
Link = Annotated[
    str, StringConstraints(pattern=r"^https://[a-z0-9.-]{1,253}/[A-Za-z0-9_./?#=&:;~$*'%+-]{0,512}$")
]

# Whole numbers stay under 13 digits, so that none can be a card either.
MAX_COUNT = 999_999_999_999
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
# RFC 9110 ends at 599, but some upstreams answer 999, and that is to be recorded too.
Status = Annotated[int, Field(ge=100, le=999)]

Action = Literal["allow", "block", "transform", "record", "emit", "fail", "skipped", "dispatched"]
Would = Literal["would_block", "would_transform"]
SkipReason = Literal["off", "out_of_scope", "sampled_out", "after_block", "no_context", "deadline", "killed"]
Failure = Literal[
    "exception", "timeout", "contract", "import", "unavailable", "throttled", "denied", "circuit_open"
]
Outcome = Literal["answered", "blocked", "failed", "disconnected", "outcome_unknown"]


def now_ms() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


def timestamp(unix_ms: int) -> str:
    """Unix milliseconds as a `Time`: UTC, to the millisecond."""
    return f"{_second(unix_ms // 1000)}.{unix_ms % 1000:03d}Z"


@lru_cache(16)  # a request asks twice for the same time, and the next one mostly for the same second
def _second(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()[:19]  # strftime: twice as long


class Part:
    """A part of a record. What it does not declare, a string for a number, or NaN is refused (pydantic)."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(slots=True)
class Principal(Part):
    """Who asked: ids from configuration."""

    organisation: Name | None = None
    team: Name | None = None
    user: Name | None = None
    api_key: Name | None = None
    tenant: Name | None = None


@dataclass(slots=True)
class Resource(Part):
    """What was asked for. A name that configuration does not know is a digest."""

    model: Name | Digest | None = None
    mcp_server: Name | Digest | None = None
    mcp_method: Name | Digest | None = None
    mcp_tool: Name | Digest | None = None


@dataclass(slots=True)
class ControlRecord(Part):
    """What one standard control decided. `limit`: the bound that applied, in the unit of its code."""

    stage: Code
    decision: Literal["allow", "deny"]
    code: Code | None = None
    scope: Name | None = None
    limit: Count | None = None


@dataclass(slots=True)
class UpstreamRecord(Part):
    """One attempt to reach an upstream. `status` is None when none came; `ms` is wall time."""

    attempt: Count
    provider: Name
    model: Name
    status: Status | None
    outcome: Code
    ms: float


@dataclass(slots=True)
class Saw(Part):
    """What a placement was handed: fields, number of texts, number of characters, one digest over all."""

    fields: list[FieldName]
    segments: Count
    chars: Count
    digest: Digest | None


@dataclass(slots=True)
class Changed(Part):
    """One field that a placement changed, or in shadow would have: how many edits, digests of both states."""

    field: FieldName
    edits: Count
    before: Digest | None
    after: Digest | None


@dataclass(slots=True)
class Delivery(Part):
    """Something that left Penstock for an outside system. `status`: HTTP status, None when none came."""

    host: HostName
    status: Status | None
    delivery_id: Digest | None = None


@dataclass(slots=True)
class Inspect(Part):
    """Where this can be looked at."""

    log_query: LogQuery
    s3: ObjectKey
    dashboard: Link | None = None


@dataclass(slots=True)
class PlacementRecord(Part):
    """The one record that every placement leaves, also when it did not run."""

    plugin: Name
    version: Version
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
    reference: Reference | None = None
    """Of a block that waits for somebody's approval: `request.reference`, which the caller was told."""
    calls: Count = 0
    ms: float = 0.0
    path: Literal["response", "background"] = "response"
    inspect: Inspect | None = None


@dataclass(slots=True)
class Uninspected(Part):
    """Something text-bearing that an enforcing placement could not see, and what was done about it.

    On an opened route it is the operator who lets everything pass: `plugin` is then `route:<id>`.
    """

    path: TablePath
    kind: FieldName
    policy: Literal["refuse", "drop", "allow"]
    plugin: Name
    count: Count = 1


@dataclass(slots=True)
class Usage(Part):
    """Tokens, as the upstream counted them."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cached: Count = 0
    reasoning: Count = 0


@dataclass(slots=True)
class Timing(Part):
    """Milliseconds of wall time. Overhead is total without the upstream."""

    total_ms: float = 0.0
    overhead_ms: float = 0.0
    time_to_first_byte_ms: float | None = None
    gates: dict[Code, float] = field(default_factory=dict)


WAITED_FAILED = "waited_plugin_failed"
"""Cause of what comes after OUTCOME, always an amendment: a plugin that the gateway waited for has failed."""


@dataclass(slots=True)
class EvidenceRecord(Part):
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
    status: Status | None
    """What the caller got; None when that is not known (`outcome_unknown`)."""
    outcome: Outcome
    code: Code | None = None
    """The error code that the caller got; None for an answer."""
    cause: Code | None = None
    """Why an outcome is unknown or failed, where the gateway knows more than the caller was told."""
    client_request_id: Digest | None = None
    front_request_id: RequestId | None = None
    """API Gateway's own id: what a caller holds whose request ended in one of API Gateway's refusals."""
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
    cut: dict[FieldName, Count] = field(default_factory=dict)
    """What the bound on a record's size left out: field → how many parts (`penstock.evidence.encoding`)."""
    schema: Literal["penstock.evidence/1"] = "penstock.evidence/1"
