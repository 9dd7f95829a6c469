from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.errors import ConfigurationError
from penstock.evidence.record import EvidenceRecord
from penstock.sdk.testing import harness
from tests.evidence import examples
from tests.plugins.audit_export.receiver import Receiver
from tests.plugins.every_door import folder_of
from tests.plugins.exporting import Lane, numbered
from tests.plugins.siem_export.collector import endless

URL = "https://hooks.example.com/penstock"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW_S = 1_700_000_000
RULES: list[dict[str, Any]] = [
    {"name": "stopped", "outcomes": ["blocked"]},
    {"name": "words", "would": ["would_block"]},
    {"name": "dear", "cost_nanousd_over": 1_000_000_000},
]


def lane(receiver: httpx.BaseTransport, *rules: dict[str, Any], secret: str = SECRET) -> Lane:
    config = {"url": URL, "rules": list(rules) or RULES}
    run = Lane("webhook-notify", config, {"signing_key": secret}, receiver)
    run.loaded.plugin.clock = lambda: NOW_S  # type: ignore[attr-defined]  # the plugin's own
    return run


def told(run: Lane, record: EvidenceRecord) -> str:
    """What the delivery of one record came to."""
    run.send(record)
    run.consume()
    return run.records()[-1].action


def test_a_request_that_a_rule_matches_is_told_rightly_signed() -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    run = lane(receiver)
    assert told(run, examples.blocked()) == "emit"
    assert receiver.problem is None
    ((message_id, told_of),) = receiver.taken.items()
    assert message_id.startswith(f"msg_{examples.REQUEST_ID}_webhook-notify_")
    assert (told_of["type"], told_of["timestamp"]) == ("penstock.request.matched", examples.RECEIVED_AT)
    data = told_of["data"]
    assert data["rules"] == ["stopped", "words"]
    assert (data["request_id"], data["code"], data["status"]) == (
        examples.REQUEST_ID,
        "card-guard.card_number",
        403,
    )
    assert data["principal"]["organisation"] == "acme"
    assert [(each["plugin"], each["action"]) for each in data["placements"]] == [
        ("card-guard", "block"),
        ("probe", "allow"),
    ]
    assert run.records()[0].recorded == {"matched_rules": 2, "body_bytes": len(receiver.calls[0].content)}


def test_a_request_that_no_rule_matches_is_nobody_s_business() -> None:
    receiver = Receiver(SECRET)
    run = lane(receiver)
    assert told(run, examples.answered()) == "record"
    assert receiver.calls == []
    assert run.records()[0].recorded == {"matched_rules": 0}


def test_a_dear_request_is_told_with_its_cost() -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    assert told(lane(receiver), replace(examples.answered(), cost_nanousd=2_000_000_000)) == "emit"
    (told_of,) = receiver.taken.values()
    assert told_of["data"]["rules"] == ["dear"]
    assert told_of["data"]["cost_nanousd"] == 2_000_000_000
    assert told_of["data"]["placements"] == []


def test_an_amendment_that_matches_is_another_notification() -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    run = lane(receiver)
    run.send(examples.blocked())
    run.send(examples.blocked())
    run.send(replace(examples.blocked(), status=503), amends=True)
    run.consume()
    assert (len(receiver.calls), len(receiver.taken)) == (3, 2)


@pytest.mark.parametrize("status", [301, 308, 400, 404, 410, 413])
def test_what_will_not_heal_is_a_dead_letter_at_once(status: int) -> None:
    receiver = Receiver(SECRET, *[status] * 5, now_s=NOW_S)
    receiver.headers = {"location": "https://elsewhere.example.net/"}
    run = lane(receiver)
    assert told(run, examples.blocked()) == "fail"
    run.consume(5)
    assert [record.reason for record in run.records()] == ["undeliverable"]
    assert (len(receiver.calls), len(run.dead.bodies())) == (1, 1)


@pytest.mark.parametrize("status", [302, 429, 500, 503])
def test_what_may_heal_is_tried_by_the_queue(status: int) -> None:
    receiver = Receiver(SECRET, status, status, now_s=NOW_S)
    run = lane(receiver)
    assert told(run, examples.blocked()) == "fail"
    run.consume(3)
    assert [record.action for record in run.records()] == ["fail", "fail", "emit"]
    assert len(receiver.taken) == 1


def test_a_short_retry_after_is_heeded() -> None:
    receiver = Receiver(SECRET, 429, now_s=NOW_S)
    receiver.headers = {"retry-after": "3"}
    run = lane(receiver)
    assert told(run, examples.blocked()) == "emit"
    assert run.time.slept == [3.0]


@pytest.mark.parametrize("error", [httpx.ConnectError("down"), httpx.ReadTimeout("half open")])
def test_a_receiver_that_says_nothing_is_tried_again(error: Exception) -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    receiver.error = error
    run = lane(receiver)
    assert told(run, examples.blocked()) == "fail"
    receiver.error = None
    run.consume()
    assert [(record.action, record.failure) for record in run.records()] == [
        ("fail", "unavailable"),
        ("emit", None),
    ]


def test_a_key_that_was_changed_is_read_anew_within_the_same_try() -> None:
    run = lane(httpx.MockTransport(lambda _: httpx.Response(204)))
    assert told(run, numbered(1, examples.blocked())) == "emit"
    run.secrets.now["signing_key"] = NEW_SECRET
    receiver = Receiver(NEW_SECRET, now_s=NOW_S)
    run.receiver = receiver
    run.new_environment()
    run.loaded.plugin.clock = lambda: NOW_S  # type: ignore[attr-defined]  # the plugin's own
    assert told(run, numbered(2, examples.blocked())) == "emit"
    assert (len(receiver.calls), len(receiver.taken)) == (2, 1)


@pytest.mark.parametrize("secret", ["", "whsec_short", "not base64"])
def test_nothing_is_sent_unsigned(secret: str) -> None:
    receiver = Receiver(SECRET)
    assert told(lane(receiver, secret=secret), examples.blocked()) == "fail"
    assert receiver.calls == []


def test_an_answer_of_100_mb_is_not_read() -> None:
    read: list[int] = []
    receiver = Receiver(SECRET, now_s=NOW_S)
    receiver.body = endless(read)
    assert told(lane(receiver), examples.blocked()) == "emit"
    assert read == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"url": URL, "rules": []}, "rules"),
        ({"url": URL}, "rules"),
        ({"url": "ftp://x.example.com", "rules": RULES}, "url"),
        ({"url": URL, "rules": [RULES[0], RULES[0]]}, "same name"),
        ({"url": URL, "rules": [{"name": "all"}]}, "condition"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(folder_of("webhook-notify"), config)
