"""The functions of the synthesised default stack run: a request, from the API's event to its evidence."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.asset import SNAPSHOT, function_files
from infra.layers import layer_files
from infra.packages import HOST, LAMBDA, packages
from infra.staging import stage
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.provision import provision
from penstock.configuration.applied import applied_documents
from penstock.configuration.applying import apply, differences
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import Source, parse_gateway_file
from penstock.dev.aws import LocalAws
from penstock.dev.processes import Service
from penstock.dev.proxy_events import Received, event_for
from penstock.governance.api_keys import ApiKeys, KeyOwner
from penstock.ids import uuid7
from tests import tree
from tests.aws.running import Deployed, Process, running
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain

BUCKET = "penstock-evidence-123456789012-eu-central-1"
EXTENSION = ".so"


@dataclass(frozen=True, slots=True)
class World:
    """An AWS with the deployment's resources in it, a key for a caller, and the deployed files on disk."""

    clients: Clients
    url: str
    key: str
    stack: Template
    task: Path
    opt: Path
    logs: Path

    def function(self, name: str) -> Deployed:
        return Deployed(self.stack.named("Lambda::Function", "FunctionName")[name], self.task, self.opt)

    def start(self, name: str, **also: str) -> Any:
        account = {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_ENDPOINT_URL": self.url,
        }
        return running(self.function(name), account | also, self.logs / f"{name}.log")


@pytest.fixture(scope="module")
def world(assemblies: dict[str, Assembly], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("run")
    echo = Service("echo", "penstock.dev.echo", [], folder / "echo.log")
    aws = LocalAws(folder / "aws.log", None)
    try:
        source = read(echo.wait_for_port())
        compiled = compile_file(source)
        url = aws.wait()
        clients = Clients(Endpoint("eu-central-1", url, "local", "local"))
        folders = {
            "pii-redactor": "pii_redactor",
            "request-tags": "request_tags",
            "audit-export": "audit_export",
        }
        plugins = {name: tree.ROOT / "plugins" / place for name, place in folders.items()}
        yield World(
            clients,
            url,
            fill(clients, source),
            assemblies["default"].stack("penstock-gateway"),
            stage(function_files(compiled.raw, HOST), folder, "/var/task", None).folder,
            stage(layer_files(plugins, HOST), folder, "/opt", None).folder,
            folder,
        )
    finally:
        aws.stop()
        echo.stop()


def read(echo_port: int) -> Source:
    path = CONFIGURATIONS["default"]
    raw = path.read_bytes().replace(b"127.0.0.1:8788", f"127.0.0.1:{echo_port}".encode())
    return parse_gateway_file(raw, path)


def fill(clients: Clients, source: Source) -> str:
    """Make the data stack's resources, apply the configuration; a caller's key."""
    secrets = {"penstock/audit-signing-key": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
    provision(clients, "penstock", plugins=("audit-export",), secrets=secrets)
    where: Any = {"LocationConstraint": "eu-central-1"}
    clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=True)
    store = DynamoControlStore(clients, "penstock-control")
    apply(store, differences(store, applied_documents(source.file)))
    return ApiKeys(store).create("caller", KeyOwner("acme"), int(time.time()))


def ask(gateway: Process, key: str, text: str) -> tuple[dict[str, Any], bytes, bool]:
    """Prelude, body, and whether it was streamed."""
    body = json.dumps({"model": "echo", "messages": [{"role": "user", "content": text}]}).encode()
    headers = (("authorization", f"Bearer {key}"), ("content-type", "application/json"))
    received = Received(
        "POST",
        "/v1/chat/completions",
        "HTTP/1.1",
        headers,
        body,
        "127.0.0.1",
        443,
        uuid7(),
        int(time.time() * 1000),
    )
    answer, streamed = gateway.invoke(event_for(received))
    prelude, _, rest = answer.partition(b"\0" * 8)
    return json.loads(prelude), rest, streamed


def taken(world: World, queue: str) -> dict[str, Any]:
    """The queue's messages as Lambda's event source mapping gives them to a function."""
    url = world.clients.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    got = world.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    records = [
        {
            "messageId": m["MessageId"],
            "receiptHandle": m["ReceiptHandle"],
            "body": m["Body"],
            "attributes": m["Attributes"],
            "messageAttributes": {},
            "md5OfBody": m["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{queue}",
            "awsRegion": "eu-central-1",
        }
        for m in got.get("Messages", [])
    ]
    return {"Records": records}


def evidence(world: World) -> dict[str, Any]:
    """By the kind of its key."""
    listed = world.clients.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    bodies = {
        item["Key"]: world.clients.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
        for item in listed
    }
    return {key.split(".")[1]: json.loads(gzip.decompress(body)) for key, body in bodies.items()}


def test_a_request_passes_the_deployed_functions_from_the_api_s_event_to_its_evidence(world: World) -> None:
    with world.start("penstock-gateway") as gateway:
        prelude, body, streamed = ask(gateway, world.key, "write to jane.doe@example.com")
    assert streamed, "every answer on a streamed route begins with a prelude"
    assert prelude["statusCode"] == 200, body
    said = json.loads(body)["choices"][0]["message"]["content"]
    assert "jane.doe" not in said, "the plugin of the layer masked it"

    with world.start("penstock-recorder") as recorder:
        response, _ = recorder.invoke(taken(world, "penstock-outbox"))
    assert json.loads(response) == {"batchItemFailures": []}
    terminal = evidence(world)["terminal"]
    assert (terminal["status"], terminal["outcome"]) == (200, "answered")
    ran = {placement["plugin"]: placement["action"] for placement in terminal["placements"]}
    assert set(ran) == {"pii-redactor", "request-tags", "audit-export"}

    # Plain http to this machine is for tests; in AWS the receiver has https.
    with world.start("penstock-plugin-audit-export", PENSTOCK_LOCAL="1") as plugin:
        response, _ = plugin.invoke(taken(world, "penstock-plugin-audit-export"))
    assert json.loads(response) == {"batchItemFailures": []}
    assert evidence(world)["delivery"]["action"] == "emit"


def test_the_sweeper_of_the_stack_starts_and_finds_nothing_open_that_is_old(world: World) -> None:
    with world.start("penstock-sweeper") as sweeper:
        response, _ = sweeper.invoke({"source": "aws.events"})
    assert json.loads(response) == {"settled": 0, "postponed": 0, "lost": 0}


def test_what_ran_is_what_was_synthesised_but_for_wheels_of_another_platform(
    assemblies: dict[str, Assembly],
) -> None:
    assembly = assemblies["default"]
    gateway = assembly.stack("penstock-gateway").named("Lambda::Function", "FunctionName")["penstock-gateway"]
    folder = assembly.assets()[plain(gateway["Code"]["S3Key"]).removesuffix(".zip")]
    there = {
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"
    }
    brought = {name for name in there if not name.startswith(("functions/", "penstock/", SNAPSHOT))}
    assert brought == set(packages("core", LAMBDA))
    portable = {name for name in brought if not name.endswith(EXTENSION)}
    assert portable == {name for name in packages("core", HOST) if not name.endswith(EXTENSION)}
