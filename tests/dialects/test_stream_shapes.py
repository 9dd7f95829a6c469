"""What goes the short way leaves, and is shown to a guard, as it would by the long one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import stream_shapes
from penstock.dialects.openai.dialect import OpenAI
from penstock.dialects.openai.stream_chunk import Chunk
from penstock.dialects.splicing import Put
from penstock.dialects.sse import Event, encode
from penstock.dialects.stream_event import EventContent
from penstock.dialects.stream_shapes import Shapes
from penstock.errors import UpstreamError
from penstock.streams import Channel
from tests.dialects.openai.streaming import FakeGuard
from tests.dialects.spoken import EVERY_STREAM, SPOKEN, Spoken

AT = ("choices", 0, "delta", "content")
CONTENT = Channel(0, "content")


def data(text: str, more: str = "") -> str:
    return f'{{"id":"c","choices":[{{"index":0,"delta":{{"content":{text}}}{more}}}]}}'


def event(said: str, head: str = "data: ") -> Event:
    return Event(f"{head}{said}\n\n".encode(), None, said)


def shapes(said: str) -> Shapes[Chunk]:
    made: Shapes[Chunk] = Shapes()
    made.learn(Chunk.decode(event(said)), AT, CONTENT, "response.text")
    return made


def said(first: str, then: Event) -> list[str]:
    return [found.text for shape in shapes(first) if (found := shape.said(then)) is not None]


@pytest.mark.parametrize("text", ['"b"', '"a \\"b\\" \\\\"', '"\\u00e9 é \\ud83d\\ude00"', '"\U0001f600\\n"'])
def test_an_event_that_differs_in_its_text_alone_is_known(text: str) -> None:
    assert said(data('"a"'), event(data(text))) == [json.loads(text)]


@pytest.mark.parametrize(
    "other",
    [
        event(data('"b"', ',"logprobs":{}')),
        event(data('"b","refusal":"c"')),
        event(data('"b","role":"x"')),
        event(data('"b"').replace('"id":"c"', '"id":"d"')),
        event(data('"b"').replace('"index":0', '"index":1')),
        event(data('""')),
        event(data("null")),
        event(data('["b"]')),
        event(data('"b"') + " "),
        event(data('"b\\ud83d"')),
        event(data('"\ufffd"')),
        event(data('"b\t"')),
        event(data('"b'))._replace(data='{"id":"c","choices":[{"index":0,"delta":{"content":"b'),
        event(data('"b"'), "data:"),
        event(data('"b"'), "event: x\ndata: "),
        event(data('"b"'))._replace(data=None),
        Event(f"data: {data('1')}".encode(), None, data('"b"'), is_complete=False),
    ],
    ids=range(17),
)
def test_whatever_else_differs_goes_the_long_way(other: Event) -> None:
    assert said(data('"a"'), other) == []


def padded(padding: str, more: str = "") -> str:
    return data('"a"')[:-1] + f'{more},"obfuscation":"{padding}"}}'


def test_padding_may_be_any_token_where_it_pads() -> None:
    assert said(padded("x9"), event(padded("Yz.1"))) == ["a"]
    for first, then in [
        (padded("x9"), padded("not a token")),
        (padded("x9"), padded("a\\u0062")),
        (padded("z", ',"y":{"obfuscation":"x"}'), padded("z", ',"y":{"obfuscation":"other"}')),
        (data('"a"', ',"obfuscation":"x"'), data('"a"', ',"obfuscation":"y"')),
    ]:
        assert said(first, event(then)) == []


def test_another_text_is_framed_as_the_long_way_frames_it() -> None:
    [shape] = shapes(padded("x"))
    came = Chunk.decode(event(padded("yy")))
    long_way = came.spliced([Put(AT, 'b \u2028 "é"')]).framed()
    found = shape.said(came.event)
    assert found is not None
    assert shape.framed('b \u2028 "é"', found.after) == long_way


def test_a_stream_whose_events_are_never_alike_is_not_learned_for_ever() -> None:
    made: Shapes[Chunk] = Shapes()
    for number in range(100):
        one = data('"a"').replace('"c"', f'"c{number}"')
        made.learn(Chunk.decode(event(one)), AT, CONTENT, "response.text")
    assert len(list(made)) == 4
    assert "c31" in next(iter(made)).content.text


TEXTS = st.sampled_from(["a", "bb ", "C\\u00e9", "\\ud83d\\ude00", "é\U0001f600", '\\"', "", "\u2028", "zz"])
VARIANTS = (
    "{text}",
    '{text},"refusal":null',
    '{text},"role":"assistant"',
    '{text},"annotations":[]',
    '{text},"reasoning":"hm"',
    'null,"reasoning_content":{text}',
)
MORE = (
    *("", ',"logprobs":null', ',"logprobs":{"content":[]}'),
    *(',"finish_reason":null', ',"finish_reason":"stop"'),
)


@st.composite
def chunks(draw: st.DrawFn) -> bytes:
    """Streams in which most chunks are alike, some not, of one choice or two by turns."""
    lines = []
    for _ in range(draw(st.integers(1, 14))):
        variant = draw(st.sampled_from([VARIANTS[0]] * 6 + list(VARIANTS)))
        more = draw(st.sampled_from([MORE[1]] * 8 + list(MORE)))
        text = '"' + draw(TEXTS) + '"'
        padding = draw(st.sampled_from(["", ',"obfuscation":"x"', ',"obfuscation":"yy z"']))
        index = draw(st.sampled_from([0, 0, 0, 1]))
        one = f'{{"index":{index},"delta":{{"content":{variant.replace("{text}", text)}}}{more}}}'
        lines.append(f'data: {{"id":"c","choices":[{one}]{padding}}}\n\n')
    lines.append(draw(st.sampled_from(["data: [DONE]\n\n", ""])))
    return "".join(lines).encode()


def outcome(body: bytes, guard: FakeGuard, size: int) -> tuple[list[bytes], object]:
    """What left with each piece, and how it ended."""
    guarded = OpenAI().streaming(guard)
    left: list[bytes] = []
    try:
        left.extend(guarded.feed(body[at : at + size]) for at in range(0, len(body), size))
        left += [guarded.close(), guarded.ending]
    except UpstreamError as error:
        return left, (error.outcome, guard.seen, guard.denial)
    return left, (guarded.usage, guard.seen, guard.denial)


def both_ways(body: bytes, held_chars: int, change: type[str] = str, size: int = 1000) -> None:
    short = outcome(body, FakeGuard(change, held_chars, blocked="zzzz"), size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream_shapes, "_MAX_LEARNED", 0)
        assert outcome(body, FakeGuard(change, held_chars, blocked="zzzz"), size) == short


@given(chunks(), st.sampled_from([0, 3, 1000]), st.sampled_from([str, str.swapcase]), st.integers(1, 400))
def test_both_ways_lead_to_the_same(body: bytes, held_chars: int, change: type[str], size: int) -> None:
    both_ways(body, held_chars, change, size)


THOUGHT = '[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]'
STOP = ',"finish_reason":"stop"'
OTHER = data('"c"').replace('"index":0', '"index":1')


@pytest.mark.parametrize(
    "told",
    [
        [data('"a"'), data('"\\ud83d"'), data('"b"')],
        [data('"a"'), data('"b"', STOP), data('"c"'), data('""', STOP)],
        [data('"a"'), data('""', STOP), data('"b"'), data('""', STOP)],
        [data('"a"'), data(THOUGHT), data('"b"'), data('""', STOP)],
        [data('"a"'), OTHER, data('""', STOP), data('"b"')],
        [data('"a"'), OTHER, data('"b"'), OTHER, data('""', STOP), OTHER, "[DONE]"],
        [data('"a"'), "[DONE]", data('"b"')],
        [data('"a"'), data('"zz"'), data('"zz"'), data('"b"')],
    ],
    ids=["half", "reasons", "goes on", "thought", "settled", "by turns", "done", "denied"],
)
@pytest.mark.parametrize("held_chars", [0, 1000])
def test_what_has_happened_in_between_counts(told: list[str], held_chars: int) -> None:
    both_ways(b"".join(map(encode, told)), held_chars)


@pytest.mark.parametrize("spoken", SPOKEN[:2], ids=["chat", "messages"])
def test_of_a_long_answer_one_delta_is_looked_at(spoken: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    learned: list[EventContent] = []
    monkeypatch.setattr(Shapes, "learn", lambda self, content, *rest: learned.append(content))
    spoken.dialect.streaming(FakeGuard(held_chars=5)).feed(spoken.whole(*["so", "many", "words"]))
    assert len(learned) == 3
    monkeypatch.undo()
    learn = Shapes.learn

    def counted(shapes: Shapes[Any], content: Any, *rest: Any) -> None:
        learned.append(content)
        learn(shapes, content, *rest)

    monkeypatch.setattr(Shapes, "learn", counted)
    spoken.dialect.streaming(FakeGuard(held_chars=5)).feed(spoken.whole(*["so", "many", "words"]))
    assert len(learned) == 4


@EVERY_STREAM
def test_a_guard_is_shown_the_same_by_both_ways(spoken: Spoken) -> None:
    body = spoken.whole("one ", "two ", "thr\\u00e9e ", "\\ud83d\\ude00", "\U0001f600", "six")
    found = []
    for most in (0, 32):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(stream_shapes, "_MAX_LEARNED", most)
            guard = FakeGuard(str.swapcase, held_chars=5)
            guarded = spoken.dialect.streaming(guard)
            left = guarded.feed(body) + guarded.close()
            found.append((left + guarded.ending, guard.seen))
    assert found[0] == found[1]
