from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.errors import ConfigurationError
from penstock.evidence.delivery import DeliveryRecord
from penstock.sdk.testing import harness
from tests.evidence import examples
from tests.plugins.every_door import folder_of
from tests.plugins.exporting import Lane, numbered
from tests.plugins.siem_export.collector import CHANNEL, TOKEN, Collector, endless, said

URL = "https://splunk.example.com:8088/services/collector/event"
JSON_URL = "https://siem.example.com/ingest"


def lane(collector: httpx.BaseTransport, **config: Any) -> Lane:
    return Lane("siem-export", {"url": URL, **config}, {"token": TOKEN}, collector)


def delivered(run: Lane) -> DeliveryRecord:
    """The record of the first try of one request's evidence."""
    run.send(examples.answered())
    run.consume()
    return run.records()[0]


def test_a_record_is_indexed_whole_at_its_time_and_can_be_found_by_its_key() -> None:
    collector = Collector()
    record = delivered(lane(collector, index="ai"))
    assert (record.action, record.failure, record.also) == ("emit", None, ["record"])
    (event,) = collector.index
    assert event["time"] == 1795338900.123
    assert (event["source"], event["sourcetype"], event["index"]) == ("penstock", "penstock:evidence", "ai")
    assert event["event"]["request_id"] == examples.REQUEST_ID
    assert event["event"]["placements"][0]["changed"][0]["edits"] == 2
    assert event["fields"]["idempotency_key"].startswith(f"{examples.REQUEST_ID}:siem-export:")
    assert [(d.host, d.status) for d in record.deliveries] == [("splunk.example.com:8088", 200)]


def test_gzip_is_used_where_it_saves_a_packet_and_can_be_turned_off() -> None:
    collector = Collector()
    packed = delivered(lane(collector)).recorded
    assert collector.calls[0].headers["content-encoding"] == "gzip"
    assert packed["sent_bytes"] == len(collector.calls[0].content) < packed["body_bytes"] / 2  # type: ignore[operator]  # both are numbers
    plain = delivered(lane(collector, compress=False)).recorded
    assert plain["sent_bytes"] == plain["body_bytes"] == packed["body_bytes"]
    small = harness(folder_of("siem-export"), {"url": URL}, secrets={"token": TOKEN}, transport=collector)
    assert small.background().action == "emit"
    assert "content-encoding" not in collector.calls[-1].headers, "some 500 bytes fit a packet anyway"


def test_generic_json_is_the_record_itself_under_a_bearer_token() -> None:
    got: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(202)

    record = delivered(lane(httpx.MockTransport(take), url=JSON_URL, format="json"))
    assert record.action == "emit"
    (request,) = got
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(gzip.decompress(request.content))["request_id"] == examples.REQUEST_ID
    assert request.headers["idempotency-key"].startswith(examples.REQUEST_ID)
    assert CHANNEL not in request.headers


def test_an_event_is_asked_for_until_it_is_indexed() -> None:
    collector = Collector(acknowledges=True, indexing=3)
    run = lane(collector, acknowledge=True)
    record = delivered(run)
    assert (record.action, len(collector.index), collector.asked) == ("emit", 1, 4)
    assert run.time.slept == [0.25, 0.5, 1.0, 2.0]
    assert record.recorded["acknowledged_after_ms"] == 3750
    assert len({call.headers[CHANNEL] for call in collector.calls}) == 1


def test_an_event_that_is_not_indexed_in_time_is_sent_again() -> None:
    collector = Collector(acknowledges=True)
    collector.drops = 1
    run = lane(collector, acknowledge=True, acknowledge_within_s=5)
    record = delivered(run)
    assert (record.action, record.failure) == ("fail", "unavailable")
    assert sum(run.time.slept) <= 5.0
    run.consume()
    assert [each.action for each in run.records()] == ["fail", "emit"]
    assert len(collector.index) == 1, "the one that was lost was never indexed"


def test_a_question_that_fails_is_asked_again_and_the_event_is_not_sent_twice() -> None:
    collector = Collector(acknowledges=True)
    broken = iter([httpx.ConnectError("down"), httpx.ReadTimeout("slow"), 503, b"not json", None])

    def moody(request: httpx.Request) -> httpx.Response:
        mood = next(broken) if request.url.path.endswith("/ack") else None
        if isinstance(mood, Exception):
            raise mood
        if mood is None:
            return collector.handle_request(request)
        return httpx.Response(mood) if isinstance(mood, int) else httpx.Response(200, content=mood)

    assert delivered(lane(httpx.MockTransport(moody), acknowledge=True)).action == "emit"
    assert len(collector.index) == 1


def test_a_token_without_acknowledgement_is_no_reason_to_send_an_event_five_times() -> None:
    collector = Collector()
    run = lane(collector, acknowledge=True)
    assert delivered(run).reason == "undeliverable"
    assert (len(collector.index), len(run.dead.bodies())) == (1, 1)


def test_a_collector_that_gives_numbers_and_answers_no_questions_is_asked_once() -> None:
    collector = Collector(said(200, 0, "Success", ackId=3))
    run = lane(collector, acknowledge=True)
    assert delivered(run).reason == "undeliverable"
    assert collector.asked == 1


@pytest.mark.parametrize("number", [True, -1, "7", 2**63, None, 1.5])
def test_what_is_no_number_of_an_event_is_not_asked_for(number: object) -> None:
    collector = Collector(said(200, 0, "Success", ackId=number))
    assert delivered(lane(collector, acknowledge=True)).reason == "undeliverable"
    assert collector.asked == 0


@pytest.mark.parametrize("status", [301, 308, 400, 404, 405, 413, 415, 422])
def test_what_will_not_heal_is_a_dead_letter_at_once(status: int) -> None:
    elsewhere = {"location": "https://elsewhere.example.net/"}
    collector = Collector(*[httpx.Response(status, headers=elsewhere)] * 5)
    run = lane(collector)
    body = run.send(examples.answered())
    run.consume(6)
    (record,) = run.records()
    assert (record.action, record.reason, record.failure) == ("fail", "undeliverable", "denied")
    assert (len(collector.calls), run.dead.bodies(), run.queue.bodies()) == (1, [body], [])


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(302), "unavailable"),
        (httpx.Response(408), "unavailable"),
        (httpx.Response(429), "throttled"),
        (said(503, 9, "Server is busy"), "unavailable"),
        (httpx.ConnectError("refused"), "unavailable"),
        (httpx.ReadTimeout("half open"), "unavailable"),
        (httpx.RemoteProtocolError("cut"), "unavailable"),
    ],
)
def test_what_may_heal_is_tried_five_times_by_the_queue_then_a_dead_letter(
    answer: httpx.Response | Exception, failure: str
) -> None:
    collector = Collector(*[answer] * 5)
    run = lane(collector)
    body = run.send(examples.answered())
    run.consume(6)
    assert [record.failure for record in run.records()] == [failure] * 5
    assert (len(collector.calls), run.dead.bodies()) == (5, [body])
    run.queue.send(body)  # `penstock plugin redrive`, once the cause is mended
    run.consume()
    assert len(collector.index) == 1


def test_a_busy_collector_that_names_a_short_time_gets_the_record_after_it() -> None:
    collector = Collector(httpx.Response(429, headers={"retry-after": "2"}))
    run = lane(collector)
    assert delivered(run).action == "emit"
    assert (run.time.slept, len(collector.index)) == ([2.0], 1)


def test_a_token_that_was_changed_is_read_anew_within_the_same_try() -> None:
    collector = Collector()
    run = lane(collector)
    run.send(numbered(1))
    run.consume()
    collector.token = run.secrets.now["token"] = "0000aaaa-d822-46cc-80d1-819f80d7bfb0"
    run.send(numbered(2))
    run.consume()
    assert [record.action for record in run.records()] == ["emit", "emit"]
    assert len(collector.index) == 2
    assert TOKEN not in repr(run.records())


def test_a_token_that_expired_is_tried_by_the_queue_until_somebody_renews_it() -> None:
    collector = Collector()
    collector.token = "renewed"
    run = lane(collector)
    assert delivered(run).failure == "denied"
    run.secrets.now["token"] = "renewed"
    run.consume()
    assert [record.action for record in run.records()] == ["fail", "emit"]


@pytest.mark.parametrize("acknowledge", [False, True])
def test_an_answer_of_100_mb_is_not_read(acknowledge: bool) -> None:
    read: list[int] = []
    collector = Collector(httpx.Response(200, content=endless(read)))
    record = delivered(lane(collector, acknowledge=acknowledge))
    assert record.action == ("fail" if acknowledge else "emit")
    assert sum(read) <= (65_536 if acknowledge else 0)


def test_an_amendment_is_another_event_and_a_copy_is_the_same() -> None:
    collector = Collector()
    run = lane(collector)
    run.send(examples.answered())
    run.send(examples.answered())
    run.send(replace(examples.answered(), outcome="disconnected"), amends=True)
    run.consume()
    first, copy, amendment = collector.keys()
    assert first == copy != amendment


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"url": "https://splunk.example.com:8088/"}, "services/collector"),
        ({"url": f"{URL}?channel=x"}, "services/collector"),
        ({"url": JSON_URL, "format": "json", "acknowledge": True}, "acknowledge"),
        ({"url": URL, "acknowledge_within_s": 300}, "acknowledge_within_s"),
        ({"url": URL, "index": "a b"}, "index"),
        ({"url": "https://user:pw@splunk.example.com/services/collector"}, "url"),
        ({}, "url"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(folder_of("siem-export"), config)
