"""A deployment in an AWS in this process, and what Lambda and SQS give a function."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from penstock.adapters.clients import Clients
from penstock.adapters.ledger import DynamoLedger
from penstock.adapters.objects import S3Objects
from penstock.adapters.provision import provision
from penstock.adapters.resources import Resources
from penstock.evidence import layout

PLUGIN = "audit-export"


@dataclass
class FakeContext:
    """Lambda's context, as far as handlers look at it."""

    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass
class Deployment:
    """What was provisioned, and views of it."""

    clients: Clients
    resources: Resources

    @property
    def objects(self) -> S3Objects:
        return S3Objects(self.clients, self.resources.evidence_bucket)

    @property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.clients, self.resources.ledger_table)

    def stored(self) -> list[bytes]:
        """Every object of the evidence bucket, unpacked, by key."""
        return [layout.unpack(self.objects.get(key) or b"") for key in self.objects.list("")]

    def waiting(self, url: str) -> list[str]:
        """The bodies that a queue holds."""
        found = self.clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in found.get("Messages", [])]


@contextmanager
def deployment(
    monkeypatch: pytest.MonkeyPatch, snapshot: str, roots: Sequence[Path] = ()
) -> Iterator[Deployment]:
    """A deployment whose functions' environment is this process's."""
    with mock_aws():
        clients = Clients()
        resources = provision(clients, "local", plugins=[PLUGIN], secrets={"prod/key": "s3cret"})
        settings = resources.settings(snapshot, tuple(map(str, roots)))
        for name, value in (settings.environment() | {"AWS_REGION": settings.region}).items():
            monkeypatch.setenv(name, value)
        yield Deployment(clients, resources)


def sqs_event(*bodies: str, receive_count: int = 1) -> dict[str, Any]:
    """A batch as Lambda gives it: the fields of its documented example event."""
    return {
        "Records": [
            {
                "messageId": f"059f36b4-87a3-44ab-83d2-{number:012d}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(receive_count),
                    "SentTimestamp": "1545082649183",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1545082649185",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:my-queue",
                "awsRegion": "eu-central-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def failed(response: dict[str, Any]) -> list[int]:
    """Which messages of `sqs_event` come back."""
    return [int(item["itemIdentifier"].rpartition("-")[2]) for item in response["batchItemFailures"]]
