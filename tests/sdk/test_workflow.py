from __future__ import annotations

import pytest

from penstock.errors import FieldNotGrantedError
from penstock.sdk.workflow import Run, Started, checked_start


def test_a_run_is_named_by_its_request_unless_it_is_named() -> None:
    assert checked_start(None, "req-1", "") == Started("req-1", "req-1", "")
    assert checked_start("mine_2", "req-1", "REF") == Started("mine_2", "req-1", "REF")


@pytest.mark.parametrize("run_id", ["", "a b", "x" * 81, "a/b", 4, "straße"])
def test_a_run_is_named_by_nothing_that_could_be_a_sentence(run_id: str) -> None:
    with pytest.raises(ValueError, match="run_id is 1 to 80"):
        checked_start(run_id, "req-1", "")


def test_a_reference_is_no_sentence_either() -> None:
    with pytest.raises(ValueError, match="reference is at most 80"):
        checked_start(None, "req-1", "two words")


def test_a_link_is_made_by_the_host_and_not_printed() -> None:
    run = Run("r", "q", link=lambda step, approver: f"https://a.example/{step}?to={approver}")
    assert run.approval_url("decide", "boss") == "https://a.example/decide?to=boss"
    assert "lambda" not in repr(run)


def test_without_an_approval_there_is_no_link() -> None:
    with pytest.raises(FieldNotGrantedError):
        Run("r", "q").approval_url("decide")
