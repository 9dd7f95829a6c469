"""Exporters on the running gateway: one request to a SIEM, a webhook and a bucket, and a refusal for good."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider

WORDS = "words of a prompt"
OF_THE_WEBHOOK = b"penstock.request.matched"


@pytest.fixture
def hook(receiver: StubProvider) -> Iterator[StubProvider]:
    yield receiver
    receiver.answer = lambda _: (200, b"{}")


def ask(client: OpenAI) -> str:
    answer = client.chat.completions.with_raw_response.create(
        model="echo-exported", messages=[{"role": "user", "content": WORDS}]
    )
    return answer.headers["x-request-id"]


def deliveries(evidence: EvidenceReader, request_id: str) -> dict[str, dict[str, Any]]:
    """The one of each exporter."""
    found = evidence.of(request_id, "delivery", count=3, within_s=90)
    return {delivery["plugin"]: delivery for delivery in found}


def dead(gateway: LocalGateway, evidence: EvidenceReader, plugin: str) -> list[str]:
    """What lies in the plugin's dead-letter queue; taken out of it."""
    sqs, url = evidence._clients.sqs, gateway.prepared.resources.plugin_queues[plugin].dead_url
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in messages:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [message["Body"] for message in messages]


def test_a_request_reaches_a_siem_a_webhook_and_a_bucket_and_no_word_of_it_does(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader
) -> None:
    request_id = ask(client)
    came = deliveries(evidence, request_id)
    assert {name: (d["action"], d["attempt"]) for name, d in came.items()} == {
        "siem-export": ("emit", 1),
        "webhook-notify": ("emit", 1),
        "warehouse-export": ("emit", 1),
    }
    sent = {path: (headers, body) for path, headers, body in hook.seen if _is_of(request_id, body)}
    headers, body = sent["/siem"]
    assert headers["authorization"].startswith("Bearer ")
    assert headers["idempotency-key"].startswith(request_id)
    assert sent["/hook"][0]["webhook-id"].startswith(f"msg_{request_id}_webhook-notify_")
    (key,) = [k for k in _exported(evidence) if request_id in k]
    packed = evidence._clients.s3.get_object(Bucket="e2e-exports", Key=key)["Body"].read()
    row = json.loads(gzip.decompress(packed))
    assert (row["request_id"], row["model"], row["outcome"]) == (request_id, "echo-exported", "answered")
    assert [d["host"] for d in came["warehouse-export"]["deliveries"]] == ["exports"]
    assert WORDS not in f"{_unpacked(body)!r} {sent['/hook'][1]!r} {row}"


def test_what_a_siem_will_never_take_is_a_dead_letter_at_once_and_nobody_else_s_business(
    client: OpenAI, hook: StubProvider, gateway: LocalGateway, evidence: EvidenceReader
) -> None:
    hook.answer = lambda body: (200, b"{}") if OF_THE_WEBHOOK in body else (400, b"no")
    request_id = ask(client)
    came = deliveries(evidence, request_id)
    assert (came["siem-export"]["reason"], came["siem-export"]["attempt"]) == ("undeliverable", 1)
    assert came["webhook-notify"]["action"] == came["warehouse-export"]["action"] == "emit"
    (letter,) = dead(gateway, evidence, "siem-export")
    assert request_id in letter
    assert WORDS not in letter


def _exported(evidence: EvidenceReader) -> list[str]:
    listed = evidence._clients.s3.list_objects_v2(Bucket="e2e-exports", Prefix="warehouse-export/v1/")
    return [item["Key"] for item in listed.get("Contents", [])]


def _unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def _is_of(request_id: str, body: bytes) -> bool:
    return request_id.encode() in _unpacked(body)
