from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.errors import ConfigurationError
from penstock.evidence.record import EvidenceRecord
from penstock.sdk.testing import Harness, harness
from tests import tree
from tests.evidence import examples
from tests.plugins.audit_export.receiver import Receiver
from tests.plugins.every_door import DEPLOYMENT, folder_of, stanza
from tests.plugins.exporting import Lane, noting
from tests.plugins.siem_export.collector import endless

URL = "https://recommender.example.com/signals"
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW_SECRET = "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW_S = 1_700_000_000
TOPICS = [
    {"name": "billing", "words": ["invoice", "refund"]},
    {"name": "shipping", "words": ["parcel", "lost in the mail"]},
    {"name": "contract", "words": ["terms"]},
    {"name": "hiring", "words": ["job"]},
]


def noter(**config: Any) -> Harness:
    return harness(folder_of("topic-signals"), {"topics": TOPICS, **config})


def lane(receiver: httpx.BaseTransport, secret: str = SECRET) -> Lane:
    run = Lane("topic-signals", {"topics": TOPICS, "url": URL}, {"signing_key": secret}, receiver)
    run.loaded.plugin.clock = lambda: NOW_S  # type: ignore[attr-defined]  # the plugin's own
    return run


def about(**recorded: float | str) -> EvidenceRecord:
    """A request in whose record the plugin has left this."""
    return noting(examples.answered(), "topic-signals", recorded)


def told(run: Lane, record: EvidenceRecord) -> str:
    run.send(record)
    run.consume()
    return run.records()[-1].action


def test_what_a_talk_is_about_is_noted_the_most_first_and_no_word_of_it() -> None:
    request: Any = {"user": ["a job", "My parcel was lost in the mail."]}
    result = noter().after(request=request, text=["Refund the invoice?", "REFUND, by our terms."])
    assert result.recorded == {
        "topics": 3,
        "topic": "billing",
        "matches": 3,
        "second_topic": "shipping",
        "second_matches": 2,
        "third_topic": "contract",
        "third_matches": 1,
    }
    assert (result.action, result.refused) == ("record", ())


def test_what_was_said_before_counts_only_where_the_operator_says_so() -> None:
    request: Any = {"user": ["a job", "hello"]}
    assert noter().after(request=request, text="hi").recorded == {}
    assert noter(history=True).after(request=request, text="hi").recorded["topic"] == "hiring"


def test_messages_of_mcp_are_about_something_too() -> None:
    result = noter().after(request={"mcp_arguments": ["job"]}, mcp_result=["parcel invoice", "parcel"])
    assert (result.recorded["topic"], result.recorded["second_topic"]) == ("shipping", "billing")
    assert result.recorded["topics"] == 2, "what is asked would count again with each message of an answer"


def test_a_topic_that_is_hardly_spoken_of_may_not_count() -> None:
    assert noter(least_matches=2).after(text="refund invoice job").recorded == {
        "topics": 1,
        "topic": "billing",
        "matches": 2,
    }


def test_more_than_is_to_be_read_is_left_and_told() -> None:
    result = noter(max_chars=1_000).after(request={"user": "job"}, text="x " * 600 + "refund")
    assert result.recorded == {"unread_chars": 209}


def test_with_a_smaller_grant_it_reads_what_there_is() -> None:
    without = ["response.text", "response.mcp.result"]
    run = harness(folder_of("topic-signals"), {"topics": TOPICS}, without=without)
    assert run.after(request={"user": "job"}, text="refund").recorded["topic"] == "hiring"


def test_topics_are_told_rightly_signed() -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    run = lane(receiver)
    assert told(run, about(topics=1, topic="billing", matches=2)) == "emit"
    assert receiver.problem is None
    ((message_id, body),) = receiver.taken.items()
    assert message_id.startswith(f"msg_{examples.REQUEST_ID}_topic-signals_")
    assert body["data"]["topics"] == [{"topic": "billing", "matches": 2}]
    assert run.records()[0].recorded == {"sent_topics": 1}


def test_a_talk_about_nothing_is_nobody_s_business() -> None:
    receiver = Receiver(SECRET)
    run = lane(receiver)
    assert told(run, about(topics=0)) == told(run, examples.blocked()) == "record"
    assert receiver.calls == []


def test_without_an_address_topics_are_a_dead_letter_at_once() -> None:
    run = Lane("topic-signals", {"topics": TOPICS}, {"signing_key": SECRET}, Receiver(SECRET))
    assert told(run, about(topic="billing", matches=1)) == "fail"
    assert run.records()[0].reason == "undeliverable"


@pytest.mark.parametrize("status", [301, 308, 400, 404, 410, 413])
def test_what_will_not_heal_is_a_dead_letter_at_once(status: int) -> None:
    receiver = Receiver(SECRET, *[status] * 5, now_s=NOW_S)
    receiver.headers = {"location": "https://elsewhere.example.net/"}
    run = lane(receiver)
    assert told(run, about(topic="billing", matches=1)) == "fail"
    run.consume(5)
    assert [record.reason for record in run.records()] == ["undeliverable"]
    assert (len(receiver.calls), len(run.dead.bodies())) == (1, 1)


@pytest.mark.parametrize("status", [302, 429, 500, 503])
def test_what_may_heal_is_tried_by_the_queue(status: int) -> None:
    receiver = Receiver(SECRET, status, status, now_s=NOW_S)
    run = lane(receiver)
    assert told(run, about(topic="billing", matches=1)) == "fail"
    run.consume(3)
    assert [record.action for record in run.records()] == ["fail", "fail", "emit"]
    assert len(receiver.taken) == 1


def test_a_key_that_was_changed_is_read_anew_within_the_same_try() -> None:
    receiver = Receiver(SECRET, now_s=NOW_S)
    run = lane(receiver)
    run.secrets.get("signing_key")
    run.secrets.now["signing_key"] = NEW_SECRET
    run.receiver = renewed = Receiver(NEW_SECRET, now_s=NOW_S)
    run.new_environment()
    run.loaded.plugin.clock = lambda: NOW_S  # type: ignore[attr-defined]  # the plugin's own
    assert told(run, about(topic="billing", matches=1)) == "emit"
    assert (len(renewed.calls), len(renewed.taken)) == (2, 1)


def test_an_answer_of_100_mb_is_not_read() -> None:
    read: list[int] = []
    receiver = Receiver(SECRET, now_s=NOW_S)
    receiver.body = endless(read)
    assert told(lane(receiver), about(topic="billing", matches=1)) == "emit"
    assert read == []


def test_where_it_only_notes_it_runs_in_the_gateway_s_process() -> None:
    written = stanza("topic-signals")
    for line in ("url = ", "hosts = ", "secrets = "):
        written = "\n".join(each for each in written.split("\n") if not each.startswith(line))
    written = written.replace(
        '[plugin.grant.after_response]\nreads = ["evidence"]\neffects = ["emit", "record"]\n', ""
    )
    for text, host in ((stanza("topic-signals"), "function"), (written, "in_process")):
        source = parse_gateway_file((DEPLOYMENT + text).encode(), tree.ROOT / "gateway.toml")
        (placement,) = compile_file(source).snapshot.placements["after_upstream"]
        assert (placement.host, placement.style, placement.on_error) == (host, "independent", "allow")
        assert placement.records["topic"].values == ("billing", "cancellation")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "topics"),
        ({"topics": []}, "topics"),
        ({"topics": [TOPICS[0], TOPICS[0]]}, "same name"),
        ({"topics": [{"name": "a", "words": []}]}, "words"),
        ({"topics": [{"name": "a", "words": ["!"]}]}, "0 words"),
        ({"topics": [{"name": "a", "words": ["a b c d e f g h i"]}]}, "9 words"),
        ({"topics": [{"name": "A sentence.", "words": ["a"]}]}, "name"),
        ({"topics": TOPICS, "url": "ftp://x.example.com"}, "url"),
        ({"topics": TOPICS, "max_chars": 0}, "max_chars"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(folder_of("topic-signals"), config)
