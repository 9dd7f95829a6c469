"""The fault runs' smoke test: a few scenarios come to what the table expects; and the table itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.caller import TERMINATOR, Answer
from tests.faults.run import Lanes, Result, Scenario, lanes
from tests.faults.run import broken as broken_calls
from tests.faults.seam import PAUSE, Events, Fault, Kind
from tests.faults.table import WHOLE, differences, encoded, expected, page, table
from tests.faults.verdict import Row
from tests.faults.ways import WAYS, UnbrokenError
from tools import faults

WAY = {way.name: way for way in WAYS}
ROW = Row("200", 1, "answered", 1, "1")


def broken(way: str, kind: Kind, call: str, which: int = 0) -> Scenario:
    """The scenario in which a call of this name breaks, as a rule the first."""
    labels = [name.partition(": ")[0] for name in expected()[way]]
    numbers = dict.fromkeys(int(label.partition(" ")[0]) for label in labels if label.endswith(f" {call}"))
    return Scenario(WAY[way], Fault(kind, list(numbers)[which]))


@pytest.fixture(scope="module")
def running() -> Iterator[Lanes]:
    with lanes(1) as started:
        yield started


@pytest.mark.loopback
def test_a_few_faults_come_to_what_the_table_expects(running: Lanes) -> None:
    chosen = [
        Scenario(WAY["gateway"]),
        broken("gateway", Kind.KILLED_COMMITTED, "PutItem"),
        broken("gateway", Kind.ANSWER_LOST, "SendMessage"),
        Scenario(WAY["stream"]),
        broken("stream", Kind.KILLED_BEFORE, "runtime chunk", -1),
        broken("stream", Kind.SLOW, "SendMessage"),
        broken("stream_stopped", Kind.KILLED_COMMITTED, "SendMessage"),
        broken("stream_held", Kind.KILLED_BEFORE, "upstream event", 3),
        Scenario(WAY["stream_cut"], case=WAY["stream_cut"].cases[2]),
        Scenario(WAY["stream_gone"], case=WAY["stream_gone"].cases[1]),
        broken("recorder", Kind.KILLED_AFTER, "PutObject"),
        broken("at_most_once", Kind.KILLED_COMMITTED, "/once"),
    ]
    results = running.run(chosen)
    assert [result.violations for result in results] == [()] * len(chosen)
    wanted = expected()
    found = table(results)
    assert running.last_look() == []
    assert found == {way: {name: wanted[way][name] for name in rows} for way, rows in found.items()}


@pytest.mark.loopback
def test_a_fault_that_meets_no_call_is_an_error(running: Lanes) -> None:
    with pytest.raises(UnbrokenError):
        running.run([Scenario(WAY["recorder"], Fault(Kind.DENIED, 99))])


def test_the_page_in_the_docs_shows_the_expected_table() -> None:
    assert faults.PAGE.read_text(encoding="utf-8") == page(expected()), "stale: run `make faults`"


def test_a_row_that_differs_is_new_or_is_missing_is_told() -> None:
    wanted = {"gateway": {"1 a: slow": "x", "2 b: slow": "x"}}
    found = {"gateway": {"1 a: slow": "y", "3 c: slow": "x"}}
    assert list(differences(wanted, found)) == [
        "gateway: 1 a: slow: expected x, found y",
        "gateway: 2 b: slow: expected x, found None",
        "gateway: 3 c: slow: expected None, found x",
    ]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(faults, "PAGE", tmp_path / "faults.md")
    monkeypatch.setattr(faults, "EXPECTED", tmp_path / "expected.toml")
    monkeypatch.setattr("tests.faults.table.EXPECTED", tmp_path / "expected.toml")
    return tmp_path


def result(row: Row = ROW, *violations: str) -> Result:
    return Result(Scenario(WAY["gateway"]), ("sqs SendMessage",), row, violations)


def test_what_was_accepted_is_expected_and_shown(files: Path) -> None:
    assert faults.verdict([result()], ["gateway"], accept=False) == 1
    assert not (files / "faults.md").exists()
    assert faults.verdict([result()], ["gateway"], accept=True) == 0
    assert expected() == {"gateway": {WHOLE: "200 | 1 | answered | 1 | 1"}}
    assert faults.verdict([result()], ["gateway"], accept=False) == 0
    assert "| 0 no fault |" in (files / "faults.md").read_text()


def test_a_violation_is_never_accepted(files: Path) -> None:
    assert faults.verdict([result(ROW, "twice")], ["gateway"], accept=True) == 1
    assert list(files.iterdir()) == []


def test_the_table_reads_back_as_it_was_written(files: Path) -> None:
    rows = {"gateway": {"1 s3 PutObject: slow": "200 | 1 | failed (upstream_error) + answered | 2 | 0"}}
    (files / "expected.toml").write_text(encoded(rows))
    assert expected() == rows


def test_calls_of_a_way_are_broken_from_where_it_says_in_the_ways_that_fit_them() -> None:
    calls = [
        "dynamodb PutItem",
        f"http POST {WAY['stream_held'].breaks_from}",
        "upstream event",
        "runtime end",
    ]
    faults_of = [scenario.fault for scenario in broken_calls(WAY["stream_held"], calls)]
    assert [fault.call for fault in faults_of if fault] == [2] * 7 + [3] * 3 + [4] * 3
    assert {fault.kind for fault in faults_of if fault and fault.call == 3} == {
        Kind.KILLED_BEFORE,
        Kind.ANSWER_LOST,
        Kind.SLOW,
    }


STREAMED = {"content-type": "text/event-stream", "x-request-id": "1"}
ERROR = b'data: {"error": {"code": "upstream_error"}}\n\n'


@pytest.mark.parametrize(
    ("answer", "text", "is_answered"),
    [
        (Answer(200, {}, b"{}", is_whole=True), "200", True),
        (Answer(200, {}, b"{", is_whole=False), "200, cut", False),
        (Answer(403, {}, b"{}", is_whole=True), "403", False),
        (Answer(200, STREAMED, TERMINATOR, is_whole=True), "200, terminator", True),
        (Answer(200, STREAMED, TERMINATOR), "200, terminator, cut", True),
        (Answer(200, STREAMED, b"data: 1\n\n"), "200, cut", False),
        (Answer(200, STREAMED, ERROR, is_whole=True), "200, upstream_error", False),
        (Answer(200, STREAMED, b"data: 1\n\n", is_whole=True), "200", True),  # nothing says that it broke
        (Answer(200, STREAMED, b"data: 1\n\n", has_left=True), "200, left", False),
        (Answer(0, has_left=True), "nothing, left", False),
    ],
)
def test_what_a_caller_takes_for_a_complete_answer(answer: Answer, text: str, *, is_answered: bool) -> None:
    assert (answer.text(), answer.is_answered) == (text, is_answered)


def test_a_streams_events_come_one_by_one_and_silence_where_it_is_meant() -> None:
    pieces = iter([b"data: 1\n\nda", b"ta: 2\n\n", None, PAUSE + b"data: 3", b""])
    events = Events(silence_s=lambda: 0.002)
    taken = [events.next(0.001, lambda: next(pieces)) for _ in range(8)]
    assert taken == [b"data: 1\n\n", b"data: 2\n\n", None, None, None, None, b"data: 3", b""]
