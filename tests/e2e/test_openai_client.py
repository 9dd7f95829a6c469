"""The unmodified OpenAI client: the same objects as from the upstream, and its own exceptions."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider
from tests.fixtures.openai.catalogue import Fixture, fixtures

CONCURRENT = 200


@pytest.mark.parametrize("fixture", fixtures(), ids=str)
def test_the_client_gets_the_same_object_and_the_upstream_the_same_bytes(
    fixture: Fixture, client: OpenAI, stub: StubProvider
) -> None:
    stub.answer = lambda _: (200, fixture.response)
    with OpenAI(base_url=f"http://{stub.address}/v1", api_key="x") as direct:
        bodies, objects = [], []
        for one in (direct, client):
            objects.append(_asked(one, json.loads(fixture.request)))
            bodies.append(stub.seen[-1][2])
    assert objects[0] == objects[1]
    assert bodies[0] == bodies[1]


def _asked(client: OpenAI, request: dict[str, Any]) -> Any:
    """The client's object as it is, for a body that has keys which the client's own signature has not."""
    answer = client.chat.completions.create(
        model=request.pop("model"), messages=request.pop("messages"), extra_body=request
    )
    return answer.model_dump()


def test_a_prompts_mail_address_and_card_number_never_leave(client: OpenAI, evidence: EvidenceReader) -> None:
    answer = client.chat.completions.with_raw_response.create(
        model="echo-guarded",
        messages=[{"role": "user", "content": "Write to alice@example.com about 4111 1111 1111 1111"}],
    )
    text = answer.parse().choices[0].message.content or ""
    assert "<email>" in text
    assert "alice" not in text
    assert "4111" not in text
    (record,) = evidence.of(answer.headers["x-request-id"])
    (placement,) = [p for p in record["placements"] if p["action"] == "transform"]
    assert placement["plugin"] == "pii-redactor"
    assert placement["recorded"]["emails"] == 1
    assert "alice" not in json.dumps(record)


def test_a_block_is_the_clients_own_permission_error_with_a_stable_code(client: OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(model="echo-hostile", messages=[{"role": "user", "content": "block"}])
    assert caught.value.code == "hostile.said_so"
    assert "The message asked for a block." in str(caught.value)


def test_models_are_listed(client: OpenAI) -> None:
    assert "echo" in {model.id for model in client.models.list()}
    assert client.models.retrieve("echo").id == "echo"


@pytest.mark.parametrize(
    ("directive", "kind", "code"),
    [
        ("fail=500", openai.InternalServerError, "upstream_error"),
        ("cut", openai.InternalServerError, "upstream_error"),
        ("lie-length", openai.InternalServerError, "upstream_error"),
        ("garbage", openai.InternalServerError, "upstream_error"),
        ("gzip-bomb", openai.InternalServerError, "upstream_error"),
        ("delay=10", openai.InternalServerError, "upstream_timeout"),
    ],
)
def test_an_upstream_that_misbehaves_is_one_clear_error_asked_once_and_recorded(
    directive: str, kind: type[openai.APIStatusError], code: str, client: OpenAI, evidence: EvidenceReader
) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": f"hi\n[[echo: {directive}]]"}]
        )
    assert caught.value.code == code
    assert caught.value.response.headers["x-should-retry"] == "false"
    (record,) = evidence.of(caught.value.response.headers["x-request-id"])
    assert (record["outcome"], record["code"], len(record["upstream"])) == ("failed", code, 1)


def test_two_hundred_concurrent_requests_leave_two_hundred_records(
    gateway: LocalGateway, client: OpenAI, evidence: EvidenceReader
) -> None:
    def ask(number: int) -> tuple[str, str]:
        answer = client.chat.completions.with_raw_response.create(
            model="echo", messages=[{"role": "user", "content": f"number {number}."}]
        )
        return answer.headers["x-request-id"], answer.parse().choices[0].message.content or ""

    with ThreadPoolExecutor(CONCURRENT) as callers:
        answers = list(callers.map(ask, range(CONCURRENT)))
    assert all(f"number {number}." in text for number, (_, text) in enumerate(answers))
    ids = {request_id for request_id, _ in answers}
    assert len(ids) == CONCURRENT
    for request_id in ids:
        (record,) = evidence.of(request_id, within_s=180)
        if record["outcome"] == "outcome_unknown":
            # The recorder of a busy machine may come after the sweeper: then it amends.
            (record,) = evidence.of(request_id, "amendment", within_s=180)
        assert record["outcome"] == "answered"
