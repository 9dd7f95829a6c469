from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.background.steps import StepFailedError, UndeliverableStepError
from penstock.errors import ConfigurationError, StorageError, UndeliverableError
from penstock.evidence.record import EvidenceRecord
from penstock.sdk.testing import harness
from penstock.sdk.workflow import Started
from plugins.email_notify.notifier import OVERDUE_S
from plugins.email_notify.window import LEASE_S, RELEASED
from tests.evidence import examples
from tests.evidence.ports import CrashError
from tests.plugins.every_door import folder_of
from tests.plugins.exporting import Lane, numbered

RULES: list[dict[str, Any]] = [
    {"name": "stopped", "outcomes": ["blocked"]},
    {"name": "dear", "cost_nanousd_over": 1_000_000_000},
]
CONFIG: dict[str, Any] = {"to": ["soc@acme.example", "lead@acme.example"], "rules": RULES, "window_s": 600}
NOBODY = httpx.MockTransport(lambda _: httpx.Response(500))


def lane(**config: Any) -> Lane:
    return Lane("email-notify", {**CONFIG, **config}, {}, NOBODY)


def blocked(number: int) -> EvidenceRecord:
    return numbered(number, examples.blocked())


def delivered(run: Lane, *numbers: int) -> None:
    for number in numbers:
        run.send(blocked(number))
    run.consume_in(list)


def only_run(run: Lane) -> str:
    (run_id,) = run.runs.begun
    return run_id


def test_the_requests_of_a_window_are_one_mail_to_all_when_its_run_sends_it() -> None:
    run = lane()
    delivered(run, 1, 2, 3)
    assert run.mail.sent == [], "the window is still open"
    assert run.step(only_run(run), "send") == "sent"
    (message,) = run.mail.sent
    assert message.to == ("soc@acme.example", "lead@acme.example")
    assert message.subject == "Penstock: 3 requests to look at"
    assert "stopped: 3" in message.text
    assert all(blocked(number).request_id in message.text for number in (1, 2, 3))
    steps = [record for record in run.records() if record.step == "send"]
    assert [(each.action, each.recorded, each.outcome) for each in steps] == [
        ("emit", {"digests_sent": 1, "digested": 3}, "sent")
    ]
    assert [(d.host, d.status) for d in steps[0].deliveries] == [("email", 200)]


def test_a_window_s_run_is_asked_for_once_and_again_only_while_nobody_knows_of_it() -> None:
    run, asked = lane(), list[str]()
    start = run.runs.start

    def counted(started: Started, evidence_key: str) -> None:
        asked.append(started.run_id)
        start(started, evidence_key)

    run.runs.start = counted  # type: ignore[method-assign]  # as it was, and counted
    delivered(run, 1, 2)
    delivered(run, 3)
    assert len(asked) == 1


def test_a_request_that_no_rule_matches_opens_no_window() -> None:
    run = lane()
    run.send(examples.answered())
    run.consume()
    assert (run.runs.begun, run.records()[0].recorded) == ({}, {"matched_rules": 0})


def test_the_next_request_opens_the_next_window_with_a_run_of_its_own() -> None:
    run = lane()
    delivered(run, 1)
    first = only_run(run)
    run.step(first, "send")
    delivered(run, 2)
    assert len(run.runs.begun) == 2
    assert run.step(first, "send", number=2) == "sent", "that this attempt was made is recorded"
    assert len(run.mail.sent) == 1


def test_an_amendment_that_matches_is_told_beside_what_it_amends() -> None:
    run = lane()
    run.send(blocked(1))
    run.send(blocked(1))
    run.send(replace(blocked(1), status=503), amends=True)
    run.consume_in(list)
    run.step(only_run(run), "send")
    assert "stopped: 2" in run.mail.sent[0].text


def test_a_consumer_that_is_killed_after_it_counted_counts_no_second_time() -> None:
    run = lane()
    run.send(blocked(1))
    run.crash_once()
    run.consume()
    run.consume()
    run.step(only_run(run), "send")
    assert [message.subject for message in run.mail.sent] == ["Penstock: 1 request to look at"]


def test_a_step_that_is_killed_after_it_sent_sends_the_same_digest_again_and_then_no_more() -> None:
    run = lane()
    delivered(run, 1, 2)
    window, put = only_run(run), run.storage.put

    def killed(key: str, value: Any, **more: Any) -> str | None:
        if run.mail.sent and value["sending"] is None:
            raise CrashError
        return put(key, value, **more)

    run.storage.put = killed  # type: ignore[method-assign]  # killed between SES's answer and what follows it
    with pytest.raises(StepFailedError):
        run.step(window, "send")
    run.storage.put = put  # type: ignore[method-assign]  # another environment
    with pytest.raises(StepFailedError):
        run.step(window, "send", number=2)
    run.time.now_s += LEASE_S
    delivered(run, 3)
    assert run.step(window, "send", number=3) == "sent"
    first, again = run.mail.sent
    assert first == again, "byte for byte, with the digest's id"
    run.time.now_s += LEASE_S
    last = next(each for each in run.runs.begun if each != window)
    assert run.step(last, "send") == "sent"
    assert "1 request" in run.mail.sent[2].subject, "what came meanwhile is of the next window"


def test_mail_that_does_not_leave_stays_in_its_window_for_the_next_try() -> None:
    run = lane()
    delivered(run, 1)
    run.mail.failure = StorageError("send an e-mail")
    for number in range(1, 4):
        with pytest.raises(StepFailedError):
            run.step(only_run(run), "send", number=number)
    run.mail.failure = None
    assert run.step(only_run(run), "send", number=4) == "sent", "nobody waits for the lease of who failed"
    assert len(run.mail.sent) == 1


def test_why_nothing_left_is_told_though_the_lease_cannot_be_given_back_and_runs_out() -> None:
    run = lane()
    delivered(run, 1)
    run.mail.failure, put = UndeliverableError("the sender is not verified"), run.storage.put

    def away(key: str, value: Any, **more: Any) -> str | None:
        if value["sending"] and value["sending"]["claimed_at"] == RELEASED:
            raise StorageError("write a plugin's storage")
        return put(key, value, **more)

    run.storage.put = away  # type: ignore[method-assign]  # just then
    with pytest.raises(UndeliverableStepError):
        run.step(only_run(run), "send")
    run.mail.failure = None
    with pytest.raises(StepFailedError):
        run.step(only_run(run), "send", number=2)
    run.time.now_s += LEASE_S
    assert run.step(only_run(run), "send", number=3) == "sent"


def test_mail_that_will_never_be_taken_ends_the_run_at_once() -> None:
    run = lane()
    delivered(run, 1)
    run.mail.failure = UndeliverableError("the sender is not verified")
    with pytest.raises(UndeliverableStepError):
        run.step(only_run(run), "send")


def test_a_window_whose_run_has_failed_goes_with_the_next_request_that_matches() -> None:
    run = lane()
    delivered(run, 1)
    run.time.now_s += 600 + OVERDUE_S
    delivered(run, 2)
    assert [message.subject for message in run.mail.sent] == ["Penstock: 2 requests to look at"]
    record = run.records()[-1]
    assert record.recorded == {"matched_rules": 1, "digests_sent": 1, "digested": 2}
    assert len(run.runs.begun) == 1


def test_a_request_is_not_done_before_a_run_for_its_window_is_sure() -> None:
    run = lane()
    start, run.runs.start = run.runs.start, _unavailable  # type: ignore[assignment, method-assign]  # down
    delivered(run, 1)
    assert [(record.action, record.failure) for record in run.records()] == [("fail", "unavailable")]
    run.runs.start = start  # type: ignore[method-assign]  # it is back
    run.time.now_s += 360
    run.consume()
    run.step(only_run(run), "send")
    assert "1 request" in run.mail.sent[0].subject


def _unavailable(*_: object) -> None:
    raise StorageError("start a workflow")


def test_whom_nobody_granted_gets_nothing_and_the_attempt_says_so() -> None:
    run = lane(to=["eve@evil.example"])
    delivered(run, 1)
    with pytest.raises(StepFailedError):
        run.step(only_run(run), "send")
    (record,) = [each for each in run.records() if each.step]
    assert (record.failure, record.refused, run.mail.sent) == ("contract", ["email"], [])


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"to": []}, "to"),
        ({"to": ["no address"]}, "to"),
        ({"rules": []}, "rules"),
        ({"rules": [RULES[0], RULES[0]]}, "same name"),
        ({"window_s": 59}, "window_s"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(folder_of("email-notify"), {**CONFIG, **config})
