"""Background plugins on the running gateway: delivered after the evidence is stored, signed, recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from openai import OpenAI

from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider


@pytest.fixture
def hook(receiver: StubProvider) -> Iterator[StubProvider]:
    yield receiver
    receiver.answer = lambda _: (200, b"{}")


def ask(client: OpenAI) -> str:
    answer = client.chat.completions.with_raw_response.create(
        model="echo-audited", messages=[{"role": "user", "content": "audit me"}]
    )
    return answer.headers["x-request-id"]


def test_a_request_is_exported_signed_and_the_delivery_is_a_record_of_its_own(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader
) -> None:
    request_id = ask(client)
    (delivery,) = evidence.of(request_id, "delivery")
    assert (delivery["plugin"], delivery["action"], delivery["attempt"]) == ("audit-export", "emit", 1)
    assert [(d["host"], d["status"]) for d in delivery["deliveries"]] == [(hook.address, 200)]
    path, headers, body = next(seen for seen in hook.seen if request_id.encode() in seen[2])
    assert path == "/audit"
    assert headers["webhook-signature"].startswith("v1,")
    assert json.loads(body)["request_id"] == request_id
    assert b"audit me" not in body
    (terminal,) = evidence.of(request_id)
    assert [p["action"] for p in terminal["placements"] if p["plugin"] == "audit-export"] == ["dispatched"]


def test_a_receiver_that_fails_is_asked_again_and_every_try_is_recorded(
    client: OpenAI, hook: StubProvider, evidence: EvidenceReader
) -> None:
    answers = iter([(500, b""), (429, b"")])
    hook.answer = lambda _: next(answers, (200, b"{}"))
    tries = evidence.of(ask(client), "delivery", count=3, within_s=90)
    assert sorted((t["attempt"], t["action"]) for t in tries) == [(1, "fail"), (2, "fail"), (3, "emit")]
