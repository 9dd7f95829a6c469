from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.aws import LocalAws
from tests.dev.test_processes import eventually, is_running

# A parent that starts AWS, stores one secret, prints the child's id, and waits to be ended.
PARENT = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is born ignoring it
from pathlib import Path
from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.aws import LocalAws
aws = LocalAws(Path(sys.argv[1]) / "log", Path(sys.argv[1]) / "aws.state")
clients = Clients(Endpoint("eu-central-1", aws.wait(), "local", "local"))
clients.secretsmanager.create_secret(Name="kept", SecretString="through it all")
print(aws.pid, flush=True)
time.sleep(600)
"""


@contextmanager
def running(folder: Path, state: Path | None) -> Iterator[Clients]:
    aws = LocalAws(folder / "log", state)
    try:
        yield Clients(Endpoint("eu-central-1", aws.wait(), "local", "local"))
    finally:
        assert aws.stop()


def test_what_is_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state" / "aws.state"
    with running(tmp_path, state) as clients:
        clients.s3.create_bucket(
            Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        clients.s3.put_object(Bucket="evidence", Key="a/b", Body=b"kept")
        url = clients.sqs.create_queue(QueueName="outbox")["QueueUrl"]
        clients.sqs.send_message(QueueUrl=url, MessageBody="not yet delivered")
        clients.dynamodb.create_table(
            TableName="control",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        clients.dynamodb.put_item(
            TableName="control", Item={"pk": {"S": "key"}, "n": {"N": "12345678901234567890"}}
        )
    assert state.stat().st_mode & 0o777 == 0o600
    with running(tmp_path, state) as clients:
        with pytest.raises(ClientError, match="BucketAlreadyOwnedByYou"):
            clients.s3.create_bucket(
                Bucket="evidence", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        assert clients.s3.get_object(Bucket="evidence", Key="a/b")["Body"].read() == b"kept"
        url = clients.sqs.get_queue_url(QueueName="outbox")["QueueUrl"]
        (message,) = clients.sqs.receive_message(QueueUrl=url)["Messages"]
        assert message["Body"] == "not yet delivered"
        item = clients.dynamodb.get_item(TableName="control", Key={"pk": {"S": "key"}})["Item"]
        assert item["n"]["N"] == "12345678901234567890"


def test_without_a_state_everything_is_forgotten(tmp_path: Path) -> None:
    for _ in range(2):
        with running(tmp_path, None) as clients:
            clients.secretsmanager.create_secret(Name="the same", SecretString="x")
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_state_that_cannot_be_used_is_set_aside_and_aws_starts_empty(tmp_path: Path) -> None:
    state = tmp_path / "aws.state"
    state.write_bytes(b"not a pickle")
    with running(tmp_path, state) as clients:
        assert clients.s3.list_buckets()["Buckets"] == []
    assert (tmp_path / "aws.unusable").read_bytes() == b"not a pickle"
    assert "AWS starts empty" in (tmp_path / "log").read_text()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_aws_saves_and_ends_however_its_parent_ends(tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(how)
        parent.wait(30)
    assert eventually(lambda: not is_running(pid))
    with running(tmp_path, tmp_path / "aws.state") as clients:
        assert clients.secretsmanager.get_secret_value(SecretId="kept")["SecretString"] == "through it all"


def test_an_interrupt_at_the_terminal_does_not_reach_aws(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path / "log", None)
    aws.wait()
    assert os.getpgid(aws.pid) != os.getpgid(0)
    assert aws.stop()


def test_ending_is_quick(tmp_path: Path) -> None:
    aws = LocalAws(tmp_path / "log", tmp_path / "aws.state")
    aws.wait()
    began = time.monotonic()
    assert aws.stop()  # False, if it had to be killed after its grace
    assert time.monotonic() - began < 10
