"""Plugins without a route out send by the synthesised egress function: each by its own alias alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.functions import LambdaFunctions
from penstock.dev.environments import REGION
from penstock.egress.messages import encode_request
from penstock.errors import FailureClass, PluginError
from tests.aws.account import Account
from tests.aws.running import Run, eventually, running
from tests.aws.test_egress_iam import ASKER, EXPORT, SENDER, another_s_alias, every_alias, the_function_itself
from tests.hostile.receiver import Receiver
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly

CHOSEN = "enforced"
CALL = "lambda:InvokeFunction"
WORDS = "words that nobody keeps"
OUT = b"what the tests themselves send"
Resources = dict[str, Any]


@pytest.fixture(scope="module")
def resources(assemblies: dict[str, Assembly]) -> Resources:
    stacks = assemblies[CHOSEN].stacks().values()
    return dict(resource for stack in stacks for resource in stack.resources.items())


@pytest.fixture(scope="module")
def receivers() -> Iterator[dict[str, Receiver]]:
    """By the host that the configuration names."""
    made = {host: Receiver() for host in ("ask.example.com", "audit.example.com")}
    yield made
    for receiver in made.values():
        receiver.close()


@pytest.fixture(scope="module")
def run(
    assemblies: dict[str, Assembly],
    resources: Resources,
    receivers: dict[str, Receiver],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Run]:
    """The stack at work, where the two hosts are this machine."""
    places = {
        said.format(host).encode(): here.format(receiver.address).encode()
        for host, receiver in receivers.items()
        for said, here in (("{}:443", "{}"), ("https://{}/", "http://{}/"))
    }
    folder, configuration = tmp_path_factory.mktemp("walled"), CONFIGURATIONS[CHOSEN]
    with running(
        assemblies[CHOSEN].folder,
        configuration,
        folder,
        Account(resources),
        every_s=3600.0,
        places=places,
        invokes=True,
    ) as run:
        yield run


def asked(run: Run) -> dict[str, Any]:
    """What the plugin left of one more request."""
    return run.placement(run.ask(WORDS).headers["x-request-id"], "asker")


def invoked(run: Run) -> dict[str, set[tuple[str, bool]]]:
    """By function: what it invoked, and whether it was let."""
    found: dict[str, set[tuple[str, bool]]] = {}
    for each in run.gatekeeper.asked:
        if each.request.action == CALL:
            found.setdefault(each.function, set()).add((each.request.resource, each.allowed))
    return found


def invoke(run: Run, function: str, name: str, url: str) -> dict[str, Any]:
    """A request by whichever way into the egress function, with the credentials of `function`."""
    (variables,) = [
        f.environment
        for f in run.gateway.prepared.functions
        if f.environment["AWS_LAMBDA_FUNCTION_NAME"] == function
    ]
    endpoint = Endpoint(
        REGION,
        variables["AWS_ENDPOINT_URL_LAMBDA"],
        variables["AWS_ACCESS_KEY_ID"],
        variables["AWS_SECRET_ACCESS_KEY"],
        variables["AWS_SESSION_TOKEN"],
    )
    functions = LambdaFunctions(Clients(endpoint), name, 1, 60.0)
    payload = encode_request(httpx.Request("POST", url, content=OUT))
    answer: dict[str, Any] = json.loads(functions.invoke("", payload).result(60.0))
    return answer


def test_a_gate_s_plugin_sends_by_its_own_alias_and_its_delivery_is_in_the_evidence(
    run: Run, receivers: dict[str, Receiver]
) -> None:
    assert eventually(lambda: asked(run)["action"] != "fail"), run.said  # a cold start may take longer
    placement = asked(run)
    host = receivers["ask.example.com"]
    assert [(sent["host"], sent["status"]) for sent in placement["deliveries"]] == [(host.address, 200)]
    assert WORDS.encode() in host.bodies
    assert invoked(run)[ASKER] == {(f"{SENDER}:asker", True)}


def test_a_background_plugin_sends_by_its_own_too(run: Run, receivers: dict[str, Receiver]) -> None:
    request_id = run.ask(WORDS).headers["x-request-id"]
    assert eventually(lambda: request_id in {record["request_id"] for record in run.evidence("delivery")})
    assert request_id in b"".join(receivers["audit.example.com"].bodies).decode()
    assert invoked(run)[EXPORT] == {(f"{SENDER}:audit-export", True)}


@pytest.mark.parametrize(
    "name",
    ["walled-egress:audit-export", "walled-egress", "walled-egress:$LATEST", "walled-egress:1",
     f"{SENDER}:audit-export", SENDER],
)  # fmt: skip
def test_with_its_credentials_no_other_way_into_the_egress_function_is_open(
    run: Run, receivers: dict[str, Receiver], name: str
) -> None:
    host = receivers["audit.example.com"]
    with pytest.raises(PluginError) as caught:
        invoke(run, ASKER, name, f"http://{host.address}/")
    assert caught.value.failure is FailureClass.DENIED
    assert OUT not in host.bodies


def test_its_own_alias_sends_to_its_own_host_and_to_no_other(
    run: Run, receivers: dict[str, Receiver]
) -> None:
    own, other = receivers["ask.example.com"], receivers["audit.example.com"]
    assert invoke(run, ASKER, "walled-egress:asker", f"http://{own.address}/")["status"] == 200
    assert OUT in own.bodies
    refused = invoke(run, ASKER, "walled-egress:asker", f"http://{other.address}/")
    assert refused["failure"] == "not_granted"
    assert OUT not in other.bodies


def test_whoever_else_s_alias_a_mistaken_role_opens_it_leads_to_that_one_s_host_alone(
    run: Run, resources: Resources, receivers: dict[str, Receiver]
) -> None:
    """IAM is one wall; the function that reads its alias from what Lambda says is the other."""
    own = receivers["ask.example.com"]
    own.bodies.clear()
    with run.gatekeeper.holding(mistaken(resources, every_alias)):
        answer = invoke(run, ASKER, "walled-egress:audit-export", f"http://{own.address}/")
    assert (answer["failure"], own.bodies) == ("not_granted", [])


def test_invoked_by_no_alias_it_sends_for_nobody(
    run: Run, resources: Resources, receivers: dict[str, Receiver]
) -> None:
    own = receivers["ask.example.com"]
    own.bodies.clear()
    with run.gatekeeper.holding(mistaken(resources, the_function_itself)):
        answer = invoke(run, ASKER, "walled-egress", f"http://{own.address}/")
    assert (answer["failure"], own.bodies) == ("not_granted", [])


def test_with_another_s_alias_in_its_role_the_plugin_reaches_nobody(
    run: Run, resources: Resources, receivers: dict[str, Receiver]
) -> None:
    own = receivers["ask.example.com"]
    own.bodies.clear()
    with run.gatekeeper.holding(mistaken(resources, another_s_alias)):
        placement = asked(run)
    assert (placement["action"], own.bodies) == ("fail", [])
    assert (f"{SENDER}:asker", False) in invoked(run)[ASKER]


def mistaken(resources: Resources, mistake: Callable[[Resources], None]) -> Account:
    broken = copy.deepcopy(resources)
    mistake(broken)
    return Account(broken)


def test_the_egress_function_itself_asks_aws_for_nothing(run: Run) -> None:
    assert "walled-egress" not in {each.function for each in run.gatekeeper.asked}


def test_nothing_that_was_said_is_in_any_log(run: Run) -> None:
    run.ask(WORDS)
    logs = list(run.gateway._options.logs.glob("*.log"))
    assert {"egress.log", "plugin-asker.log"} <= {log.name for log in logs}
    assert not [log.name for log in logs if WORDS in log.read_text(errors="replace")]
