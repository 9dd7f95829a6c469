"""The fault runs' smoke test: a few scenarios come to what the table expects; and the table itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.run import Lanes, Result, Scenario, lanes
from tests.faults.seam import Fault, Kind
from tests.faults.table import WHOLE, differences, encoded, expected, page, table
from tests.faults.verdict import Row
from tests.faults.ways import WAYS, UnbrokenError
from tools import faults

WAY = {way.name: way for way in WAYS}
ROW = Row(200, 1, "answered", 1, "1")


def broken(way: str, kind: Kind, operation: str) -> Scenario:
    """The scenario in which the first call of this name breaks."""
    name = next(name for name in expected()[way] if name.partition(": ")[0].endswith(f" {operation}"))
    return Scenario(WAY[way], Fault(kind, int(name.partition(" ")[0])))


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
        broken("recorder", Kind.KILLED_AFTER, "PutObject"),
        broken("at_most_once", Kind.KILLED_COMMITTED, "/once"),
    ]
    results = running.run(chosen)
    assert [result.violations for result in results] == [()] * len(chosen)
    wanted = expected()
    found = table(results)
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
