from __future__ import annotations

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.cli.evidence_tables import _saw, print_evidence, summary
from penstock.evidence.archive import Archive
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.reading import EvidenceReader, RequestEvidence
from penstock.evidence.record import EvidenceRecord, Saw
from tests.background.fakes import HOST, Stage
from tests.evidence import examples


def shown(capsys: pytest.CaptureFixture[str], *records: EvidenceRecord) -> str:
    objects = MemoryObjects()
    Archive(objects).put_terminal(records[0])
    for record in records[1:]:
        Archive(objects).put_amendment(record)
    found = EvidenceReader(objects).find(examples.REQUEST_ID)
    assert found is not None
    print_evidence(found)
    return capsys.readouterr().out


def test_an_answer_shows_who_asked_what_what_each_plugin_did_and_what_it_took(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = shown(capsys, examples.answered())
    for part in (
        *("organisation acme", "team search", "key-1", "openai /v1/chat/completions", "answered 200"),
        *("120 tokens in, 34 out, $0.000640", "830.2 ms, of which the gateway 17.8 ms"),
        *("pii-redactor 1.0.0", "transform", "messages.user: 2", "messages.user: 42 chars in 1"),
        *("gpt-4o-2024-08-06", "812", examples.REQUEST_ID),
        f"org=acme/dt=2026-11-22/hour=09/{examples.REQUEST_ID}.terminal.json.gz",
    ):
        assert part in out


def test_a_block_shows_its_reason_what_was_skipped_and_what_a_shadowed_plugin_would_have_done(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = shown(capsys, examples.blocked())
    for part in ("blocked 403", "card_number", "after_block", "would_block", "card-guard.card_number"):
        assert part in out


def test_a_denial_shows_the_control_and_no_empty_tables(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, examples.denied())
    assert "model_not_allowed" in out
    assert "Placements" not in out
    assert "Upstream" not in out


def test_what_is_not_known_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, examples.unknown())
    assert "environment_lost" in out
    assert "Which placements ran is not known" in out
    assert "how long it took is not known" in out


def test_a_late_outcome_is_shown_as_the_better_knowledge(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, examples.unknown(), examples.answered())
    assert "answered 200" in out
    assert "after the sweeper" in out


def test_every_field_finds_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, examples.full())
    for part in (
        "cost_center=cc-4711",
        "image",
        *("fail + record", "emails=3", "word, timeout"),
        "4 of placements.saw",
    ):
        assert part in out


def test_deliveries_are_joined(capsys: pytest.CaptureFixture[str]) -> None:
    stage = Stage(lambda evidence, ctx: ctx.http.get(f"https://{HOST}/").close())
    Archive(stage.objects).put_terminal(examples.answered())
    stage.deliver()
    found = EvidenceReader(stage.objects).find(examples.REQUEST_ID)
    assert found is not None
    print_evidence(found)
    out = capsys.readouterr().out
    assert "Deliveries" in out
    assert f"{HOST} 200" in out


def test_a_step_shows_what_it_came_to_and_who_answered(capsys: pytest.CaptureFixture[str]) -> None:
    approver = f"hmac:d1:{'a' * 32}"
    answer = DeliveryRecord(
        request_id=examples.REQUEST_ID,
        plugin="approval-gate",
        version="1.0.0",
        digest=f"sha256:{'0' * 64}",
        message_id="approval-1",
        attempt=1,
        idempotency_key="key-1",
        delivered_at=examples.RECEIVED_AT,
        action="record",
        path="workflow",
        step="decide",
        outcome="approved",
        approver=approver,
    )
    print_evidence(RequestEvidence(examples.REQUEST_ID, deliveries=[answer]))
    out = capsys.readouterr().out
    assert "decide: approved" in out
    assert f"by {approver}" in out


def test_a_block_that_waits_shows_its_reference(capsys: pytest.CaptureFixture[str]) -> None:
    record = examples.blocked()
    record.placements[0].reference = "ab" * 13
    assert f"reference {'ab' * 13}" in shown(capsys, record).replace("  ", " ")


def test_a_line_says_when_what_who_and_which_plugins_acted() -> None:
    line = summary(examples.blocked())
    for part in (
        examples.RECEIVED_AT,
        examples.REQUEST_ID,
        "blocked",
        "403",
        "key-1",
        "card-guard:block",
        "probe:would_block",
    ):
        assert part in line
    assert "pii-redactor" not in line


def test_many_fields_are_counted_instead_of_named() -> None:
    assert _saw(Saw(["request.tools", "response.text"], 1, 2, None)) == "tools, text: 2 chars in 1"
    many = ["request.messages.system", "request.messages.user", "request.tools", "a", "b"]
    assert _saw(Saw(many, 3, 19, None)) == "messages.system, messages.user, tools, 2 more: 19 chars in 3"
