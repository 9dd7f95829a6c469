"""From the steps of a workflow to the definition of its state machine: one for the template and for moto.

Amazon States Language with JSONPath. What goes from state to state holds ids and codes, and nothing else:

    run_id, request_id, reference, evidence_key    as the run was started
    outcomes                                       step → { outcome }

A failed attempt's error, which may quote a stack, is dropped where it is caught. The token of an approval
goes to the approvals function and into no state's output.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from penstock.sdk.steps import FAILED, Retry, Step, Steps

# A plugin's function ends by itself after 60 s (`BACKGROUND_S` of infra/placed.py): later than that and its
# cold start no attempt is still at work when the next one begins.
TASK_TIMEOUT_S: Final = 90
LONGEST_WAIT_S: Final = 3600
# Raised for what no later try will change (`penstock.background.steps`).
FOR_GOOD: Final = "UndeliverableStepError"
# What an approval's function may fail of, tried again before the run fails: it only stores a token.
ASKING: Final = Retry(attempts=5, wait_s=2, backoff=2.0)

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Machine:
    """What a definition names besides its steps. `function`, `approvals`: names of functions."""

    plugin: str
    digest: str
    function: str
    approvals: str
    partition: str = "aws"


def definition(steps: Steps, machine: Machine) -> str:
    """The definition as JSON. `steps` are filled (`Steps.filled`)."""
    states: dict[str, State] = {}
    for step in steps.step:
        states |= _states(steps, step, machine)
    return json.dumps(
        {
            "Comment": f"The workflow of the plugin {machine.plugin}.",
            "StartAt": steps.step[0].name,
            "TimeoutSeconds": steps.timeout_s,
            "States": states,
        }
    )


def _states(steps: Steps, step: Step, machine: Machine) -> dict[str, State]:
    """The state of a step, and the states that note how it ended when it did not end well."""
    if step.kind == "choose":
        return {step.name: _choice(step)}
    made = {step.name: {**_state(step, machine), **_onward(steps.after(step))}}
    if step.kind == "approval":
        made[f"{step.name}.timed_out"] = _noted(step, step.on_timeout or "", steps.after(step))
    if step.on_failure:
        made[f"{step.name}.failed"] = _noted(step, FAILED, step.on_failure)
    return made


def _state(step: Step, machine: Machine) -> State:
    if step.kind == "do":
        return _do(step, machine)
    return _approval(step, machine) if step.approval else {"Type": "Wait", "Seconds": step.wait_s}


def _do(step: Step, machine: Machine) -> State:
    event = {
        "plugin": machine.plugin,
        "digest": machine.digest,
        "step": step.name,
        "entered_at.$": "$$.State.EnteredTime",
        "attempt.$": "$$.State.RetryCount",
        **_carried(),
        "outcomes.$": "$.outcomes",
    }
    return {
        "Type": "Task",
        "Resource": f"arn:{machine.partition}:states:::lambda:invoke",
        "Parameters": {"FunctionName": machine.function, "Payload": {"penstock_step": event}},
        "ResultSelector": {"outcome.$": "$.Payload.outcome"},
        "ResultPath": f"$.outcomes.{step.name}",
        "TimeoutSeconds": TASK_TIMEOUT_S,
        "Retry": [
            {"ErrorEquals": [FOR_GOOD], "MaxAttempts": 0},
            _retry(["States.TaskFailed", "States.Timeout"], step.retry),
        ],
        **_caught(step),
    }


def _approval(step: Step, machine: Machine) -> State:
    event = {
        "token.$": "$$.Task.Token",
        "plugin": machine.plugin,
        "step": step.name,
        "entered_at.$": "$$.State.EnteredTime",
        "timeout_s": step.timeout_s,
        **_carried(),
    }
    return {
        "Type": "Task",
        "Resource": f"arn:{machine.partition}:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": machine.approvals, "Payload": {"penstock_approval": event}},
        "ResultSelector": {"outcome.$": "$.outcome"},
        "ResultPath": f"$.outcomes.{step.name}",
        "TimeoutSeconds": step.timeout_s,
        "Retry": [_retry(["States.TaskFailed"], ASKING)],  # which is every error but a time-out
        **_caught(step, {"ErrorEquals": ["States.Timeout"], "Next": f"{step.name}.timed_out"}),
    }


def _carried() -> dict[str, str]:
    return {f"{name}.$": f"$.{name}" for name in ("run_id", "request_id", "reference", "evidence_key")}


def _retry(errors: list[str], retry: Retry) -> State:
    return {
        "ErrorEquals": errors,
        "MaxAttempts": retry.attempts - 1,
        "IntervalSeconds": retry.wait_s,
        "BackoffRate": retry.backoff,
        "MaxDelaySeconds": max(LONGEST_WAIT_S, retry.wait_s + 1),  # it must be more than the interval
    }


def _caught(step: Step, *first: Mapping[str, Any]) -> State:
    """`Catch`, without the error: its cause may quote what only the plugin's log should hold."""
    failed = {"ErrorEquals": ["States.ALL"], "Next": f"{step.name}.failed"}
    catchers = [*first, *([failed] if step.on_failure else [])]
    return {"Catch": [{**catcher, "ResultPath": None} for catcher in catchers]} if catchers else {}


def _noted(step: Step, outcome: str, onward: str | None) -> State:
    """Leaves the outcome of a step that did not bring one itself."""
    noted = {"Type": "Pass", "Result": {"outcome": outcome}, "ResultPath": f"$.outcomes.{step.name}"}
    return {**noted, **_onward(onward)}


def _choice(step: Step) -> State:
    variable = f"$.outcomes.{step.choose}.outcome"
    cases = [
        {
            # Asked first: a path that is not there fails the run.
            "And": [
                {"Variable": variable, "IsPresent": True},
                {"Variable": variable, "StringEquals": outcome},
            ],
            "Next": aim,
        }
        for outcome, aim in step.cases.items()
    ]
    default = {"Default": step.otherwise} if step.otherwise else {}
    return {"Type": "Choice", "Choices": cases, **default}


def _onward(name: str | None) -> State:
    return {"End": True} if name is None else {"Next": name}
