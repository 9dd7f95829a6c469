"""The functions of the synthesised stack run, with what their roles may do and no more."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.asset import SNAPSHOT
from infra.packages import HOST, LAMBDA, packages
from infra.service_data import slimmed
from penstock.adapters.keys import SEAL_NOTE
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.seal_note import DynamoSealNotes
from penstock.evidence import layout
from penstock.evidence.chain import Known
from penstock.evidence.record import now_ms
from penstock.evidence.seals import HOUR_MS
from penstock.evidence.verifying import Verified, Window, verify
from penstock.ids import uuid7
from tests.aws.account import Account
from tests.aws.policies import many
from tests.aws.running import Run, eventually, placements, running
from tests.evidence import examples
from tests.evidence.test_recorder import intention
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, plain

CHOSEN = "default"
GATEWAY, RECORDER, SWEEPER = "penstock-gateway", "penstock-recorder", "penstock-sweeper"
SEALER = "penstock-sealer"
EXPORT = "penstock-plugin-audit-export"
BUCKET = "penstock-evidence-123456789012-eu-central-1"
EMAIL = "jane.doe@example.com"

# Granted, and not asked for by code of ours: what Lambda does itself, in the role's name.
LAMBDA_S_OWN = {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:GetQueueAttributes"}
DEAD = "arn:aws:sqs:eu-central-1:123456789012:penstock-plugin-audit-export-dead"
UPSTREAMS = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:penstock/upstreams/*"
UNUSED = {
    # The echo upstream needs no key.
    GATEWAY: [f"secretsmanager:GetSecretValue {UPSTREAMS}", f"kms:Decrypt {UPSTREAMS}"],
    # Nothing here is beyond healing.
    EXPORT: [
        f"sqs:SendMessage {DEAD}",
        f"kms:Decrypt {DEAD}",
        f"kms:GenerateDataKey {DEAD}",
    ],
}


@pytest.fixture(scope="module")
def resources(assemblies: dict[str, Assembly]) -> dict[str, Any]:
    stacks = assemblies[CHOSEN].stacks().values()
    return dict(resource for stack in stacks for resource in stack.resources.items())


@pytest.fixture(scope="module")
def run(
    assemblies: dict[str, Assembly], resources: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """One run for all tests; what each asks adds to what was seen."""
    folder = tmp_path_factory.mktemp("run")
    with running(assemblies[CHOSEN].folder, CONFIGURATIONS[CHOSEN], folder, Account(resources)) as run:
        # Once each: what stored evidence is read back for, and looked for, when it is written conditionally.
        run.gatekeeper.faults |= {RECORDER: "conflict", SWEEPER: "conflict", EXPORT: "answer lost"}
        yield run


@pytest.fixture(scope="module")
def unary(run: Run) -> dict[str, Any]:
    """The evidence of a request that was answered whole."""
    return recorded(run, stream=False)


@pytest.fixture(scope="module")
def streamed(run: Run) -> dict[str, Any]:
    """The evidence of a request that was answered as a stream."""
    return recorded(run, stream=True)


@pytest.fixture(scope="module")
def delivered(run: Run, unary: dict[str, Any], streamed: dict[str, Any]) -> list[dict[str, Any]]:
    wanted = {unary["request_id"], streamed["request_id"]}
    assert eventually(lambda: wanted <= {record["request_id"] for record in run.evidence("delivery")})
    return [record for record in run.evidence("delivery") if record["request_id"] in wanted]


@pytest.fixture(scope="module")
def closed(run: Run) -> dict[str, Any]:
    """The evidence of a request whose environment was lost an hour ago."""
    began_ms = now_ms() - 3_600_000
    request_id = uuid7(began_ms)
    facts = intention(examples.answered(), "audit-export").facts()
    ledger = DynamoLedger(run.gateway.clients, run.gateway.prepared.resources.ledger_table)
    ledger.open_intent(request_id, began_ms, facts)
    assert eventually(lambda: run.terminal(request_id) is not None), run.said
    return run.terminal(request_id) or {}


@pytest.fixture(scope="module")
def redelivered(run: Run, unary: dict[str, Any], delivered: list[dict[str, Any]]) -> None:
    """The outbox's first message comes a second time, as SQS may let it."""
    outbox = run.gateway.prepared.resources.outbox.url
    before = len(run.gatekeeper.sent)
    first = next(body for body in run.gatekeeper.sent if unary["request_id"] in body)
    run.gateway.clients.sqs.send_message(QueueUrl=outbox, MessageBody=first)
    assert eventually(partial(handed_on, run, before)), run.said


@pytest.fixture(scope="module")
def amended(run: Run, unary: dict[str, Any], closed: dict[str, Any]) -> dict[str, Any]:
    """What comes of an outcome after the sweeper has closed its request. It comes twice."""
    first = next(body for body in run.gatekeeper.sent if unary["request_id"] in body)
    late = first.replace(unary["request_id"], closed["request_id"])
    outbox = run.gateway.prepared.resources.outbox.url
    for _ in range(2):
        before = len(run.gatekeeper.sent)
        run.gateway.clients.sqs.send_message(QueueUrl=outbox, MessageBody=late)
        assert eventually(partial(handed_on, run, before)), run.said
    (record,) = run.evidence("amendment")
    return record


@pytest.fixture(scope="module")
def sealed(run: Run) -> Verified:
    """What verifying says when a record of some hours ago has been sealed, by a sealer that begins anew."""
    clients, made = run.gateway.clients, run.gateway.prepared.resources
    objects = S3Objects(clients, made.evidence_bucket)
    notes = DynamoSealNotes(clients, made.ledger_table)
    key = layout.terminal_key("acme", uuid7(now_ms() - 3 * HOUR_MS))
    objects.put_once(key, layout.pack(b"{}"))
    for seal in list(objects.list("seal/")):
        clients.s3.delete_object(Bucket=made.evidence_bucket, Key=seal)
    clients.dynamodb.delete_item(TableName=made.ledger_table, Key={"pk": {"S": SEAL_NOTE}})

    def verified() -> Verified:
        note = notes.latest()
        known = [Known(note.number, note.digest, "the ledger")] if note else []
        return verify(objects, known, Window(), now_ms())

    assert eventually(lambda: verified().objects > 0), run.said
    return verified()


def handed_on(run: Run, before: int) -> bool:
    return len(run.gatekeeper.sent) > before


def recorded(run: Run, *, stream: bool) -> dict[str, Any]:
    response = run.ask(f"write to {EMAIL}", stream=stream)
    assert response.status_code == 200, response.text
    request_id = response.headers["x-request-id"]
    assert eventually(lambda: run.terminal(request_id) is not None), run.said
    return run.terminal(request_id) or {}


def test_a_request_is_answered_and_guarded_by_the_plugin_of_the_layer(run: Run) -> None:
    response = run.ask(f"write to {EMAIL}")
    assert response.status_code == 200, response.text
    said = response.json()["choices"][0]["message"]["content"]
    assert "<email>" in said
    assert EMAIL not in said


def test_a_stream_passes_the_prelude_event_by_event_to_its_terminator(run: Run) -> None:
    response = run.ask(f"write to {EMAIL}", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    deltas = [choice["delta"] for event in events[:-1] for choice in json.loads(event)["choices"]]
    said = "".join(delta.get("content") or "" for delta in deltas)
    assert "<email>" in said
    assert EMAIL not in said


@pytest.mark.parametrize("kind", ["unary", "streamed"])
def test_its_evidence_tells_what_every_plugin_did(kind: str, request: pytest.FixtureRequest) -> None:
    record = request.getfixturevalue(kind)
    assert (record["status"], record["outcome"], record["stream"]) == (200, "answered", kind == "streamed")
    done = placements(record)
    assert {plugin for plugin, _ in done} == {"pii-redactor", "request-tags", "audit-export"}
    assert done["pii-redactor", "before_upstream"] == "transform"


def test_the_background_plugin_delivers_it_from_a_function_of_its_own(
    delivered: list[dict[str, Any]],
) -> None:
    assert {record["action"] for record in delivered} == {"emit"}


def test_the_sweeper_closes_what_a_lost_environment_left_open(closed: dict[str, Any]) -> None:
    assert (closed["outcome"], closed["cause"]) == ("outcome_unknown", "environment_lost")


def test_the_sealer_seals_the_hours_that_are_over(sealed: Verified) -> None:
    assert sealed.is_sound, sealed.findings
    assert sealed.head.number == 1


def test_an_outcome_that_comes_after_the_sweeper_is_kept_beside_its_record(amended: dict[str, Any]) -> None:
    assert amended["outcome"] == "answered"


EVERYTHING = pytest.mark.usefixtures(
    "unary", "streamed", "delivered", "closed", "redelivered", "amended", "sealed"
)


@EVERYTHING
def test_the_roles_suffice(run: Run) -> None:
    assert run.gatekeeper.denied() == []
    assert {asked.function for asked in run.gatekeeper.asked} == {GATEWAY, RECORDER, SWEEPER, SEALER, EXPORT}


def test_lambda_may_become_each_role_that_a_function_runs_as(run: Run) -> None:
    account = run.gatekeeper.account
    assert all(account.may_start(name) for name in (GATEWAY, RECORDER, SWEEPER, SEALER, EXPORT))


@EVERYTHING
def test_all_that_is_granted_is_used(run: Run, resources: dict[str, Any]) -> None:
    assert not run.gatekeeper.faults
    assert unnoticed(run, resources) == UNUSED


def unnoticed(run: Run, resources: dict[str, Any]) -> dict[str, list[str]]:
    """Grants that could be taken away, one action on one resource at a time, and the run would not fail.

    Of a key: one action for one thing that is encrypted under it.
    """
    asked = {(a.function, str(a.request)): a for a in run.gatekeeper.asked if a.allowed}.values()
    found: dict[str, list[str]] = {}
    for function, statement, action, resource in granted(resources):
        without = Account(lacking(resources, function, statement, action, resource))
        if all(without.may(function, a.request) for a in asked if a.function == function):
            found.setdefault(function, []).append(f"{action} {plain(resource)}")
    return found


def granted(resources: dict[str, Any]) -> Iterator[tuple[str, int, str, Any]]:
    """Function, number of the statement, action, resource: of all that is ours to ask for."""
    for function in (GATEWAY, RECORDER, SWEEPER, SEALER, EXPORT):
        for number, statement in enumerate(statements(resources, function)):
            for action in many(statement["Action"]):
                for resource in encrypted(statement) or many(statement["Resource"]):
                    if action not in LAMBDA_S_OWN:
                        yield function, number, action, resource


def encrypted(statement: dict[str, Any]) -> list[Any]:
    """The things for which a statement lets somebody use a key."""
    return [thing for keys in statement.get("Condition", {}).values() for thing in contexts(keys)]


def contexts(keys: dict[str, Any]) -> list[Any]:
    return [
        one
        for key, values in keys.items()
        if key.startswith("kms:EncryptionContext:")
        for one in many(values)
    ]


def lacking(
    resources: dict[str, Any], function: str, number: int, action: str, resource: Any
) -> dict[str, Any]:
    """The same account without one action on one resource of one statement."""
    name = role_of(resources, function)
    role = copy.deepcopy(resources[name])
    found = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    whole = found[number]
    actions = [other for other in many(whole["Action"]) if other != action]
    places = [other for other in many(whole["Resource"]) if other != resource]
    rest = [{**whole, "Action": actions}] if actions else []
    if encrypted(whole):
        rest.append({**whole, "Action": action, "Condition": narrowed(whole["Condition"], resource)})
    elif places:
        rest.append({**whole, "Action": action, "Resource": places})
    found[number : number + 1] = rest
    return {**resources, name: role}


def narrowed(condition: dict[str, Any], thing: Any) -> dict[str, Any]:
    """The same condition, by which one thing less is let pass; none is left where it was the only one."""
    return {
        operator: {
            key: [one for one in many(values) if one != thing]
            if key.startswith("kms:EncryptionContext:")
            else values
            for key, values in keys.items()
        }
        for operator, keys in condition.items()
    }


def role_of(resources: dict[str, Any], function: str) -> str:
    return next(
        str(r["Properties"]["Role"]["Fn::GetAtt"][0])
        for r in resources.values()
        if r["Type"] == "AWS::Lambda::Function" and r["Properties"].get("FunctionName") == function
    )


def statements(resources: dict[str, Any], function: str) -> list[dict[str, Any]]:
    role = resources[role_of(resources, function)]["Properties"]
    found: list[dict[str, Any]] = role["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def test_a_gateway_that_may_not_store_intents_serves_nobody(run: Run, resources: dict[str, Any]) -> None:
    (taken,) = [g for g in granted(resources) if g[0] == GATEWAY and g[2] == "dynamodb:PutItem"]
    before = len(run.gatekeeper.denied())
    with run.gatekeeper.holding(Account(lacking(resources, *taken))):
        response = run.ask("hello")
    denied = run.gatekeeper.denied()[before:]
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "evidence_unavailable"
    assert {(asked.function, asked.request.action) for asked in denied} == {(GATEWAY, "dynamodb:PutItem")}
    run.gatekeeper.asked[:] = [asked for asked in run.gatekeeper.asked if asked not in denied]


def test_what_ran_is_what_was_synthesised_but_for_compiled_modules_of_another_platform(
    run: Run, assemblies: dict[str, Assembly]
) -> None:
    (gateway,) = [function for function in run.gateway.prepared.functions if function.name == "gateway"]
    template = assemblies[CHOSEN].stack(GATEWAY).named("Lambda::Function", "FunctionName")[GATEWAY]
    asset = assemblies[CHOSEN].assets()[plain(template["Code"]["S3Key"]).removesuffix(".zip")]
    here, there = files(gateway.folder), files(asset)
    assert here.keys() == there.keys()
    assert {name for name in here if here[name] != there[name]} <= {SNAPSHOT}, "the echo upstream's port"
    brought = set(slimmed(packages("core", LAMBDA), frozenset()))
    assert brought <= {*there, *(name for name in brought if ".so" in name)}


def files(folder: Path) -> dict[str, bytes]:
    """What is not compiled, by its place."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".so", ".pyc"}
    }


def test_the_packages_of_this_machine_differ_from_lambda_s_in_compiled_modules_alone() -> None:
    here, there = (
        {name for name in packages("core", platform) if not name.endswith(".so")}
        for platform in (HOST, LAMBDA)
    )
    assert here == there
