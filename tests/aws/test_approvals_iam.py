"""Who may answer for humans, and see what they are asked; and that a mistake in it is noticed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.loaders import Loader

from tests.aws.account import Account
from tests.aws.deployed import HERE
from tests.aws.policies import Context
from tests.aws.reach import BUCKET, HOUR, NEW, Thing, _thing, reached
from tests.aws.test_iam import give, statement
from tests.infra.template import Assembly

GATE, FOLLOW_UP, APPROVALS = (
    "stacktest-plugin-approval-gate",
    "stacktest-plugin-follow-up",
    "stacktest-approvals",
)
TABLE = f"arn:aws:dynamodb:{HERE}:table/stacktest-storage"
USE = ("DeleteItem", "GetItem", "PutItem")
ANSWER = ("SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess")
# IAM calls the service `states`, botocore `stepfunctions`.
OPERATIONS = Loader().load_service_model("stepfunctions", "service-2")["operations"]
REST = tuple(f"states:{name}" for name in sorted({*OPERATIONS} - {"StartExecution", *ANSWER}))
Resources = dict[str, Any]


@pytest.fixture(scope="module")
def resources(assemblies: dict[str, Assembly]) -> Resources:
    stacks = assemblies["test"].stacks().values()
    return dict(resource for stack in stacks for resource in stack.resources.items())


def declared() -> Iterator[tuple[str, Thing, set[str]]]:
    """What, how, and who may."""
    for name, starts, answers in (
        (GATE, {GATE}, {APPROVALS}),
        (FOLLOW_UP, {FOLLOW_UP}, set[str]()),
        ("stacktest-plugin-another", set[str](), set[str]()),
    ):
        machine = f"arn:aws:states:{HERE}:stateMachine:{name}"
        yield f"{name}: start", _thing(machine, "states", only=("StartExecution",)), starts
        yield f"{name}: answer", _thing(machine, "states", only=("SendTaskSuccess",)), answers
        yield f"{name}: break off", _thing(machine, "states", only=ANSWER[:2]), set()
        yield f"{name}: all else", Thing(machine, REST, {}), set()
        run = f"arn:aws:states:{HERE}:execution:{name}:019aa9d5-31f4-7cc1-b2a4-3f1f0a9c1d2e"
        yield f"{name}: look at a run, or stop it", Thing(run, REST, {}), set()
    for keys, action, owners in (
        ("approval#approval-gate", ("GetItem", "PutItem"), {APPROVALS}),
        ("approval#approval-gate", ("DeleteItem",), set[str]()),
        ("approval#follow-up", USE, set[str]()),
        ("approval-gate", ("GetItem",), {GATE, APPROVALS}),
        ("approval-gate", ("DeleteItem", "PutItem"), {GATE}),
        ("follow-up", ("PutItem",), {FOLLOW_UP}),
    ):
        context: Context = {"dynamodb:LeadingKeys": [keys]}
        for one in action:
            yield f"{keys}: {one}", _thing(TABLE, "dynamodb", only=(one,), context=context), owners
    for name, owners in (
        ("approval-gate.approval-0a1b", {GATE, APPROVALS}),
        ("approval-gate.step-0a1b", {GATE}),
        ("follow-up.approval-0a1b", {FOLLOW_UP}),
    ):
        key = f"{BUCKET}/{HOUR}.delivery.{name}.1.json.gz"
        yield f"record {name}", Thing(key, ("s3:PutObject",), NEW), owners


def wrong(resources: Resources) -> list[str]:
    account = Account(resources)
    return [what for what, thing, owners in declared() if reached(account, thing) != owners]


def test_the_approvals_function_alone_answers_and_the_plugin_alone_asks(resources: Resources) -> None:
    assert wrong(resources) == []


def the_plugin_answers_itself(resources: Resources) -> None:
    give(resources, GATE, "states:SendTaskSuccess", f"arn:aws:states:{HERE}:stateMachine:{GATE}")


def the_plugin_stops_runs(resources: Resources) -> None:
    give(resources, GATE, "states:StopExecution", f"arn:aws:states:{HERE}:execution:{GATE}:*")


def every_machine_is_answered(resources: Resources) -> None:
    statement(resources, APPROVALS, "SendTaskSuccess")["Resource"] = "*"


def the_plugin_reads_answers(resources: Resources) -> None:
    keys = ["approval-gate", "approval#approval-gate"]
    only = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": keys}}
    statement(resources, GATE, "dynamodb:PutItem")["Condition"] = only


def the_page_writes(resources: Resources) -> None:
    statement(resources, APPROVALS, "dynamodb:PutItem")["Condition"] = {}


def any_record(resources: Resources) -> None:
    statement(resources, APPROVALS, "s3:PutObject")["Resource"] = f"{BUCKET}/*"


@pytest.mark.parametrize(
    "mistake",
    [
        the_plugin_answers_itself,
        the_plugin_stops_runs,
        every_machine_is_answered,
        the_plugin_reads_answers,
        the_page_writes,
        any_record,
    ],
)
def test_a_mistake_is_noticed(resources: Resources, mistake: Callable[[Resources], None]) -> None:
    changed = copy.deepcopy(resources)
    mistake(changed)
    assert wrong(changed)
