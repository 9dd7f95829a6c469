from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.denial import Denial
from penstock.dialects.openai import stream_writer
from penstock.dialects.openai.chat import ChatResponse
from penstock.dialects.openai.stream_assembly import Template
from penstock.dialects.openai.stream_chunk import Chunk, TextPart
from penstock.dialects.openai.stream_writer import ChunkWriter, as_stream, without_calls
from penstock.dialects.splicing import Put
from penstock.dialects.sse import Event, Parser, encode
from penstock.errors import FailureClass, PluginError
from penstock.streams import Channel

CONTENT = Channel(0, "content")
LOGPROBS = {"content": [{"token": "x", "logprob": -1}], "refusal": None}
HEAD = {"id": "c", "object": "chat.completion.chunk", "created": 9007199254740993, "model": "m"}


def chunk(*choices: Any, **members: Any) -> Chunk:
    text = json.dumps({**HEAD, "choices": choices, **members})
    return Chunk.decode(Event(encode(text), None, text))


def delta(index: int = 0, *, finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {"index": index, "delta": members, "finish_reason": finish}


def trees(sent: bytes) -> list[Any]:
    parser = Parser()
    events = parser.feed(sent) + parser.close()
    return [json.loads(event.data) for event in events if event.data not in {None, "[DONE]"}]


def one(sent: bytes) -> Any:
    [tree] = trees(sent)
    return tree


def edited(writer: ChunkWriter, came: Chunk, text: str) -> bytes:
    return writer.edited(came, {p: text for p in came.parts if isinstance(p, TextPart)})


def test_another_text_is_spliced_into_the_json_that_came() -> None:
    text = '{ "x":1.0, "choices" : [ {"index":0, "delta":{ "content" : "a\\u0062" } } ] }'
    came = Chunk.decode(Event(b": note\nevent: e\ndata: " + text.encode() + b"\n\n", "e", text))
    expected = b": note\nevent: e\ndata: " + text.replace('"a\\u0062"', '"c"').encode() + b"\n\n"
    assert edited(ChunkWriter(), came, "c") == expected


def test_a_chunk_that_says_nothing_any_more_is_not_sent() -> None:
    writer = ChunkWriter()
    assert edited(writer, chunk(delta(role="assistant", content="a")), "")
    assert edited(writer, chunk(delta(content="a"), obfuscation="xyz"), "") == b""
    assert edited(writer, chunk(delta(role="assistant", content="a")), "") == b""
    came = chunk({**delta(content="a"), "logprobs": LOGPROBS})
    assert edited(writer, came, "") != b""
    texts = {part: "" for part in came.parts if isinstance(part, TextPart)}
    assert writer.edited(came, texts, [Put(("choices", 0, "logprobs"), None)]) == b""


def test_a_chunk_of_which_nothing_is_left_is_not_written_to_see_that(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = ChunkWriter()
    writer.passed(chunk(delta(role="assistant")))
    monkeypatch.setattr(stream_writer, "splice", None)
    assert edited(writer, chunk(delta(content="a"), obfuscation="xyz"), "") == b""


@pytest.mark.parametrize(
    "came",
    [
        chunk(delta(content="a", finish="stop")),
        chunk(delta(content="a", note="b")),
        chunk({**delta(content="a"), "content_filter_results": {"hate": {"filtered": False}}}),
        chunk(delta(content="a"), usage={"prompt_tokens": 1}),
        chunk(delta(content="a"), x_note="b"),
        chunk(delta(content="a"), delta(1, role="assistant")),
    ],
)
def test_a_chunk_that_still_says_something_is_sent(came: Chunk) -> None:
    writer = ChunkWriter()
    writer.passed(chunk(delta(role="assistant")))
    assert one(edited(writer, came, ""))["choices"][0]["delta"]["content"] == ""


def test_fragments_of_calls_that_are_held_leave_with_nothing_else_changed() -> None:
    came = chunk(delta(role="assistant", content="a", tool_calls=[{"index": 0}], function_call={"name": "f"}))
    assert one(ChunkWriter().edited(came, {}, without_calls(came.tree)))["choices"][0]["delta"] == {
        "role": "assistant",
        "content": "a",
    }
    writer = ChunkWriter()
    writer.passed(chunk(delta(role="assistant")))
    came = chunk(delta(tool_calls=[{"index": 0}]))
    assert writer.edited(came, {}, without_calls(came.tree)) == b""
    assert without_calls(chunk(None, delta(tool_calls=None), {"delta": 1}).tree) == []


def test_a_chunk_of_our_own_says_of_the_whole_what_the_last_one_of_its_choice_said() -> None:
    writer = ChunkWriter()
    writer.passed(chunk(delta(0, role="assistant"), system_fingerprint="one", provider="p", usage=None))
    writer.passed(chunk(delta(1, role="assistant"), system_fingerprint="two"))
    writer.passed(chunk(usage={"prompt_tokens": 1}, id=""))
    assert one(writer.text(CONTENT, "x")) == {
        **HEAD,
        "system_fingerprint": "one",
        "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}],
    }
    assert one(writer.text(Channel(1, "content"), "x"))["system_fingerprint"] == "two"
    assert one(writer.text(Channel(2, "content"), "x"))["system_fingerprint"] == "two"


def test_a_chunk_of_our_own_that_is_its_choices_first_says_the_role() -> None:
    writer = ChunkWriter()
    assert edited(writer, chunk(delta(content="a")), "") == b""
    deltas = [one(writer.text(CONTENT, text))["choices"][0]["delta"] for text in "ab"]
    assert deltas == [{"role": "assistant", "content": "a"}, {"content": "b"}]


def test_a_role_that_the_writer_has_said_is_not_said_again_by_the_upstream() -> None:
    writer = ChunkWriter()
    writer.text(CONTENT, "x")
    deltas = [
        one(writer.edited(chunk(delta(role="assistant", x=1)), {}))["choices"][0]["delta"] for _ in "ab"
    ]
    assert deltas == [{"x": 1}, {"role": "assistant", "x": 1}]
    other = chunk(delta(1, role="assistant"))
    assert writer.edited(other, {}) == other.event.raw


def test_text_can_leave_before_the_chunk_that_it_came_in() -> None:
    writer = ChunkWriter()
    writer.note(chunk(delta(content="x", finish="stop")))
    assert one(writer.text(CONTENT, "x"))["id"] == HEAD["id"]


@pytest.mark.parametrize(
    "choice",
    [
        *(
            {"index": 0, "delta": {name: "x"}}
            for name in ("content", "refusal", "reasoning", "reasoning_content")
        ),
        delta(audio={"transcript": "x"}),
        delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}]),
        delta(reasoning_details=[{"type": "reasoning.text", "index": 4, "text": "x"}]),
        delta(reasoning_details=[{"type": "reasoning.summary", "index": 4, "summary": "x"}]),
        {"index": 0, "text": "x"},
    ],
)
def test_text_that_leaves_late_is_in_the_channel_that_it_came_in(choice: Any) -> None:
    writer, came = ChunkWriter(), chunk(choice)
    writer.passed(came)
    [part] = [part for part in came.parts if isinstance(part, TextPart)]
    text = json.dumps(one(writer.text(part.channel, part.text)))
    [again] = [p for p in Chunk.decode(Event(b"", None, text)).parts if isinstance(p, TextPart)]
    assert (again.channel, again.text) == (part.channel, part.text)


@pytest.mark.parametrize("channel", [Channel(None, "error"), Channel(0, "annotations")])
def test_a_text_that_is_whole_is_not_sent_by_itself(channel: Channel) -> None:
    with pytest.raises(ValueError, match="edited there"):
        ChunkWriter().text(channel, "x")


def test_a_text_that_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        edited(ChunkWriter(), chunk(delta(content="a")), "\ud83d")


def test_whole_calls_leave_in_one_delta_each() -> None:
    calls = [
        {"id": str(i), "type": "function", "function": {"name": "f", "arguments": "{}"}} for i in range(2)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls, "function_call": {"name": "g"}}
    tree = {"choices": [{"index": 1, "message": message}]}
    sent = [t["choices"][0] for t in trees(ChunkWriter().calls(ChatResponse(json.dumps(tree), tree)))]
    assert [choice["index"] for choice in sent] == [1, 1, 1]
    assert [choice["delta"] for choice in sent] == [
        {"role": "assistant", "tool_calls": [{"index": 0, **calls[0]}]},
        {"tool_calls": [{"index": 1, **calls[1]}]},
        {"function_call": {"name": "g"}},
    ]


def test_what_was_held_can_be_sent_by_itself() -> None:
    held = {"logprobs": LOGPROBS, "delta": {"annotations": [1]}}
    [choice] = one(ChunkWriter().held(2, held))["choices"]
    head = {"index": 2, "delta": {"role": "assistant", "annotations": [1]}}
    assert choice == {**head, "finish_reason": None, "logprobs": LOGPROBS}


def test_an_error_ends_the_stream_in_the_dialects_shape() -> None:
    denial = Denial("cards.card_number", "A card.", 403, "plugin_blocked", reference="r1")
    sent = ChunkWriter().error(denial, "0")
    error = {"message": "A card.", "type": "plugin_blocked", "code": "cards.card_number", "param": None}
    assert one(sent) == {"error": {**error, "reference": "r1"}}
    assert sent.startswith(b"data: ")
    assert b"DONE" not in sent
    failure = PluginError(FailureClass.TIMEOUT, "cards was too slow")
    assert one(ChunkWriter().error(failure, "0"))["error"]["code"] == "plugin_unavailable"


def test_what_follows_an_event_that_was_not_ended_stands_in_an_event_of_its_own() -> None:
    text = json.dumps({"choices": [delta(content="a")]})
    came = Chunk.decode(Event(b"data: " + text.encode(), None, text, is_complete=False))
    writer = ChunkWriter()
    assert writer.passed(came) == came.event.raw
    assert writer.done() == b"\n\ndata: [DONE]\n\n"
    assert writer.done() == b"data: [DONE]\n\n"
    writer.raw(Event(b": cut", None, None, is_complete=False))
    assert writer.text(CONTENT, "x").startswith(b"\n\ndata: ")
    assert edited(ChunkWriter(), came, "b").endswith(b"\n\n")


def test_an_envelope_is_that_of_the_chunk_that_the_writer_was_given() -> None:
    writer = ChunkWriter()
    came = chunk(delta(role="assistant"), id="jane doe 4711")
    writer.passed(came.without(came.unseen))
    assert b"jane" not in writer.text(CONTENT, "x")


def test_a_response_as_a_stream_has_the_shape_of_its_template() -> None:
    tree = {
        "id": "c",
        "object": "chat.completion",
        "provider": "p",
        "lead": [1],
        "usage": {"n": 1},
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    }
    response = ChatResponse(json.dumps(tree), tree)

    def shape(template: Template) -> list[Any]:
        return trees(b"".join(as_stream(response, template)))

    head = {"id": "c", "object": "chat.completion.chunk"}
    message = {"index": 0, "delta": {"role": "assistant", "content": "x"}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    assert shape(Template()) == [
        {**head, "provider": "p", "lead": [1], "choices": [message]},
        {**head, "choices": [end]},
    ]
    apart = shape(Template("apart", lead=("lead", "gone")))
    assert apart[0] == {**head, "choices": [], "lead": [1]}
    assert apart[-1] == {**head, "choices": [], "usage": {"n": 1}}
    assert shape(Template("last"))[-1] == {**head, "choices": [end], "usage": {"n": 1}}
    assert shape(Template(lead=("lead",), is_lead_blank=True))[0]["id"] == ""
    assert as_stream(response, Template())[-1] == b"data: [DONE]\n\n"
    assert len(as_stream(response, Template(is_done=False))) == 2


def test_a_choice_that_has_not_ended_gets_no_end() -> None:
    tree = {"choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": None}]}
    assert len(as_stream(ChatResponse(json.dumps(tree), tree), Template(is_done=False))) == 1
