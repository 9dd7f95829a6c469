"""The real Anthropic client: what it makes of a stream that was passed, guarded, or written again."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import RawMessageStreamEvent

from penstock.denial import Denial
from penstock.dialects.anthropic.stream_assembly import as_stream
from penstock.dialects.anthropic.stream_guarded import GuardedStream
from penstock.dialects.anthropic.stream_passing import PassingStream
from penstock.dialects.sse import KEEP_ALIVE
from tests.dialects.anthropic.streaming import FakeGuard, assembled, byte_by_byte, edited, everything, guarded
from tests.fixtures.anthropic.streams import Stream, stream, streams

ALL = pytest.mark.parametrize("each", streams(), ids=str)
ASKED: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


def client(body: bytes) -> anthropic.Anthropic:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="k", base_url="http://penstock.test", max_retries=0, http_client=http)


def events(body: bytes) -> list[RawMessageStreamEvent]:
    with client(body) as asking:
        return list(asking.messages.create(**ASKED, stream=True))


def message(body: bytes) -> dict[str, Any]:
    """What the client's own adding up makes of the stream, betas included."""
    with client(body) as asking, asking.beta.messages.stream(**ASKED) as running:
        return running.get_final_message().model_dump()


def text(body: bytes) -> str:
    with client(body) as asking, asking.messages.stream(**ASKED) as running:
        return "".join(running.text_stream)


def unary(tree: dict[str, Any]) -> dict[str, Any]:
    """The message as the client reads it when it is not streamed."""
    return anthropic.types.beta.BetaMessage.construct(**tree).model_dump()


def known(made: Any) -> Any:
    """Without what the client adds that is nothing."""
    if isinstance(made, dict):
        inner = {name: known(value) for name, value in made.items()}
        return {name: value for name, value in inner.items() if value is not None and name != "parsed_output"}
    return [known(value) for value in made] if isinstance(made, list) else made


@ALL
def test_a_stream_that_is_passed_gives_the_same_objects(each: Stream) -> None:
    direct = events(each.body)
    assert direct
    assert events(everything(PassingStream(), *byte_by_byte(each.body))) == direct


@ALL
@pytest.mark.parametrize("held_chars", [0, 4, 1000])
def test_under_a_guard_that_edits_nothing_the_client_adds_up_the_same(each: Stream, held_chars: int) -> None:
    assert message(guarded(each.body, str, held_chars)) == message(each.body)


@ALL
def test_what_a_guard_edits_adds_up_for_the_client_to_the_edited_unary_answer(each: Stream) -> None:
    expected = edited(assembled(each.body), str.swapcase).tree
    left = guarded(each.body, str.swapcase, 4)
    if each.name == "cut_input":
        return  # the client takes of broken JSON what it can
    assert known(message(left)) == known(unary(expected))


@ALL
def test_what_the_client_adds_up_is_the_unary_answer(each: Stream) -> None:
    if each.name != "cut_input":
        assert known(message(each.body)) == known(unary(assembled(each.body).tree))


@ALL
def test_a_stream_written_again_adds_up_to_the_same_message(each: Stream) -> None:
    again = b"".join(as_stream(assembled(each.body)))
    assert known(message(again)) == known(message(each.body))


def test_text_comes_as_it_is_let_go() -> None:
    assert text(guarded(stream("text").body, str.upper, 5)) == text(stream("text").body).upper()


def test_keep_alives_between_events_are_nothing_to_the_client() -> None:
    body = stream("tool_use").body
    assert events(body.replace(b"\n\n", b"\n\n" + KEEP_ALIVE)) == events(body)


@pytest.mark.parametrize("cut", [b"", b'event: ping\ndata: {"type"'])
def test_a_stream_that_is_stopped_raises_what_the_gateway_says(cut: bytes) -> None:
    denial = Denial("cards.card_number", "The answer contains a card number.", 403, "plugin_blocked")
    for stopping in (PassingStream(), GuardedStream(FakeGuard())):
        sent = stopping.feed(stream("text").body[:900] + cut)
        with pytest.raises(anthropic.APIStatusError) as caught:
            events(sent + stopping.error(denial, "0190"))
        assert caught.value.api_message == "The answer contains a card number."
        assert (caught.value.type, caught.value.error_code) == ("permission_error", "cards.card_number")
