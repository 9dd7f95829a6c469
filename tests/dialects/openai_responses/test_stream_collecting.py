from __future__ import annotations

import pytest

from penstock.dialects.openai_responses.echo import Echo
from penstock.dialects.openai_responses.responses import ResponsesRequest
from penstock.dialects.openai_responses.stream_collecting import Collected
from penstock.dialects.stream_event import written
from penstock.errors import UpstreamError
from tests.dialects.openai_responses.streaming import answer, assembled, byte_by_byte, collected, edited
from tests.fixtures.openai.response_streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
DELTA = b'"delta":"Write to jane"'


@ALL
def test_it_is_the_unary_answer_and_leaves_as_the_events_that_came(each: Stream) -> None:
    taken = collected(*byte_by_byte(each.body))
    taken.close()
    response = taken.response()
    assert response.tree == each.unary
    assert taken.response() is response
    assert (taken.events(response) == answer(each.body)) == (each.name != "sealed")
    assert assembled(taken.events(response)).tree == each.unary


@ALL
def test_an_edited_answer_leaves_written_anew(each: Stream) -> None:
    taken = collected(each.body)
    changed = edited(taken.response(), str.swapcase)
    assert assembled(taken.events(changed)).tree == changed.tree


def test_events_that_say_what_the_answer_does_not_say_do_not_leave() -> None:
    body = stream("text").body.replace(DELTA, b'"delta":"Call me, jane"')
    taken = collected(body)
    left = taken.events(taken.response())
    assert b"Call me" not in left
    assert assembled(left).tree == stream("text").unary


def test_what_an_upstream_says_of_its_failure_leaves_not_at_all() -> None:
    head = stream("text").body.split(b"event: response.output_text.done")[0]
    failed = written({"type": "error", "code": "server_error", "message": "jane", "param": None})
    taken = collected(head, failed)
    taken.close()
    assert taken.has_failed
    assert taken.events(taken.response()) == head
    [part] = taken.response().tree["output"][0]["content"]
    assert part["text"] == stream("text").unary["output"][0]["content"][0]["text"]


def test_a_stream_without_its_end_was_cut() -> None:
    taken = collected(stream("text").body.split(b"event: response.completed")[0])
    with pytest.raises(UpstreamError) as caught:
        taken.close()
    assert caught.value.outcome == "cut"


def test_tokens_are_counted() -> None:
    taken = collected(stream("text").body)
    assert taken.usage is not None
    assert taken.usage.reasoning == 64
    assert not taken.has_failed


def test_an_answer_is_bounded_and_beyond_many_events_written_anew() -> None:
    body = stream("text").body
    with pytest.raises(UpstreamError) as caught:
        Collected(max_bytes=50).feed(body)
    assert caught.value.outcome == "too_large"
    taken = Collected(max_events_bytes=100)
    taken.feed(body)
    assert taken.events(taken.response()) != body
    assert assembled(taken.events(taken.response())).tree == stream("text").unary


def test_it_is_the_answer_to_its_request() -> None:
    taken = Collected(Echo({"instructions": "Answer jane@example.org tersely."}))
    taken.feed(stream("text").body)
    assert len(taken.response().texts("response.text").texts) == 2
    assert taken.events(taken.response()) == stream("text").body


def test_only_a_response_is_streamed_as_one() -> None:
    request = ResponsesRequest.decode(b'{"model":"m","input":"x"}')
    with pytest.raises(TypeError):
        collected(stream("text").body).events(request)


def test_comments_are_left_out() -> None:
    taken = collected(b": jane\n\n" + stream("text").body)
    assert taken.events(taken.response()) == stream("text").body
