"""One record for each placement, however often it ran."""

from __future__ import annotations

import pytest

from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import Action, Changed, PlacementRecord, Saw
from penstock.gateway.mcp_records import together

DIGESTER = Digester(DigestKey("k1", b"0" * 32), "0190a5b2-7c00-7000-8000-000000000001")


def record(action: Action, **more: object) -> PlacementRecord:
    made = PlacementRecord(
        "guard",
        "1.0.0",
        "sha256:" + "0" * 64,
        "after_upstream",
        "ordered",
        "in_process",
        0,
        "enforce",
        action,
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def merged(one: PlacementRecord, other: PlacementRecord) -> PlacementRecord:
    return together(one, other, DIGESTER)


@pytest.mark.parametrize(
    ("one", "other", "action", "also"),
    [
        ("allow", "allow", "allow", []),
        ("allow", "transform", "transform", []),
        ("transform", "block", "block", ["transform"]),
        ("block", "fail", "fail", ["block"]),
        ("record", "transform", "transform", ["record"]),
        ("skipped", "allow", "allow", []),
    ],
)
def test_the_strongest_action_counts_in_either_order(
    one: Action, other: Action, action: Action, also: list[str]
) -> None:
    for first, second in ((one, other), (other, one)):
        found = merged(record(first), record(second))
        assert (found.action, found.also) == (action, also)


def test_calls_texts_edits_and_numbers_add_up() -> None:
    def ran() -> PlacementRecord:
        return record(
            "transform",
            calls=1,
            ms=0.5,
            saw=Saw(["response.mcp.result"], 2, 10, "hmac:k1:" + "a" * 32),
            changed=[Changed("response.mcp.result", 3, "hmac:k1:" + "b" * 32, "hmac:k1:" + "c" * 32)],
            recorded={"cards": 2, "verdict": "mild"},
        )

    found = merged(ran(), ran())
    assert (found.calls, found.ms, found.recorded) == (2, 1.0, {"cards": 4, "verdict": "mild"})
    assert found.saw is not None
    assert (found.saw.segments, found.saw.chars) == (4, 20)
    assert str(found.saw.digest).startswith("hmac:k1:")
    assert [(each.field, each.edits) for each in found.changed] == [("response.mcp.result", 6)]


def test_what_one_of_them_did_is_kept() -> None:
    found = merged(record("block", reason="card"), record("skipped", reason="after_block"))
    assert (found.action, found.reason) == ("block", "card")
    assert merged(record("allow"), record("allow", would="would_block", reason="card")).would == "would_block"
