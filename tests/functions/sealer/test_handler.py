from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from functions.sealer import handler
from penstock.adapters.seal_note import DynamoSealNotes
from penstock.evidence import layout
from penstock.evidence.chain import Known
from penstock.evidence.record import now_ms
from penstock.evidence.seals import HOUR_MS
from penstock.evidence.verifying import Window, verify
from penstock.ids import uuid7
from tests.functions.aws import Deployment, FakeContext, deployment


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    before = logging.getLogger().handlers[:]
    handler.sealer.cache_clear()
    with deployment(monkeypatch, "unused") as made:
        yield made
    handler.sealer.cache_clear()
    logging.getLogger().handlers[:] = before


def store(aws: Deployment) -> str:
    key = layout.terminal_key("acme", uuid7(now_ms() - 3 * HOUR_MS))
    aws.objects.put_once(key, layout.pack(b"{}"))
    return key


def test_a_run_seals_counts_and_says_where_the_chain_ends(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    key = store(aws)
    context = FakeContext(remaining_ms=900_000)
    assert handler.handler({}, context) == {"seal": 1, "objects": 1, "is_whole": True}
    line = json.loads(capsys.readouterr().out)
    note = DynamoSealNotes(aws.clients, aws.resources.ledger_table).latest()
    assert note is not None
    assert (line["seal"], line["seal_digest"]) == (note.number, note.digest)
    assert (line["EvidenceSeals"], line["EvidenceSealed"], line["deployment"]) == (1, 1, "local")
    known = [Known(note.number, note.digest, "the ledger")]
    assert verify(aws.objects, known, Window(), now_ms()).findings == []
    aws.clients.s3.put_object(Bucket=aws.resources.evidence_bucket, Key=key, Body=b"forged")
    (finding,) = verify(aws.objects, known, Window(), now_ms()).findings
    assert (finding.kind, finding.key) == ("changed", key)


def test_a_second_run_in_the_hour_says_nothing(aws: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    context = FakeContext(remaining_ms=900_000)
    handler.handler({}, context)
    capsys.readouterr()
    assert handler.handler({}, context)["is_whole"] is False
    assert capsys.readouterr().out == ""


def test_a_run_without_time_is_not_counted_as_whole(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    store(aws)
    assert handler.handler({}, FakeContext(remaining_ms=50_000))["objects"] == 0
    assert json.loads(capsys.readouterr().out)["EvidenceSeals"] == 0
    assert handler.handler({}, FakeContext(remaining_ms=900_000))["objects"] == 1
