from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.stream_chunk import Chunk, TextPart
from penstock.dialects.openai.stream_repeats import Repeats, is_held
from penstock.dialects.splicing import splice
from penstock.dialects.sse import Event, encode
from penstock.errors import UpstreamError

LOGPROBS = {"content": [{"token": "x", "logprob": -1e-07}]}
POINTING = {"type": "url_citation", "url_citation": {"start_index": 1, "title": "a", "url": "u"}}
POINTLESS = {"type": "url_citation", "url_citation": {"title": "a", "url": "u"}}


def chunk(*choices: Any, text: str | None = None) -> Chunk:
    text = text or json.dumps({"choices": choices})
    return Chunk.decode(Event(encode(text), None, text))


def choice(index: int = 0, logprobs: Any = None, **delta: Any) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": logprobs}


def left(came: Chunk, repeats: Repeats, texts: dict[TextPart, str] | None = None) -> Any:
    """What of the chunk's choices leaves at once."""
    return json.loads(splice(came.text, repeats.take(came, texts or {})))["choices"]


def test_what_repeats_is_taken_out_of_its_chunk_and_given_back_when_nothing_was_edited() -> None:
    repeats = Repeats(10_000)
    said = {"parsed": [1], "annotations": [POINTING], "audio": {"id": "i", "data": "UklG"}}
    came = chunk(choice(1, LOGPROBS, content="x", **said), choice(0, content="y"))
    first, second = left(came, repeats)
    assert first == choice(1, content="x", audio={"id": "i", "data": ""})
    assert second == choice(0, content="y")
    assert list(repeats.released(0, is_edited=False)) == []
    given = {"logprobs": LOGPROBS, "delta": {**said, "audio": {"data": "UklG"}}}
    assert list(repeats.released(1, is_edited=False)) == [given]
    assert list(repeats.released(1, is_edited=False)) == []


def test_of_an_edited_choice_only_annotations_that_point_nowhere_are_given_back() -> None:
    repeats = Repeats(10_000)
    left(chunk(choice(0, LOGPROBS, annotations=[POINTING, POINTLESS, 7])), repeats)
    left(chunk(choice(0, annotations=[POINTING, {"start_index": 1}, {"x": {"end_index": 1}}])), repeats)
    assert list(repeats.released(0, is_edited=True)) == [{"delta": {"annotations": [POINTLESS, 7]}}]


def test_texts_of_annotations_are_held_as_they_leave() -> None:
    repeats = Repeats(10_000)
    came = chunk(choice(0), choice(1, annotations=[POINTLESS, POINTING]))
    parts = [part for part in came.parts if isinstance(part, TextPart)]
    assert all(map(is_held, parts))
    left(came, repeats, {part: part.text.upper() for part in parts})
    [members] = repeats.released(1, is_edited=False)
    titles = [each["url_citation"]["title"] for each in members["delta"]["annotations"]]
    assert titles == ["A", "A"]
    assert came.tree["choices"][1]["delta"]["annotations"] == [POINTLESS, POINTING]


def test_a_choice_that_was_dropped_gives_nothing_back_now_or_later() -> None:
    repeats = Repeats(10_000)
    left(chunk(choice(0, LOGPROBS), choice(1, LOGPROBS)), repeats)
    repeats.drop(0)
    assert left(chunk(choice(0, LOGPROBS)), repeats) == [choice(0)]
    assert list(repeats.released(0, is_edited=False)) == []
    assert list(repeats.released(1, is_edited=False)) == [{"logprobs": LOGPROBS}]


def test_what_is_held_is_bounded_and_counted_down_again() -> None:
    repeats = Repeats(200)
    for _ in range(50):
        left(chunk(choice(0, LOGPROBS)), repeats)
        assert len(list(repeats.released(0, is_edited=False))) == 1
    for _ in range(50):
        left(chunk(choice(1, LOGPROBS)), repeats)
    left(chunk(choice(2, LOGPROBS)), repeats)
    assert list(repeats.released(1, is_edited=False)) == []
    assert list(repeats.released(2, is_edited=False)) == [{"logprobs": LOGPROBS}]


def test_a_number_that_json_cannot_say_is_the_upstreams_failure() -> None:
    came = chunk(text='{"choices":[{"logprobs":{"content":[1e999]}}]}')
    with pytest.raises(UpstreamError, match="out of range"):
        Repeats(10_000).take(came, {})


@pytest.mark.parametrize(
    "odd", [{"delta": None}, {"delta": {"audio": "x", "annotations": None}}, {}, 7, None]
)
def test_what_has_another_shape_repeats_nothing(odd: Any) -> None:
    assert Repeats(10_000).take(chunk(odd), {}) == []
