from __future__ import annotations

from collections.abc import Mapping

import pytest

from penstock.sdk.rehearsal import StepFailedError, rehearse
from penstock.sdk.steps import Step, parse_steps
from tests.sdk.test_steps import EVERY_KIND, one

STEPS = parse_steps(EVERY_KIND, "workflow.toml")


def told(step: Step, _outcomes: Mapping[str, str]) -> str | None:
    return step.outcomes[0] if step.outcomes else None


def broken(step: Step, _outcomes: Mapping[str, str]) -> str | None:
    raise StepFailedError(step.name)


def test_a_human_s_answer_decides_which_way_it_goes() -> None:
    approved = rehearse(STEPS, told, {"decide": "approved"})
    assert approved.path == ("tell", "decide", "which", "pause", "settle")
    assert approved.outcomes == {"tell": "told", "decide": "approved"}
    assert rehearse(STEPS, told, {"decide": "denied"}).path == ("tell", "decide", "which", "settle")


def test_without_an_answer_it_comes_to_the_declared_default() -> None:
    late = rehearse(STEPS, told)
    assert late.outcomes["decide"] == "expired"
    assert late.path[-1] == "settle"


def test_a_failed_step_goes_where_its_declaration_says_or_fails_the_run() -> None:
    went = rehearse(STEPS, broken)
    assert went.path == ("tell", "settle")
    assert (went.outcomes, went.failed) == ({"tell": "failed"}, True)


def test_a_run_in_circles_is_ended() -> None:
    circle = one("look", "do = true") + one("pause", "wait_s = 1\nnext = 'look'")
    with pytest.raises(RuntimeError, match="has not ended after 200 steps"):
        rehearse(parse_steps(circle, "workflow.toml"), told)
