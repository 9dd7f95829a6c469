from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.anthropic.stream_guarded import GuardedStream
from penstock.dialects.anthropic.stream_progress import Progress
from penstock.dialects.sse import Parser
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage
from penstock.streams import Channel
from tests.dialects.anthropic.said import (
    END,
    START,
    begins,
    content,
    delta,
    stops,
    text,
    thinking,
    tool,
)
from tests.dialects.anthropic.streaming import (
    DENIAL,
    FIELDS,
    Dropping,
    FakeGuard,
    assembled,
    byte_by_byte,
    edited,
    events,
    everything,
    guarded,
    in_two,
)
from tests.fixtures.anthropic.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
HELD = pytest.mark.parametrize("held_chars", [0, 1, 5, 1000])


@ALL
@HELD
def test_under_a_guard_that_edits_nothing_a_stream_adds_up_to_the_same(each: Stream, held_chars: int) -> None:
    assert assembled(guarded(each.body, str, held_chars)).tree == each.unary


# Where a ping leaves before what is held, and where a block of text says something at once.
REORDERED = ("thinking", "results")


@pytest.mark.parametrize("each", [each for each in streams() if each.name not in REORDERED], ids=str)
def test_under_a_guard_that_holds_and_edits_nothing_what_leaves_is_what_came(each: Stream) -> None:
    came = [event.stripped().raw for event in Parser().feed(each.body) if event.data]
    assert guarded(each.body) == b"".join(came)


@ALL
@HELD
def test_what_leaves_adds_up_to_what_the_whole_would_have_been(each: Stream, held_chars: int) -> None:
    left = assembled(guarded(each.body, str.swapcase, held_chars))
    assert left.tree == edited(assembled(each.body), str.swapcase).tree


@ALL
def test_where_the_bytes_are_cut_changes_nothing_of_what_is_said(each: Stream) -> None:
    for line_end, step in ((b"\n", 3), (b"\r\n", 97)):
        body = each.body.replace(b"\n", line_end)
        whole = everything(GuardedStream(FakeGuard(str.swapcase, 3)), body)
        for pieces in (byte_by_byte(body), *in_two(body, step)):
            assert everything(GuardedStream(FakeGuard(str.swapcase, 3)), *pieces) == whole


@given(st.data())
def test_random_cuts_change_nothing_of_what_is_said(data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(streams()))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(each.body)), max_size=5)))
    pieces = [each.body[a:b] for a, b in zip([0, *cuts], [*cuts, len(each.body)], strict=True)]
    whole = everything(GuardedStream(FakeGuard(str.swapcase, 3)), each.body)
    assert everything(GuardedStream(FakeGuard(str.swapcase, 3)), *pieces) == whole


@ALL
def test_no_end_of_the_answer_leaves_before_the_ending_and_no_word_in_it(each: Stream) -> None:
    guarding = GuardedStream(FakeGuard(str.swapcase, 3))
    before = guarding.feed(each.body) + guarding.close()
    progress = Progress()
    for event in events(before):
        progress.read(event.tree)
        assert not progress.has_ended
    assert [event.kind for event in events(guarding.ending)] == ["message_delta", "message_stop"]


@ALL
def test_blocks_begin_and_end_one_after_the_other_and_their_numbers_count_up(each: Stream) -> None:
    numbers = []
    is_open = False
    for event in events(guarded(each.body, str.swapcase, 4)):
        if event.kind == "content_block_start":
            assert not is_open
            numbers.append(event.tree["index"])
        if event.kind.startswith("content_block"):
            assert event.tree["index"] == numbers[-1]
            is_open = event.kind != "content_block_stop"
    assert not is_open
    assert numbers == list(range(len(numbers)))


@ALL
def test_comments_and_ids_do_not_leave(each: Stream) -> None:
    assert all(event.stripped() == event and event.data for event in Parser().feed(guarded(each.body)))


@ALL
def test_a_text_that_is_held_is_nowhere_in_what_leaves_before_it_is_let_go(each: Stream) -> None:
    words = {
        word
        for block in each.unary["content"]
        for word in str(block.get("text", "")).split()
        if len(word) > 3
    }
    sent = guarded(each.body, lambda text: "~" * len(text), held_chars=100_000).decode()
    assert not [word for word in words if word in sent or json.dumps(word)[1:-1] in sent]


def test_what_is_let_go_in_its_own_time_leaves_in_an_event_of_its_own() -> None:
    guard = FakeGuard()
    guarding = GuardedStream(guard)
    guarding.feed(START + thinking("hm", index=0) + begins({"type": "text", "text": ""}, index=1))
    guarding.feed(delta("text_delta", 1, text="a"))
    [channel] = guard.seen
    assert channel == Channel(1, "text")
    guard.waiting = [(channel, "b"), (channel, "")]
    assert guarding.due() == delta("text_delta", 1, text="b")
    guard.waiting, guard.denial = [(channel, "c")], DENIAL
    assert guarding.due() == b""


def test_the_rest_of_a_text_leaves_before_its_block_stops() -> None:
    guarding = GuardedStream(FakeGuard(str.upper, held_chars=100))
    assert guarding.feed(text("ab", "c")) == text("ABC")


def test_a_text_of_which_nothing_is_left_is_an_empty_block() -> None:
    guarding = GuardedStream(FakeGuard(lambda _text: ""))
    assert guarding.feed(text("ab", "c")) == begins({"type": "text", "text": ""}) + stops()


def test_a_use_of_a_tool_leaves_whole_when_its_input_is() -> None:
    guard = FakeGuard()
    guarding = GuardedStream(guard)
    body = tool("", '{"who":"ja', 'ne"}')
    assert guarding.feed(body[: -len(stops())]) == b""
    assert guarding.feed(stops()) == body
    assert [each.texts(FIELDS[2]).texts for each in guard.wholes[:1]] == [("jane",)]
    sent = GuardedStream(FakeGuard(str.upper)).feed(body)
    assert sent == tool('{"who":"JANE"}')


def test_thinking_leaves_with_its_seal_or_not_at_all_and_what_follows_moves_up() -> None:
    body = thinking("ask jane") + text("hi", index=1) + tool("{}", index=2)
    guarding = GuardedStream(FakeGuard(lambda text: text.replace("jane", "J")))
    assert guarding.feed(START + body) == START + text("hi") + tool("{}", index=1)
    assert GuardedStream(FakeGuard()).feed(START + body) == START + body


def test_thinking_without_a_seal_is_edited_like_any_text() -> None:
    assert content(GuardedStream(FakeGuard(str.upper)).feed(thinking("ask", signature=""))) == [
        {"type": "thinking", "thinking": "ASK", "signature": ""}
    ]


def test_no_piece_of_a_thought_leaves_while_it_may_still_be_edited() -> None:
    guarding = GuardedStream(FakeGuard(lambda text: text.replace("jane", "J")))
    sealed = thinking("ask ja")[: -len(stops()) - len(delta("signature_delta", signature="EqQB"))]
    assert guarding.feed(sealed + delta("thinking_delta", thinking="ne")) == b""
    assert guarding.feed(delta("signature_delta", signature="EqQB") + stops()) == b""


def test_input_that_is_no_json_is_one_text_and_unseen_when_it_has_escapes() -> None:
    guard = FakeGuard(str.upper)
    cut = tool('{"who":"ja')
    assert GuardedStream(guard).feed(cut) == tool('{"WHO":"JA')
    assert [each.unseen for each in guard.admitted if each.surface == "anthropic:messages"] == [()]
    for odd in ('{"n":"\\u0034\\u', '{"a":1,"a":"\\u0034"}', '{"a":NaN,"b":"\\u0034"}'):
        guard = FakeGuard()
        assert GuardedStream(guard).feed(tool(odd)) == tool(odd)
        kinds = [each.kind for content in guard.admitted for each in content.unseen]
        assert kinds == ["unlisted"]


HELD_BLOCK = {"type": "compaction", "content": None, "encrypted_content": None}


@pytest.mark.parametrize(
    "body",
    [
        begins({"type": "tool_use", "id": "t", "name": "f", "input": {"a": "hidden"}})
        + delta("input_json_delta", partial_json="{}"),
        begins({"type": "tool_use", "id": "t", "name": "f", "input": {}}, x="hidden"),
        begins({"type": "tool_use", "id": "t", "name": "f", "input": {}, "x": "hidden"}),
        begins(HELD_BLOCK)
        + delta("compaction_delta", content="hidden")
        + delta("compaction_delta", content="s"),
        begins(HELD_BLOCK) + delta("tomorrow_delta", said=["hidden"]),
        begins(HELD_BLOCK) + delta("compaction_delta", x="hidden"),
        begins(HELD_BLOCK) + delta("text_delta", text="hidden"),
        begins(HELD_BLOCK) + delta("thinking_delta", thinking="hidden"),
        begins(HELD_BLOCK) + delta("text_delta", text={"a": "hidden"}),
        begins(HELD_BLOCK) + delta("citations_delta", citation="hidden"),
        begins(HELD_BLOCK) + delta("input_json_delta", partial_json='["hidden"]'),
        begins(HELD_BLOCK)
        + written(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "compaction_delta"},
                "x": ["hidden"],
            }
        ),
        written({"type": "content_block_start", "index": 0, "content_block": ["hidden"]}),
        begins({"type": "text", "text": "", "x": "hidden"}),
        begins({"type": "text", "text": ""}) + delta("tomorrow_delta", said="hidden"),
        begins({"type": "text", "text": ""}) + delta("text_delta", text="a", x="hidden"),
        written({"type": "tomorrow", "said": "hidden"}) + begins(HELD_BLOCK),
    ],
)
def test_whatever_an_event_says_is_a_text_or_unseen(body: bytes) -> None:
    guard = FakeGuard()
    sent = GuardedStream(guard).feed(START + body + stops())
    assert b"hidden" in sent
    unseen = [each for content in guard.admitted for each in content.unseen]
    texts = [text for each in guard.wholes for field in FIELDS for text in each.texts(field).texts]
    assert {each.kind for each in unseen} == {"unlisted"} or "hidden" in texts, unseen
    assert b"hidden" not in GuardedStream(Dropping(change=lambda text: text.replace("hidden", ""))).feed(
        START + body + stops()
    )


def test_a_citation_is_seen_whole_and_dropped_with_what_cannot_be_seen() -> None:
    cited = {"type": "web_search_result_location", "cited_text": "Jane", "url": "u", "title": "t"}
    sealed = {**cited, "encrypted_index": "Eo8B"}
    body = begins({"type": "text", "text": ""})
    body += delta("citations_delta", citation=sealed) + delta("citations_delta", citation=cited) + stops()
    assert content(GuardedStream(FakeGuard(str.upper)).feed(body))[0]["citations"] == [
        {**each, "cited_text": "JANE", "url": "U", "title": "T"} for each in (sealed, cited)
    ]
    assert content(GuardedStream(Dropping()).feed(body))[0]["citations"] == [cited]


@ALL
@pytest.mark.parametrize("hidden", FIELDS)
def test_what_a_guard_drops_does_not_leave(each: Stream, hidden: str) -> None:
    left = assembled(everything(GuardedStream(Dropping(hidden)), each.body))
    assert left.unseen == ()
    assert not [text for text in left.texts(hidden).texts if text]
    others = [field for field in FIELDS if field != hidden]
    whole = assembled(each.body)
    whole = whole.without(whole.unseen)
    if each.name == "results":
        return  # its results go with their files, and a use that has left stays
    for field in others:
        assert left.texts(field).texts == whole.texts(field).texts


def test_an_answer_that_begins_with_words_is_not_edited() -> None:
    begun = {"type": "message_start", "message": {"content": [{"type": "text", "text": "jane"}]}}
    guarding = GuardedStream(FakeGuard())
    assert guarding.feed(written(begun) + text("a")) == written(begun) + text("a", index=1)
    [event] = events(written(begun))
    assert event.texts(FIELDS[0]).texts == ("jane",)
    with pytest.raises(ValueError, match="begun with words"):
        FakeGuard(str.upper).whole(event)


def test_what_is_held_is_bounded() -> None:
    for body, what in (
        (tool(*["x" * 50] * 100), "one block"),
        (END + written({"type": "ping"}) * 100, "the end"),
    ):
        guarding = GuardedStream(FakeGuard(), max_held_bytes=1000)
        with pytest.raises(UpstreamError, match=what) as caught:
            guarding.feed(body)
        assert caught.value.outcome == "too_large"


def test_tokens_are_known_as_they_come() -> None:
    assert GuardedStream(FakeGuard()).usage is None
    guarding = GuardedStream(FakeGuard())
    guarding.feed(START)
    before = guarding.usage
    guarding.feed(END)
    assert (before, guarding.usage) == (Usage(3, 0, 0, 0), Usage(3, 1, 0, 0))


def test_an_edited_event_keeps_what_nobody_edited() -> None:
    said = b'{"delta":{"text" : "a", "type":"text_delta"}, "index":0, "type":"content_block_delta", "x": 1.0}'
    body = b"event: content_block_delta\ndata: " + said + b"\n\n"
    guarding = GuardedStream(FakeGuard(str.upper))
    begun = begins({"type": "text", "text": ""})
    assert guarding.feed(begun + body) == begun + body.replace(b'"a"', b'"A"')


def test_the_list_of_streams_is_in_order() -> None:
    assert len({each.name for each in streams()}) == len(streams())
    assert all(each.proves.endswith(".") for each in streams())
    assert stream("text").body.startswith(b"event: message_start")
