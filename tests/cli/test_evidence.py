from __future__ import annotations

import argparse
import json
from dataclasses import replace

import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.cli import evidence
from penstock.evidence.archive import Archive
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.reading import EvidenceReader
from penstock.evidence.record import EvidenceRecord, now_ms
from penstock.ids import uuid7
from tests.cli.gateways import Gateway
from tests.evidence import examples

KEY = DigestKey("k1", b"k" * 32)


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evidence.add_parser(parser.add_subparsers())
    return parser.parse_args(["evidence", *words])


def bucket(*records: EvidenceRecord) -> EvidenceReader:
    objects = MemoryObjects()
    for record in records:
        Archive(objects).put_terminal(record)
    return EvidenceReader(objects)


def show(reader: EvidenceReader, *words: str) -> int:
    return evidence.show(reader, parsed("show", *words), lambda: KEY)


def recent(ago_ms: int, record: EvidenceRecord) -> EvidenceRecord:
    return replace(record, request_id=uuid7(now_ms() - ago_ms))


def test_a_request_is_shown_by_the_gateways_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(bucket(examples.answered()), examples.REQUEST_ID) == 0
    out = capsys.readouterr().out
    assert "answered 200" in out
    assert "pii-redactor" in out


def test_a_request_is_shown_by_the_callers_own_id(capsys: pytest.CaptureFixture[str]) -> None:
    record = recent(1000, examples.answered())
    digest = Digester(KEY, record.request_id).text("client_request_id", "my-id-7")
    reader = bucket(replace(record, client_request_id=digest), recent(500, examples.blocked()))
    assert show(reader, "my-id-7") == 0
    assert record.request_id in capsys.readouterr().out


def test_json_holds_the_records_as_they_are_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(bucket(examples.full()), examples.REQUEST_ID, "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["terminal"]["request_id"] == examples.REQUEST_ID
    assert shown["amendments"] == []


@pytest.mark.parametrize("wanted", [examples.REQUEST_ID, "my-id-7"])
def test_a_request_without_evidence_is_said_so_with_what_to_try(
    wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show(bucket(), wanted) == 1
    assert "--since" in capsys.readouterr().err


def test_tail_lists_the_latest_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    records = [recent(ago_ms, examples.answered()) for ago_ms in (4000, 3000, 2000, 1000)]
    assert evidence.tail(bucket(*records), parsed("tail", "--last", "2")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [record.request_id in line for record, line in zip(records[2:], lines, strict=True)] == [
        True,
        True,
    ]


def test_tail_keeps_to_an_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        recent(3000, examples.blocked()),
        recent(2000, examples.answered()),
        recent(1000, examples.unknown()),
    ]
    evidence.tail(bucket(*records), parsed("tail", "--outcome", "blocked", "--json"))
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["outcome"] == "blocked"


def test_tail_follows_what_is_stored_later_and_repeats_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    objects = MemoryObjects()
    Archive(objects).put_terminal(recent(1000, examples.answered()))
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 4:
            raise KeyboardInterrupt
        if len(naps) == 2:
            Archive(objects).put_terminal(recent(0, examples.blocked()))

    assert evidence.tail(EvidenceReader(objects), parsed("tail", "--follow", "--json"), sleep=nap) == 0
    outcomes = [json.loads(line)["outcome"] for line in capsys.readouterr().out.splitlines()]
    assert outcomes == ["answered", "blocked"]


def test_tail_shows_an_amended_request_by_its_amendment(capsys: pytest.CaptureFixture[str]) -> None:
    objects = MemoryObjects()
    lost = recent(1000, examples.unknown())
    Archive(objects).put_terminal(lost)
    Archive(objects).put_amendment(replace(examples.answered(), request_id=lost.request_id))
    Archive(objects).put_terminal(recent(0, examples.blocked()))
    assert evidence.tail(EvidenceReader(objects), parsed("tail")) == 0
    amended, other = capsys.readouterr().out.splitlines()
    assert lost.request_id in amended
    assert "answered" in amended
    assert "amended" in amended
    assert "amended" not in other
    evidence.tail(EvidenceReader(objects), parsed("tail", "--outcome", "outcome_unknown"))
    assert capsys.readouterr().out == ""


def test_tail_follows_amendments_of_what_it_has_shown(capsys: pytest.CaptureFixture[str]) -> None:
    objects = MemoryObjects()
    lost = recent(1000, examples.unknown())
    Archive(objects).put_terminal(lost)
    naps: list[float] = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 4:
            raise KeyboardInterrupt
        if len(naps) == 2:
            Archive(objects).put_amendment(replace(examples.answered(), request_id=lost.request_id))

    evidence.tail(EvidenceReader(objects), parsed("tail", "--follow"), sleep=nap)
    first, second = capsys.readouterr().out.splitlines()
    assert "outcome_unknown" in first
    assert "answered" in second
    assert "amended" in second


def test_the_outboxes_dead_letters_are_sent_again(gateway: Gateway) -> None:
    outbox = gateway.resources.outbox
    gateway.queues.send_batch(outbox.dead_url, ["one", "two"])
    assert gateway.json("evidence", "redrive") == {"sent_again": 2}
    assert {message.body for message in gateway.queues.receive(outbox.url)} == {"one", "two"}
    assert gateway.run("evidence", "redrive").out == "sent_again  0\n"


@pytest.mark.parametrize(
    "words", [["tail", "--outcome", "lost"], ["tail", "--since", "yesterday"], ["show"], []]
)
def test_a_mistyped_command_says_how_it_is_written(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(*words)
    assert "usage:" in capsys.readouterr().err
