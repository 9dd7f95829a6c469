from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.openai.stream_chunk import (
    CallPart,
    Chunk,
    ErrorPart,
    FinishPart,
    LogprobsPart,
    TextPart,
    UsagePart,
)
from penstock.dialects.sse import Event, encode, one_line
from penstock.evidence.record import Usage
from penstock.sdk.edits import AddText, MemberEdit, TextEdit
from penstock.streams import Channel

LOGPROBS = {"content": [{"token": "x", "logprob": -1}]}


def chunk(*choices: Any, **members: Any) -> Chunk:
    text = json.dumps({"id": "c", "choices": choices, **members})
    return Chunk.decode(Event(encode(text), None, text))


def delta(index: int = 0, **members: Any) -> dict[str, Any]:
    return {"index": index, "delta": members}


def sent(edited: Chunk) -> Any:
    return json.loads(edited.framed().removeprefix(b"data: "))


@pytest.mark.parametrize(
    ("choice", "channel", "field"),
    [
        (delta(content="x"), Channel(0, "content"), "response.text"),
        (delta(3, refusal="x"), Channel(3, "refusal"), "response.text"),
        (delta(content=[{"type": "text", "text": "x"}]), Channel(0, "content"), "response.text"),
        (delta(audio={"transcript": "x"}), Channel(0, "audio.transcript"), "response.text"),
        ({"index": 1, "text": "x"}, Channel(1, "text"), "response.text"),
        (delta(reasoning_content="x"), Channel(0, "reasoning_content"), "response.reasoning"),
        (delta(reasoning="x"), Channel(0, "reasoning"), "response.reasoning"),
        (
            delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}]),
            Channel(0, "content.thinking"),
            "response.reasoning",
        ),
        (
            delta(reasoning_details=[{"text": "x", "index": 2}]),
            Channel(0, "reasoning_details.text", 2),
            "response.reasoning",
        ),
        (
            delta(reasoning_details=[{"summary": "x"}]),
            Channel(0, "reasoning_details.summary", 0),
            "response.reasoning",
        ),
    ],
)
def test_a_text_that_grows_is_in_its_channel(choice: Any, channel: Channel, field: str) -> None:
    [part] = chunk(choice).parts
    assert isinstance(part, TextPart)
    assert (part.channel, part.choice, part.field, part.text) == (channel, channel.choice, field, "x")
    assert not part.is_whole


@pytest.mark.parametrize(
    ("choices", "members", "channel"),
    [
        ([delta(annotations=[{"url_citation": {"title": "x"}}])], {}, Channel(0, "annotations")),
        ([delta(context={"a sentence as a name": "x"})], {}, Channel(0, "context")),
        ([], {"citations": ["x"]}, Channel(None, "citations")),
        ([], {"metadata": {"a sentence as a name": "x"}}, Channel(None, "metadata")),
        ([], {"message": "x"}, Channel(None, "message")),
    ],
)
def test_any_other_text_is_whole_in_its_chunk_and_its_channels_name_says_nothing(
    choices: list[Any], members: Any, channel: Channel
) -> None:
    [part] = chunk(*choices, **members).parts
    assert isinstance(part, TextPart)
    assert (part.channel, part.text, part.is_whole) == (channel, "x", True)


def test_parts_come_texts_first_and_ends_after_all_that_a_choice_says() -> None:
    choices = (
        {**delta(0, content="a", tool_calls=[{"index": 1}]), "finish_reason": "stop", "logprobs": LOGPROBS},
        delta(1, content="b", function_call={"name": "f"}),
    )
    parts = chunk(*choices, usage={"prompt_tokens": 3}).parts
    assert [type(part) for part in parts] == [
        *(TextPart, TextPart, CallPart, CallPart, LogprobsPart, FinishPart, UsagePart)
    ]
    assert parts[2:] == (
        CallPart(0, 1, {"index": 1}),
        CallPart(1, None, {"name": "f"}, is_legacy=True),
        LogprobsPart(0, LOGPROBS),
        FinishPart(0, "stop"),
        UsagePart(Usage(3, 0, 0, 0)),
    )


@pytest.mark.parametrize(
    "members", [{"error": {"message": "x"}}, {"error": "x"}, {"object": "error", "message": "x"}]
)
def test_an_error_says_its_text_and_that_it_is_one(members: Any) -> None:
    text, error = chunk(**members).parts
    assert isinstance(text, TextPart)
    assert (text.field, text.is_whole, error) == ("response.text", True, ErrorPart())


def test_a_chunk_that_says_nothing_has_no_parts() -> None:
    assert chunk().parts == chunk(delta(), error=None, usage=None).parts == ()
    assert chunk({"index": 0, "delta": None, "finish_reason": None, "logprobs": None}).parts == ()


@pytest.mark.parametrize(
    "odd", [None, "x", 7, [], {"delta": "x"}, {"index": -1, "delta": {"tool_calls": {}}}]
)
def test_what_has_another_shape_is_no_part_and_breaks_nothing(odd: Any) -> None:
    assert chunk(odd, delta(1, content="x")).parts[-1] == TextPart(
        Channel(1, "content"), "response.text", "x", ("choices", 1, "delta", "content")
    )
    assert chunk(choices=odd).parts == ()


def test_a_choice_without_a_number_counts_from_where_it_stands() -> None:
    parts = chunk({"delta": {"content": "a"}}, {"delta": {"content": "b"}}).parts
    assert [part.choice for part in parts if isinstance(part, TextPart)] == [0, 1]


def test_an_edit_takes_what_repeats_the_text_and_keeps_the_event_around_it() -> None:
    first = {**delta(0, content="a", parsed={"x": 1}), "logprobs": LOGPROBS}
    choices = (first, {**delta(1), "logprobs": LOGPROBS})
    text = json.dumps({"id": 1e1, "choices": choices, "prompt_logprobs": [None]})
    came = Chunk.decode(Event(f"event: e\r\ndata:{text}\r\n\r\n".encode(), "e", text))
    edited = came.edited([TextEdit("response.text", ((0, "b"),))])
    assert (came.is_as_it_came, edited.is_as_it_came) == (True, False)
    head, data, *_rest = edited.framed().split(b"\r\n")
    assert head == b"event: e"
    tree = json.loads(data.removeprefix(b"data: "))
    assert tree["choices"] == [{"index": 0, "delta": {"content": "b"}, "logprobs": None}, choices[1]]
    assert tree["prompt_logprobs"] is None
    assert b"10.0" in data


def test_what_is_unseen_and_whole_fields_can_be_taken_out() -> None:
    came = chunk(delta(content="a", x="hidden", audio={"data": "UklG"}, reasoning="r"))
    assert sent(came.without(came.unseen))["choices"][0]["delta"] == {
        "content": "a",
        "audio": {"data": ""},
        "reasoning": "r",
    }
    assert "reasoning" not in sent(came.without_field("response.reasoning"))["choices"][0]["delta"]
    assert sent(came.without_field("response.text"))["choices"][0]["delta"]["content"] == ""


def test_what_was_edited_stays_on_one_line_for_every_client() -> None:
    came = chunk(delta(content="a"))
    framed = came.edited([TextEdit("response.text", ((0, "\x85 \u2028 \u2029 \n é"),))]).framed()
    assert framed.decode().splitlines() == framed.decode().split("\n")[:-1]
    assert json.loads(framed[6:])["choices"][0]["delta"]["content"] == "\x85 \u2028 \u2029 \n é"
    assert one_line("é") == "é"


def test_nothing_is_added_to_a_chunk_or_put_in_its_place() -> None:
    for edit in (AddText("response.text", "x"), MemberEdit("response.text", "x", 1)):
        with pytest.raises(ValueError, match=r"no message|no members"):
            chunk().edited([edit])
    with pytest.raises(ValueError, match="not replaced"):
        chunk().replaced("x")
    with pytest.raises(ValueError, match="no members"):
        chunk().members("response.text")
