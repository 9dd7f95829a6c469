from __future__ import annotations

import json
from typing import Any, cast

import pytest

from penstock.content import Content, Unseen
from penstock.dialects.openai.stream import FinishPart
from penstock.dialects.openai.stream_guarded import GuardedStream
from penstock.dialects.sse import encode
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from penstock.streams import Channel, ContentT
from tests.dialects.openai.streaming import (
    DENIAL,
    FIELDS,
    FakeGuard,
    assembled,
    calls,
    chunks,
    everything,
    says,
    text_parts,
)
from tests.fixtures.openai.streams import stream

DONE = encode("[DONE]")
CONTENT = Channel(0, "content")
LOGPROBS = {"content": [{"token": "x", "logprob": -1.5}], "refusal": None}


def message(sent: bytes) -> Any:
    return assembled(sent).response().tree["choices"][0]["message"]


def test_a_chunk_whose_text_leaves_at_once_is_the_bytes_that_came() -> None:
    body = b'data: { "choices":[ {"index":0, "delta":{ "content" : "\\u0061b" }, "x": 1.0} ] }\n\n'
    assert GuardedStream(FakeGuard()).feed(b": note\n\n" + body) == body


def test_what_is_let_go_in_its_own_time_leaves_in_a_chunk_of_its_own() -> None:
    guard = FakeGuard()
    guarding = GuardedStream(guard)
    guarding.feed(says("a", delta={"role": "assistant"}))
    assert guarding.due() == b""
    guard.waiting = [(CONTENT, "b"), (CONTENT._replace(choice=1), "c"), (CONTENT, "")]
    assert [part.text for part in text_parts(guarding.due())] == ["b", "c"]
    guard.waiting, guard.denial = [(CONTENT, "d")], DENIAL
    assert guarding.due() == b""


def test_the_thoughts_end_when_the_words_begin() -> None:
    guard = FakeGuard(str.upper, held_chars=100)
    everything(GuardedStream(guard), stream("thoughts_and_words_by_turns").body)
    thinking = Channel(0, "content.thinking")
    assert guard.ended == [thinking, CONTENT, thinking._replace(entry=1), CONTENT._replace(entry=1)]
    assert list(guard.seen.values()) == ["Who is Jane?", "Wait a bit.", "A cat.", "Jane is a cat."]


def test_reasoning_beside_the_text_ends_with_its_choice_alone() -> None:
    guard = FakeGuard(held_chars=100)
    guarding = GuardedStream(guard)
    guarding.feed(says(delta={"reasoning": "a"}) + says("b") + says(delta={"reasoning": "c"}))
    assert guard.ended == []
    assert guard.seen == {Channel(0, "reasoning"): "ac", CONTENT: "b"}


def test_calls_leave_whole_with_the_end_of_their_choice_and_not_before() -> None:
    guarding = GuardedStream(FakeGuard(str.upper))
    fragments = [calls('{"who":"ja', "{"), calls('ne"}', "}"), calls('{"b":1}', index=1)]
    assert guarding.feed(b"".join(fragments)) == b""
    [first, second, end] = chunks(guarding.feed(says(reason="tool_calls")))
    assert first.texts("response.tool_calls").texts == ('{"who":"JANE"}',)
    assert second.texts("response.tool_calls").texts == ("{}",)
    assert end.parts == (FinishPart(0, "tool_calls"),)
    assert [chunk.texts("response.tool_calls").texts for chunk in chunks(guarding.feed(DONE))] == [
        ('{"b":1}',)
    ]


def test_what_nobody_ended_leaves_when_the_stream_is_done() -> None:
    guarding = GuardedStream(FakeGuard(held_chars=9))
    assert guarding.feed(says("ab") + calls("{}")) == b""
    sent = guarding.feed(DONE)
    assert message(sent)["content"] == "ab"
    assert message(sent)["tool_calls"] == [{"function": {"arguments": "{}"}}]
    assert (guarding.close(), guarding.ending) == (b"", DONE)


def test_a_choice_that_ended_early_goes_on_no_more() -> None:
    guarding = GuardedStream(FakeGuard())
    guarding.feed(says("a") + says("b", index=1) + says(reason="stop"))
    for more in (says("c"), calls("{}"), says(delta={"reasoning": "d"})):
        with pytest.raises(UpstreamError, match="goes on with a choice that has ended") as caught:
            guarding.feed(more)
        assert caught.value.outcome == "malformed"
    role = says(delta={"role": "assistant", "content": ""})
    assert guarding.feed(role) == role


@pytest.mark.parametrize("held_chars", [0, 1000])
def test_what_repeats_a_text_leaves_after_it_when_it_was_not_edited(held_chars: int) -> None:
    guarding = GuardedStream(FakeGuard(held_chars=held_chars))
    note = {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"},
    }
    said = {"parsed": {"a": 1}, "annotations": [note], "audio": {"id": "i", "data": "UklG"}}
    before = guarding.feed(says("x", logprobs=LOGPROBS, delta=said))
    assert all(word not in before for word in (b"token", b"parsed", b"url", b"UklG"))
    choice = assembled(before + guarding.feed(says(reason="stop") + DONE)).response().tree["choices"][0]
    assert choice["logprobs"] == LOGPROBS
    assert choice["message"] == {"role": "assistant", "content": "x", **said}


@pytest.mark.parametrize(
    "edited_part",
    [
        says("Jane"),
        calls('{"who":"Jane"}'),
        says(delta={"reasoning": "Jane"}),
        says(delta={"annotations": [{"url_citation": {"title": "Jane", "start_index": 1}}]}),
    ],
)
def test_what_repeats_a_text_stays_away_when_anything_of_its_choice_was_edited(edited_part: bytes) -> None:
    pointing = {"url_citation": {"start_index": 0, "end_index": 1, "title": "T", "url": "U"}}
    pointless = {"url_citation": {"title": "T", "url": "U"}}
    said = {"parsed": {"a": "Jane"}, "annotations": [pointing, pointless], "audio": {"data": "UklG"}}
    guarding = GuardedStream(FakeGuard(lambda text: text.replace("Jane", "J")))
    body = says(logprobs=LOGPROBS, delta=said) + edited_part + says(reason="stop") + DONE
    choice = assembled(everything(guarding, body)).response().tree["choices"][0]
    assert choice["logprobs"] is None
    assert choice["message"]["annotations"] == [pointless]
    assert choice["message"]["audio"] == {"data": ""}
    assert "parsed" not in choice["message"]


def test_the_prompts_tokens_stay_away_once_anything_was_edited() -> None:
    guarding = GuardedStream(FakeGuard(lambda text: text.replace("Jane", "J")))
    first, second = says("a", prompt_logprobs=[None]), says("b", prompt_logprobs=[None])
    assert guarding.feed(first) == first
    assert guarding.feed(says("Jane", index=1) + second).endswith(b'"prompt_logprobs": null}\n\n')


def test_what_repeats_a_text_of_another_choice_is_not_touched() -> None:
    guarding = GuardedStream(FakeGuard(lambda text: text.replace("Jane", "J")))
    body = says("Jane", logprobs=LOGPROBS) + says("x", index=1, logprobs=LOGPROBS) + DONE
    first, second = assembled(everything(guarding, body)).response().tree["choices"]
    assert (first["logprobs"], second["logprobs"]) == (None, LOGPROBS)


def test_what_repeats_a_text_is_dropped_when_there_is_too_much_of_it() -> None:
    guarding = GuardedStream(FakeGuard(), max_held_bytes=500)
    body = says("x", logprobs=LOGPROBS) * 50 + says("y", index=1, logprobs=LOGPROBS) + DONE
    first, second = assembled(everything(guarding, body)).response().tree["choices"]
    assert (first["message"]["content"], first["logprobs"]) == ("x" * 50, None)
    assert second["logprobs"] == LOGPROBS


class Dropping(FakeGuard):
    """Sees no reasoning, and takes out what it cannot see."""

    def admit(self, content: ContentT) -> ContentT:
        unseen: list[Unseen] = list(content.unseen)
        kept: Content = content.without(unseen) if unseen else content
        kept = kept.without_field(FIELDS[1]) if FIELDS[1] in kept.present else kept
        return cast("ContentT", kept)


def test_what_a_guard_drops_does_not_leave_and_neither_does_what_repeats_it() -> None:
    guard = Dropping()
    first = says("a", x="hidden", logprobs=LOGPROBS)
    body = first + says(delta={"reasoning": "Jane"}, x_note="Jane") + says("b", "stop") + DONE
    tree = assembled(everything(GuardedStream(guard), body)).response().tree
    [choice] = tree["choices"]
    assert "x_note" not in tree
    assert "x" not in choice
    assert choice["message"] == {"role": "assistant", "content": "ab"}
    assert choice["logprobs"] is None
    assert guard.seen == {CONTENT: "ab"}


def test_a_call_that_is_denied_never_leaves_nor_anything_with_it() -> None:
    guard = FakeGuard(blocked="Jane")
    guarding = GuardedStream(guard)
    sent = guarding.feed(says("a") + calls('{"who":"Ja') + calls('ne"}') + says("b", index=1))
    assert b"who" not in sent
    assert guarding.feed(says("c", "tool_calls", logprobs=LOGPROBS)) == b""
    assert guard.denial is DENIAL


class LateDenying(FakeGuard):
    """Denies at the end of a text, or a chunk with a note."""

    def admit(self, content: ContentT) -> ContentT:
        self.denial = DENIAL if content.unseen else None
        return content

    def text(self, channel: Channel, field: str, text: str) -> str:
        assert self.denial is None
        return super().text(channel, field, text)

    def end(self, channel: Channel) -> str:
        self.denial = DENIAL
        return ""

    def whole(self, content: ContentT) -> ContentT:
        raise AssertionError("it was asked after it had denied")


@pytest.mark.parametrize(
    "last", [says(reason="stop") + says(index=1, reason="stop") + DONE, says("c", x="d")]
)
def test_who_has_denied_is_shown_nothing_more(last: bytes) -> None:
    guarding = GuardedStream(LateDenying())
    assert guarding.feed(says("a") + calls("{}") + says("b", index=1))
    assert guarding.feed(last) == b""
    assert guarding.close() == guarding.ending == b""


def test_text_that_leaves_before_its_chunk_says_of_the_whole_what_the_chunk_says() -> None:
    sent = chunks(GuardedStream(FakeGuard()).feed(says("a", "stop", system_fingerprint="fp")))
    assert [(chunk.tree["id"], chunk.tree["system_fingerprint"]) for chunk in sent] == [("c", "fp")]


def test_what_came_before_a_malformed_event_leaves_however_the_bytes_are_cut() -> None:
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(says("a") + b"data: {\n\n" + says("b")) == says("a")
    for step in (guarding.due, guarding.close, lambda: guarding.feed(DONE)):
        with pytest.raises(UpstreamError, match="strict JSON") as caught:
            step()
        assert caught.value.outcome == "malformed"
    with pytest.raises(UpstreamError, match="strict JSON"):
        GuardedStream(FakeGuard()).feed(b"data: {\n\n")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (says("a"), "cut"),
        (b"", "cut"),
        (says("a", "stop") + says("b", index=1), "cut"),
        (says("a") + says("b", "stop")[:-9], "cut"),
        (says(delta={"content": "\ud83d"}) + says(reason="stop"), "malformed"),
    ],
)
def test_a_stream_that_ends_too_early_is_the_upstreams_failure(body: bytes, outcome: str) -> None:
    guarding = GuardedStream(FakeGuard(held_chars=100))
    guarding.feed(body)
    with pytest.raises(UpstreamError) as caught:
        guarding.close()
    assert caught.value.outcome == outcome


def test_the_halves_of_a_character_are_one_text_to_a_guard() -> None:
    guard = FakeGuard()
    body = says("a\ud83d") + says("\ude00b", "stop") + DONE
    sent = everything(GuardedStream(guard), body)
    assert guard.seen == {CONTENT: "a\U0001f600b"}
    assert message(sent)["content"] == "a\U0001f600b"
    assert chunks(sent)[0].texts(FIELDS[0]).texts == ("a",)


@pytest.mark.parametrize("reason", ["error", None])
def test_an_upstream_that_fails_has_said_all_it_said_before_that(reason: str | None) -> None:
    guarding = GuardedStream(FakeGuard(str.upper, held_chars=1))
    assert guarding.feed(says("a") + calls("{}")) == b""
    sent = guarding.feed(says("b", reason, error={"message": "jane"}))
    assert message(sent)["content"] == "AB"
    assert chunks(sent)[-1].tree["error"] == {"message": "JANE"}
    assert (guarding.has_failed, guarding.close(), guarding.ending) == (True, b"", b"")


def test_a_usage_chunk_that_the_caller_did_not_ask_for_is_read_and_not_sent() -> None:
    body = stream("usage_chunk").body
    guarding = GuardedStream(FakeGuard(), hide_usage=True)
    sent = everything(guarding, body)
    assert guarding.usage == Usage(9, 6, 4, 2)
    assert "usage" not in assembled(sent).response().tree or assembled(sent).response().tree["usage"] is None


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (calls("x" * 50), "calls"),
        (encode('{"choices":[],"x_vendor":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}'), "after the end"),
    ],
)
def test_what_is_held_is_bounded(more: bytes, what: str) -> None:
    guarding = GuardedStream(FakeGuard(), max_held_bytes=1000)
    guarding.feed(says("a", None if what == "calls" else "stop"))
    with pytest.raises(UpstreamError, match=what) as caught:
        [guarding.feed(more) for _ in range(100)]
    assert caught.value.outcome == "too_large"


def test_what_was_kept_is_counted_anew_when_it_has_left() -> None:
    guarding = GuardedStream(FakeGuard(), max_held_bytes=500)
    for _ in range(100):
        guarding.feed(says("x", "stop"))
    assert guarding.close() == b""


def chunk(*choices: Any) -> bytes:
    return encode(json.dumps({"choices": list(choices)}))


@pytest.mark.parametrize(
    "said",
    [
        chunk({"index": 1.0, "delta": {"content": "!"}}),
        chunk({"index": -1, "delta": {"content": "!"}}),
        chunk({"index": True, "delta": {"content": "!"}}),
        chunk({"index": 0, "delta": {"content": 4111}}),
        chunk({"index": 0, "delta": {"reasoning_details": [{"index": 0.0, "text": "!"}]}}),
        chunk({"index": 0, "delta": {"reasoning_details": [{"index": 0, "text": 4111}]}}),
    ],
)
def test_a_chunk_that_clients_read_in_more_than_one_way_is_the_upstreams_failure(said: bytes) -> None:
    guarding = GuardedStream(FakeGuard())
    guarding.feed(says("a"))
    with pytest.raises(UpstreamError, match="read differently") as caught:
        guarding.feed(said)
    assert caught.value.outcome == "malformed"


def test_a_text_that_stands_whole_in_its_chunk_does_not_come_in_pieces() -> None:
    guarding = GuardedStream(FakeGuard())
    whole, another = (chunk({"index": number, "delta": {"context": {"intent": "a"}}}) for number in (0, 1))
    assert guarding.feed(whole + another).count(b"intent") == 2
    with pytest.raises(UpstreamError, match="in pieces"):
        guarding.feed(whole)


def test_an_answer_is_no_longer_than_a_unary_one() -> None:
    guarding = GuardedStream(FakeGuard(), max_chars=3)
    guarding.feed(says("abc"))
    with pytest.raises(UpstreamError, match="larger than 3 characters") as caught:
        guarding.feed(says("d"))
    assert caught.value.outcome == "too_large"


def test_what_was_kept_for_the_end_leaves_before_a_choice_that_begins_without_a_word() -> None:
    ends = says("", "stop")
    begins = says(index=1, delta={"role": "assistant"})
    stream = GuardedStream(FakeGuard())
    assert stream.feed(says("b") + ends + begins) == says("b") + ends + begins
