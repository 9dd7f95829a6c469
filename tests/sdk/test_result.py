from __future__ import annotations

from pathlib import Path

from penstock.sdk.sample import EVIDENCE, REQUEST_ID
from penstock.sdk.testing import Harness, harness

FOLDER = Path(__file__).parents[1] / "e2e" / "plugins" / "follow_up"


def run() -> Harness:
    return harness(FOLDER)


def test_a_step_s_result_says_what_it_came_to_and_what_it_recorded() -> None:
    result = run().step("look", evidence={**EVIDENCE, "outcome": "blocked"})
    assert (result.action, result.outcome, result.recorded) == ("record", "badly", {"looked": 1})


def test_a_step_that_breaks_has_no_outcome() -> None:
    result = run().step("look")
    assert (result.action, result.outcome) == ("fail", None)
    assert isinstance(result.error, LookupError)


def test_a_whole_workflow_goes_the_way_that_its_steps_come_to() -> None:
    assert run().rehearse(evidence=EVIDENCE).path == ("look", "which", "settle")
    assert run().rehearse().path == ("look", "give_up")


def test_starting_twice_starts_one_run() -> None:
    tried = run()
    assert tried.background().action == "allow"
    assert [started.run_id for started in tried.capabilities.started] == [REQUEST_ID]
