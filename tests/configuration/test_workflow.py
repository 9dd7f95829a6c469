from __future__ import annotations

import json
from typing import Any

from penstock.configuration.workflow import FOR_GOOD, Machine, definition
from penstock.sdk.steps import parse_steps
from tests.sdk.test_steps import EVERY_KIND

CONFIG = {"answer_s": 3600, "pauses": {"short_s": 5}}
MACHINE = Machine("gate", "sha256:0", "d-plugin-gate", "d-approvals", "aws-cn")


def machine() -> dict[str, Any]:
    filled = parse_steps(EVERY_KIND, "workflow.toml").filled(CONFIG)
    read: dict[str, Any] = json.loads(definition(filled, MACHINE))
    return read


def states() -> dict[str, Any]:
    found: dict[str, Any] = machine()["States"]
    return found


def test_a_run_begins_with_the_first_step_and_is_bounded() -> None:
    assert (machine()["StartAt"], machine()["TimeoutSeconds"]) == ("tell", 86400)


def test_a_step_invokes_the_plugin_s_function_and_nothing_else() -> None:
    tell = states()["tell"]
    assert tell["Resource"] == "arn:aws-cn:states:::lambda:invoke"
    assert tell["Parameters"]["FunctionName"] == "d-plugin-gate"
    assert states()["decide"]["Parameters"]["FunctionName"] == "d-approvals"


def test_a_step_is_tried_as_often_as_declared_and_never_again_when_it_failed_for_good() -> None:
    for_good, others = states()["tell"]["Retry"]
    assert for_good == {"ErrorEquals": [FOR_GOOD], "MaxAttempts": 0}
    assert (others["MaxAttempts"], others["IntervalSeconds"], others["BackoffRate"]) == (2, 1, 1.5)


def test_the_error_of_a_failed_step_is_dropped() -> None:
    (caught,) = states()["tell"]["Catch"]
    assert caught == {"ErrorEquals": ["States.ALL"], "Next": "tell.failed", "ResultPath": None}
    assert states()["tell.failed"]["Result"] == {"outcome": "failed"}
    assert states()["tell.failed"]["Next"] == "settle"


def test_the_token_of_an_approval_is_in_no_state_s_output() -> None:
    decide = states()["decide"]
    assert decide["Resource"].endswith(":lambda:invoke.waitForTaskToken")
    assert decide["ResultSelector"] == {"outcome.$": "$.outcome"}
    assert decide["TimeoutSeconds"] == 3600


def test_an_approval_without_an_answer_comes_to_its_default() -> None:
    assert states()["decide"]["Catch"][0]["Next"] == "decide.timed_out"
    assert states()["decide.timed_out"]["Result"] == {"outcome": "expired"}


def test_a_choice_asks_first_whether_the_step_has_run() -> None:
    which = states()["which"]
    assert [case["Next"] for case in which["Choices"]] == ["pause", "settle"]
    assert all(case["And"][0]["IsPresent"] for case in which["Choices"])
    assert which["Default"] == "settle"
    assert states()["pause"] == {"Type": "Wait", "Seconds": 5, "Next": "settle"}


def test_nothing_but_ids_and_outcomes_goes_to_a_step() -> None:
    told = states()["tell"]["Parameters"]["Payload"]["penstock_step"]
    assert {name.removesuffix(".$") for name in told} == {
        "plugin", "digest", "step", "entered_at", "attempt",
        "run_id", "request_id", "reference", "evidence_key", "outcomes",
    }  # fmt: skip
