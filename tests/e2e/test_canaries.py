"""Content is nowhere: canaries in every place where a caller or an upstream can speak, every class of error.

Searched is all that Penstock and its AWS hold afterwards: objects, tables, queues with their dead letters,
and every log of every process.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.adapters.clients import Clients, Endpoint
from penstock.dev.environments import REGION
from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider

MARK = "canary7391"
PLACES = (
    "prompt",
    "system",
    "header",
    "agent",
    "id",
    "model",
    "argument",
    "completion",
    "error",
    "query",
    "path",
)
CANARIES = {place: f"{MARK}{place}" for place in PLACES} | {"key": f"pk_{MARK}" + "k" * 33}
SPOKEN = {
    "x-request-id": CANARIES["id"],
    "x-other": CANARIES["header"],
    "user-agent": CANARIES["agent"],
    "cookie": CANARIES["header"],
}


def body(model: str = "gpt-4o-mini", user: str = CANARIES["prompt"], **more: Any) -> bytes:
    call = {"name": "look_up", "arguments": json.dumps({"who": CANARIES["argument"]})}
    messages = [
        {"role": "system", "content": CANARIES["system"]},
        {"role": "assistant", "tool_calls": [{"id": "c1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "c1", "content": CANARIES["argument"]},
        {"role": "user", "content": user},
    ]
    return json.dumps({"model": model, "messages": messages, **more}).encode()


def requests() -> Iterator[tuple[int, bytes, dict[str, str]]]:
    """(expected status, body, headers): every class of error that a caller can bring about."""
    yield 200, body(), {}
    yield 200, body("echo-guarded"), {}
    yield 200, body("echo-audited"), {}
    yield 400, body()[:-1], {}
    yield 200, body(stream=True), {}
    yield 502, body("stub-guarded", stream=True), {}  # it ends in the middle, with nothing let go yet
    for directive in ("cut=2", "cut=60", "error=60", "framing=ragged", "no-done"):
        for model in ("echo", "echo-guarded"):
            said = f"{CANARIES['prompt']} {' '.join([MARK] * 60)}\n[[echo: {directive}]]"
            # Before a guard has let a word leave, a failure is still an error of its own.
            expected = 502 if (directive, model) == ("cut=2", "echo-guarded") else 200
            yield expected, body(model, said, stream=True), {}
    yield 400, body(stream=CANARIES["prompt"]), {}
    yield 400, body(CANARIES["model"]), {}
    yield 400, b'{"model": "echo", "' + MARK.encode() + b'": 1, "' + MARK.encode() + b'": 2}', {}
    yield 413, body(user=CANARIES["prompt"] * 270_000), {}
    yield 401, body(), {"authorization": f"Bearer {CANARIES['key']}"}
    yield 415, body(), {"content-encoding": "br"}
    yield 403, body("echo-hostile", "block"), {}
    yield 403, body("echo-guarded", f"AKIAIOSFODNN7EXAMPLE {MARK}", unknown_key=CANARIES["prompt"]), {}
    for harm in ("raise", "ungranted", "write", "rubbish", "sleep"):
        yield 503, body("echo-hostile", harm), {}
    for harm in ("swallow", "exit"):
        yield 502, body("echo-hostile", harm), {}
    for directive in ("fail=500", "cut", "garbage", "lie-length"):
        yield 502, body("echo", f"{CANARIES['prompt']}\n[[echo: {directive}]]"), {}
    yield 504, body("echo", f"{CANARIES['prompt']}\n[[echo: delay=9]]"), {}


@pytest.fixture
def talkative(stub: StubProvider) -> StubProvider:
    """An upstream that says canaries too."""
    message = {"role": "assistant", "content": CANARIES["completion"], "refusal": None}
    answer = {"id": MARK, "object": "chat.completion", "created": 1, "model": MARK}
    answer |= {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    stub.answer = lambda _: (200, json.dumps(answer).encode())
    one = {"index": 0, "delta": message, "finish_reason": None}
    chunk = {**answer, "object": "chat.completion.chunk", "choices": [one]}
    stub.pieces = lambda _: [
        b"data: " + json.dumps(chunk).encode() + b"\n\n",
        b": " + MARK.encode() + b"\n\n",
    ]
    return stub


def test_no_word_of_a_conversation_is_kept_anywhere(
    gateway: LocalGateway, http: httpx.Client, talkative: StubProvider, evidence: EvidenceReader
) -> None:
    recorded = []
    for expected, raw, headers in requests():
        url = f"/v1/chat/completions?q={CANARIES['query']}"
        response = http.post(url, content=raw, headers=SPOKEN | headers)
        assert response.status_code == expected, response.text
        if expected not in {401, 502} or "upstream" in response.text:
            recorded.append(response.headers["x-request-id"])
    error = {"error": {"message": CANARIES["error"], "type": CANARIES["error"], "code": None, "param": None}}
    talkative.answer = lambda _: (400, json.dumps(error).encode())
    assert http.post("/v1/chat/completions", content=body(), headers=SPOKEN).status_code == 400
    assert http.get(f"/v1/{CANARIES['path']}", headers=SPOKEN).status_code == 404
    for request_id in recorded:
        evidence.of(request_id)
    places = dict(everything(gateway))
    assert any(request_id in text for text in places.values() for request_id in recorded)
    found = [place for place, text in places.items() if MARK in text]
    assert found == []


def everything(gateway: LocalGateway) -> Iterator[tuple[str, str]]:
    """All that is kept, by place, as text; what is packed or encoded, unpacked too."""
    clients = Clients(Endpoint(REGION, gateway.aws_url, "local", "local"))
    resources = gateway.prepared.resources
    for table in (resources.control_table, resources.ledger_table, resources.storage_table):
        for page in clients.dynamodb.get_paginator("scan").paginate(TableName=table):
            yield table, json.dumps(page["Items"], default=repr)
    pages = clients.s3.get_paginator("list_objects_v2").paginate(Bucket=resources.evidence_bucket)
    for key in [item["Key"] for page in pages for item in page.get("Contents", [])]:
        packed = clients.s3.get_object(Bucket=resources.evidence_bucket, Key=key)["Body"].read()
        yield key, key + gzip.decompress(packed).decode()
    for queue in (resources.outbox, *resources.plugin_queues.values()):
        for url in (queue.url, queue.dead_url):
            for message in clients.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
                "Messages", []
            ):
                yield url, message["Body"]
    for path in Path(gateway._options.folder).rglob("*"):
        if path.is_file() and path.name != "api-key":
            yield str(path), path.read_text(errors="replace")


def test_the_search_itself_would_find_a_canary(gateway: LocalGateway, tmp_path: Path) -> None:
    log = gateway._options.logs / "planted.log"
    log.write_text(f"a line with {base64.b16encode(b'x').decode()} and {MARK}")
    try:
        assert [place for place, text in everything(gateway) if MARK in text] == [str(log)]
    finally:
        log.unlink()
