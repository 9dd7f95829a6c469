from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from functions.sweeper import handler
from penstock.evidence.record import now_ms
from penstock.evidence.schema import read_record
from penstock.ids import uuid7
from tests.evidence import examples
from tests.evidence.test_recorder import intention
from tests.functions.aws import Deployment, FakeContext, deployment


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    before = logging.getLogger().handlers[:]
    handler.sweeper.cache_clear()
    monkeypatch.setenv("PENSTOCK_SWEEP_AGE_S", "30")
    with deployment(monkeypatch, "unused") as made:
        yield made
    handler.sweeper.cache_clear()
    logging.getLogger().handlers[:] = before


def test_only_what_is_old_is_closed_and_counted(aws: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    old, young = now_ms() - 31_000, now_ms() - 5_000
    aws.ledger.open_intent(uuid7(old), old, intention(examples.answered()).facts())
    aws.ledger.open_intent(uuid7(young), young, intention(examples.answered()).facts())
    assert handler.handler({}, FakeContext()) == {"settled": 1, "postponed": 0, "lost": 0}
    (body,) = aws.stored()
    assert read_record(body).cause == "environment_lost"
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["EvidenceStored"] for line in lines if "EvidenceStored" in line] == [1]


def test_what_cannot_be_closed_is_counted_as_lost(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    old = now_ms() - 31_000
    aws.ledger.open_intent(uuid7(old), old, {"received_at": "yesterday, my dear"})
    assert handler.handler({}, FakeContext())["lost"] == 1
    out = capsys.readouterr().out
    assert '"EvidenceLost":1' in out
    assert "yesterday" not in out


def test_a_quiet_run_says_nothing(aws: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    assert handler.handler({}, FakeContext()) == {"settled": 0, "postponed": 0, "lost": 0}
    assert capsys.readouterr().out == ""


def test_a_run_without_time_left_leaves_the_rest_to_the_next(aws: Deployment) -> None:
    old = now_ms() - 31_000
    aws.ledger.open_intent(uuid7(old), old, intention(examples.answered()).facts())
    assert handler.handler({}, FakeContext(remaining_ms=5_000))["settled"] == 0
