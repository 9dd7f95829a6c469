"""The synthesised gateway calls a plugin in the synthesised function of its own, and its role lets it."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.aws.account import Account
from tests.aws.reach import CARD, GATEWAY, KEEPER
from tests.aws.running import Run, eventually, running
from tests.aws.test_iam import statement, storage_of_another_plugin
from tests.e2e.conftest import taken_mail
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly

CHOSEN = "test"
GATE, APPROVALS = "stacktest-plugin-approval-gate", "stacktest-approvals"
CARD_NUMBER = "my card is 4242 4242 4242 4242"
STORAGE = "arn:aws:dynamodb:eu-central-1:123456789012:table/stacktest-storage"
FUNCTION = f"arn:aws:lambda:eu-central-1:123456789012:function:{CARD}"


@pytest.fixture(scope="module")
def resources(assemblies: dict[str, Assembly]) -> dict[str, Any]:
    stacks = assemblies[CHOSEN].stacks().values()
    return dict(resource for stack in stacks for resource in stack.resources.items())


@pytest.fixture(scope="module")
def run(
    assemblies: dict[str, Assembly], resources: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """The stack at work; calls of functions pass the gatekeeper too."""
    folder = tmp_path_factory.mktemp("hosted")
    configuration, account = CONFIGURATIONS[CHOSEN], Account(resources)
    with running(
        assemblies[CHOSEN].folder, configuration, folder, account, every_s=30.0, invokes=True
    ) as run:
        yield run


def card_guard(run: Run, request_id: str) -> dict[str, Any]:
    return run.placement(request_id, "card-guard")


def keeper(run: Run) -> dict[str, Any]:
    """What it left of one more request."""
    return run.placement(run.ask("hello").headers["x-request-id"], "keeper")


@pytest.mark.parametrize("stream", [False, True])
def test_a_block_comes_from_the_plugin_s_own_function(run: Run, stream: bool) -> None:
    response = run.ask(CARD_NUMBER, stream=stream)
    assert (response.status_code, response.json()["error"]["code"]) == (403, "card-guard.card_number")
    record = card_guard(run, response.headers["x-request-id"])
    assert (record["host"], record["action"], record["reason"]) == ("function", "block", "card_number")


@pytest.mark.parametrize("stream", [False, True])
def test_an_edit_comes_from_there_too(run: Run, stream: bool) -> None:
    response = run.ask("write to jane.doe@example.com", stream=stream)
    assert response.status_code == 200
    assert "jane.doe" not in response.text
    record = card_guard(run, response.headers["x-request-id"])
    assert (record["host"], record["action"]) == ("function", "transform")
    assert [changed["field"] for changed in record["changed"]] == ["request.messages.user"]


def test_the_gateway_alone_calls_it_and_it_asks_aws_for_nothing(run: Run) -> None:
    run.ask("hello")
    asked = [each for each in run.gatekeeper.asked if each.request.resource == FUNCTION]
    assert {(each.function, each.request.action, each.allowed) for each in asked} == {
        (GATEWAY, "lambda:InvokeFunction", True)
    }
    assert not [each for each in run.gatekeeper.asked if each.function == CARD]


def test_without_the_permission_the_request_is_stopped_and_the_evidence_says_denied(
    run: Run, resources: dict[str, Any]
) -> None:
    without = copy.deepcopy(resources)
    statement(without, GATEWAY, "lambda:InvokeFunction")["Action"] = "lambda:GetFunction"
    with run.gatekeeper.holding(Account(without)):
        response = run.ask("hello")
    assert (response.status_code, response.json()["error"]["code"]) == (503, "plugin_unavailable")
    record = card_guard(run, response.headers["x-request-id"])
    assert (record["action"], record["failure"]) == ("fail", "denied")


def mailed(run: Run) -> list[tuple[str, int]]:
    """Host and status of all that left keeper for outside."""
    kept = [each for each in run.evidence("delivery") if each["plugin"] == "keeper"]
    return [(sent["host"], sent["status"]) for each in kept for sent in each["deliveries"]]


def test_storage_and_e_mail_pass_the_role_of_the_plugin_and_it_asks_for_nothing_else(run: Run) -> None:
    assert eventually(lambda: keeper(run)["action"] == "record"), run.said  # a cold start may take longer
    assert eventually(lambda: bool(mailed(run))), run.said
    assert ("email", 200) in mailed(run)
    assert {host for host, _ in mailed(run)} <= {"email", "exports"}
    asked = [each for each in run.gatekeeper.asked if each.function == KEEPER]
    assert not [each for each in asked if not each.allowed]
    stored = [each.request for each in asked if each.request.resource == STORAGE]
    assert {request.action for request in stored} == {"dynamodb:GetItem", "dynamodb:PutItem"}
    assert {tuple(request.context["dynamodb:LeadingKeys"]) for request in stored} == {("keeper",)}
    assert "ses:SendEmail" in {each.request.action for each in asked}


def test_another_plugin_s_name_in_its_role_takes_its_storage_away(
    run: Run, resources: dict[str, Any]
) -> None:
    assert eventually(lambda: keeper(run)["action"] == "record"), run.said
    wrong = copy.deepcopy(resources)
    storage_of_another_plugin(wrong)
    with run.gatekeeper.holding(Account(wrong)):
        assert keeper(run)["action"] == "fail"


def sensitive(run: Run) -> httpx.Response:
    question = {"model": "echo-sensitive", "messages": [{"role": "user", "content": "May I?"}]}
    headers = {"authorization": f"Bearer {run.gateway.prepared.api_key}"}
    url = f"{run.gateway.address}/v1/chat/completions"
    return httpx.post(url, json=question, headers=headers, timeout=60, trust_env=False)


def approval_link(run: Run) -> str | None:
    """As the local SES has it."""
    bodies = (str(message["body"]) for message in taken_mail(run.gateway.aws_url))
    found = [link for body in bodies for link in re.findall(r"http://\S+/approvals/\S+", body)]
    return found[-1] if found else None


def test_a_human_is_asked_and_answers_and_every_role_may_just_what_it_does(run: Run) -> None:
    assert eventually(lambda: sensitive(run).json()["error"]["code"] == "approval_required"), run.said
    assert eventually(lambda: approval_link(run) is not None), run.said
    link = str(approval_link(run))
    page = httpx.get(link, timeout=60, trust_env=False)
    (mark,) = re.findall(r'name="mark" value="([^"]+)"', page.text)
    form = {"mark": mark, "decision": "approve"}
    assert "You approved" in httpx.post(link, data=form, timeout=60, trust_env=False).text
    passed: list[httpx.Response] = []

    def passes() -> bool:
        """It passes once, and is asked about twice."""
        if not passed and (answer := sensitive(run)).status_code == 200:
            passed.append(answer)
        return bool(passed)

    assert eventually(passes), run.said
    did: dict[str, set[str]] = {GATE: set(), APPROVALS: set()}
    for each in run.gatekeeper.asked:
        if each.function in did:
            assert each.allowed, each
            did[each.function].add(each.request.action)
    assert {"states:StartExecution", "ses:SendEmail", "secretsmanager:GetSecretValue"} <= did[GATE]
    assert {"states:SendTaskSuccess", "s3:PutObject", "dynamodb:PutItem"} <= did[APPROVALS]
    assert "states:StartExecution" not in did[APPROVALS]


def test_nothing_that_was_said_is_in_any_log(run: Run) -> None:
    run.ask(CARD_NUMBER)
    logs = list(run.gateway._options.logs.glob("*.log"))
    assert any(log.name == "plugin-card-guard.log" for log in logs)
    assert not [log for log in logs if "4242 4242" in log.read_text(errors="replace")]
