"""Records as the gateway makes them: one of each outcome, and one that uses every field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from penstock.evidence.record import (
    Changed,
    ControlRecord,
    Delivery,
    EvidenceRecord,
    Inspect,
    PlacementRecord,
    Principal,
    Resource,
    Saw,
    Timing,
    Uninspected,
    UpstreamRecord,
    Usage,
)

# 2026-11-22T09:15:00.123Z, as UUIDv7.
REQUEST_ID = "01a20289-929b-7000-8000-00000000c0de"
RECEIVED_AT = "2026-11-22T09:15:00.123Z"
TREE = "sha256:" + "0a1b2c3d" * 8
HMAC = "hmac:k1:" + "0123abcd" * 4


def answered() -> EvidenceRecord:
    """A request that reached its upstream, with one placement of each moment."""
    return EvidenceRecord(
        request_id=REQUEST_ID,
        received_at=RECEIVED_AT,
        dialect="openai",
        route="/v1/chat/completions",
        stream=False,
        principal=Principal("acme", "search", "u-17", "key-1", "tenant-a"),
        resource=Resource(model="publishers/google/models/gemini-2.0@001"),
        snapshot=TREE,
        overrides="none",
        status=200,
        outcome="answered",
        controls=[ControlRecord("auth", "allow"), ControlRecord("access", "allow", scope="key-1")],
        upstream=[UpstreamRecord(1, "openai", "gpt-4o-2024-08-06", 200, "ok", 812.5)],
        placements=[
            placement(
                "pii-redactor", action="transform", changed=[Changed("request.messages.user", 2, HMAC, HMAC)]
            ),
            placement(
                "audit-export",
                moment="after_response",
                style="background",
                action="dispatched",
                path="background",
            ),
        ],
        usage=Usage(120, 34, 0, 0),
        cost_nanousd=640_000,
        timing=Timing(830.25, 17.75, None, {"before_upstream": 0.8}),
    )


def placement(plugin: str, **changes: object) -> PlacementRecord:
    """One placement's record; `changes` replace what it says."""
    record = PlacementRecord(
        plugin=plugin,
        version="1.0.0",
        digest=TREE,
        moment="before_upstream",
        style="ordered",
        host="in_process",
        order=10,
        mode="enforce",
        action="allow",
        saw=Saw(["request.messages.user"], 1, 42, HMAC),
        calls=1,
        ms=0.25,
    )
    return replace(record, **changes)  # type: ignore[arg-type]  # a test names fields that exist


def blocked() -> EvidenceRecord:
    """A request that a plugin stopped: no upstream, a reason, the rest skipped."""
    return replace(
        answered(),
        status=403,
        outcome="blocked",
        code="card-guard.card_number",
        upstream=[],
        usage=Usage(),
        cost_nanousd=None,
        placements=[
            placement("card-guard", action="block", reason="card_number"),
            placement("pii-redactor", action="skipped", reason="after_block", saw=None, calls=0, ms=0.0),
            placement("probe", mode="shadow", action="allow", would="would_block", reason="word"),
        ],
    )


def denied() -> EvidenceRecord:
    """A request that a control refused; the model's name is unknown, so it is a digest."""
    return replace(
        blocked(),
        code="model_not_allowed",
        resource=Resource(model=HMAC),
        placements=[],
        controls=[ControlRecord("access", "deny", "model_not_allowed", "key-1", 1)],
    )


def unknown() -> EvidenceRecord:
    """What the sweeper leaves: nobody knows what the caller got."""
    return EvidenceRecord(
        request_id=REQUEST_ID,
        received_at=RECEIVED_AT,
        dialect="openai",
        route="/v1/chat/completions",
        stream=False,
        principal=Principal("acme"),
        resource=Resource(model="gpt-4o"),
        snapshot=TREE,
        overrides="v7",
        status=None,
        outcome="outcome_unknown",
        cause="environment_lost",
    )


def full() -> EvidenceRecord:
    """Every field holds something."""
    key = f"org=acme/dt=2026-11-22/hour=09/{REQUEST_ID}.terminal.json.gz"
    inspect = Inspect(f'filter request_id = "{REQUEST_ID}"', key, "https://console.example/cw?x#y")
    everything = placement(
        "everything",
        action="fail",
        would="would_transform",
        reason="word",
        reference="ab" * 13,
        failure="timeout",
        changed=[Changed("request.messages.user", 2, HMAC, HMAC)],
        also=["record", "emit"],
        recorded={"emails": 3.0, "verdict": "clean"},
        deliveries=[Delivery("siem.example.com:443", 202, HMAC)],
        refused=["request.messages.system"],
        path="background",
        inspect=replace(inspect, log_query=f'filter request_id = "{REQUEST_ID}" and plugin = "everything"'),
    )
    return replace(
        answered(),
        code="upstream_error",
        cause="unreachable",
        client_request_id=HMAC,
        front_request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        tags={"cost_center": "cc-4711"},
        placements=[everything],
        uninspected=[Uninspected("messages[*].content[*].image_url.url", "image", "allow", "everything")],
        inspect=inspect,
        cut={"placements.saw": 4},
    )


EXAMPLES: tuple[Callable[[], EvidenceRecord], ...] = (answered, blocked, denied, unknown, full)
