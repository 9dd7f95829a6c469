from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from functions.recorder import handler
from penstock.evidence.schema import read_record
from penstock.ids import uuid7
from tests.evidence import examples
from tests.evidence.ports import NOW_MS, outbox_body
from tests.evidence.test_recorder import intention
from tests.functions.aws import PLUGIN, Deployment, FakeContext, deployment, failed, sqs_event


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    before = logging.getLogger().handlers[:]
    handler.function.cache_clear()
    with deployment(monkeypatch, "unused") as made:
        yield made
    handler.function.cache_clear()
    logging.getLogger().handlers[:] = before


def test_a_batch_is_stored_settled_dispatched_and_counted(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.ledger.open_intent(examples.REQUEST_ID, NOW_MS, intention(examples.answered()).facts())
    other = replace(examples.blocked(), request_id=uuid7(NOW_MS))
    event = sqs_event(outbox_body(examples.answered(), PLUGIN), outbox_body(other))
    assert failed(handler.handler(event, FakeContext())) == []
    assert {read_record(body).request_id for body in aws.stored()} == {examples.REQUEST_ID, other.request_id}
    assert list(aws.ledger.open_before(NOW_MS + 1)) == []
    (body,) = aws.waiting(aws.resources.plugin_queues[PLUGIN].url)
    assert json.loads(body)["record"]["request_id"] == examples.REQUEST_ID
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["EvidenceStored"] for line in lines if "EvidenceStored" in line] == [2]
    assert any(line.get("plugin") == "card-guard" and line["PluginBlocks"] == 1 for line in lines)


def test_a_message_that_is_no_evidence_comes_back_alone_and_unread(
    aws: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    event = sqs_event('{"prompt": "My card is 4111"}', outbox_body(examples.answered()))
    assert failed(handler.handler(event, FakeContext())) == [0]
    assert len(aws.stored()) == 1
    out = capsys.readouterr().out
    assert "4111" not in out
    assert "penstock.evidence.schema.UnreadableEvidenceError" in out


def test_a_batch_that_fails_as_a_whole_is_reported_and_not_raised(aws: Deployment) -> None:
    event = sqs_event("no json", "no json either")
    assert failed(handler.handler(event, FakeContext())) == [0, 1]


def test_a_second_delivery_is_not_counted_again(aws: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    event = sqs_event(outbox_body(examples.answered()))
    handler.handler(event, FakeContext())
    capsys.readouterr()
    assert failed(handler.handler(event, FakeContext())) == []
    assert capsys.readouterr().out == ""


def test_a_store_that_is_down_brings_every_message_back(aws: Deployment) -> None:
    bucket = aws.resources.evidence_bucket
    aws.clients.s3.delete_bucket(Bucket=bucket)
    event = sqs_event(outbox_body(examples.answered()))
    assert failed(handler.handler(event, FakeContext())) == [0]


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"warm": True}])
def test_an_event_that_is_no_batch_is_acknowledged(aws: Deployment, event: dict[str, object]) -> None:
    assert failed(handler.handler(event, FakeContext())) == []
