"""The real OpenAI client over a loopback server: what it makes of a stream, and of one written again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import openai
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from penstock.denial import Denial
from penstock.dialects.openai.stream import Chunk, ChunkWriter, as_stream
from penstock.dialects.openai.stream_passing import PassingStream
from penstock.dialects.sse import KEEP_ALIVE
from tests.dialects.openai.streaming import assembled, byte_by_byte, edited, frames, guarded
from tests.fixtures.openai.streams import Stream, stream, streams

pytestmark = pytest.mark.loopback

MEASURED: Final = [each for each in streams() if not each.client_cannot]
ALL = pytest.mark.parametrize("each", MEASURED, ids=str)


class Upstream(ThreadingHTTPServer):
    """Answers every request with the pieces that it is given, each sent by itself."""

    daemon_threads = True
    pieces: tuple[bytes, ...] = ()


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Upstream)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for piece in self.server.pieces:
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    server = Upstream(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Client:
    """The client's view of a stream."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        url = f"http://127.0.0.1:{upstream.server_address[1]}/v1"
        self.client = openai.OpenAI(api_key="x", base_url=url, max_retries=0)

    def chunks(self, *pieces: bytes) -> list[ChatCompletionChunk]:
        self.upstream.pieces = pieces
        answer = self.client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "x"}], stream=True
        )
        return list(answer)

    def completion(self, *pieces: bytes) -> dict[str, Any]:
        """What the client's own accumulation makes of the stream, as its `.stream()` does it."""
        state = ChatCompletionStreamState()
        for chunk in self.chunks(*pieces):
            if chunk.object == "chat.completion.chunk":  # as `ChatCompletionStream` does, for Azure's sake
                state.handle_chunk(chunk)
        return state.current_completion_snapshot.model_dump()


@pytest.fixture(scope="module")
def client(upstream: Upstream) -> Iterator[Client]:
    made = Client(upstream)
    yield made
    made.client.close()


def passed(body: bytes) -> list[bytes]:
    writer = ChunkWriter()
    return [writer.passed(f) if isinstance(f, Chunk) else writer.raw(f.event) for f in frames(body)]


def measured(completion: dict[str, Any]) -> dict[str, Any]:
    """Without what the client takes from the first chunk of a choice only, or from the last of a stream."""
    names = {"index", "message", "logprobs", "finish_reason"}
    listed = [{name: choice.get(name) for name in names} for choice in completion["choices"]]
    known = ("id", "object", "created", "model", "service_tier", "usage")
    return {**{name: completion.get(name) for name in known}, "choices": listed}


@ALL
def test_a_stream_that_is_passed_gives_the_same_objects(each: Stream, client: Client) -> None:
    direct = client.chunks(each.body)
    assert direct
    assert client.chunks(*passed(each.body)) == direct
    assert client.chunks(*(each.body[at : at + 5] for at in range(0, len(each.body), 5))) == direct


@ALL
def test_a_stream_written_again_adds_up_to_the_same_object(each: Stream, client: Client) -> None:
    first = assembled(each.body)
    again = as_stream(first.response(), first.template())
    assert measured(client.completion(*again)) == measured(client.completion(each.body))


@ALL
def test_what_the_client_adds_up_is_the_unary_answer(each: Stream, client: Client) -> None:
    first = assembled(each.body)
    unary = ChatCompletion.construct(**first.response().tree).model_dump()
    added_up = client.completion(*as_stream(first.response(), first.template()))
    assert known_only(unary) == known_only(added_up)


@ALL
@pytest.mark.parametrize("held_chars", [0, 4, 1000])
def test_under_a_guard_that_edits_nothing_the_client_adds_up_the_same(
    each: Stream, held_chars: int, client: Client
) -> None:
    assert client.completion(guarded(each.body, str, held_chars)) == client.completion(each.body)


@ALL
def test_what_a_guard_edits_adds_up_for_the_client_to_the_edited_unary_answer(
    each: Stream, client: Client
) -> None:
    unary = edited(assembled(each.body).response(), str.swapcase)
    direct = ChatCompletion.construct(**unary.tree).model_dump()
    held = client.completion(guarded(each.body, str.swapcase, 4))
    assert without_annotations(known_only(held)) == without_annotations(known_only(direct))


@ALL
def test_a_stream_that_is_passed_and_not_guarded_is_the_same_for_the_client(
    each: Stream, client: Client
) -> None:
    stream = PassingStream()
    pieces = [*map(stream.feed, byte_by_byte(each.body)), stream.close(), stream.ending]
    assert client.chunks(*filter(None, pieces)) == client.chunks(each.body)


def test_a_stream_that_fails_raises_what_the_gateway_says(client: Client) -> None:
    denial = Denial("cards.card_number", "The prompt contains a card number.", 403, "plugin_blocked")
    writer = ChunkWriter()
    pieces = [writer.passed(chunk) for chunk in frames(stream("no_done").body) if isinstance(chunk, Chunk)]
    with pytest.raises(openai.APIError, match="card number") as caught:
        client.chunks(*pieces, KEEP_ALIVE, writer.error(denial, "0"))
    assert (caught.value.code, caught.value.type) == ("cards.card_number", "plugin_blocked")


def test_after_an_event_that_was_cut_the_error_still_stands_alone(client: Client) -> None:
    writer = ChunkWriter()
    [chunk] = [f for f in frames(stream("no_done").body.split(b"\n")[0]) if isinstance(f, Chunk)]
    denial = Denial("upstream_error", "The upstream ended early.", 502, "invalid_request")
    with pytest.raises(openai.APIError, match="ended early"):
        client.chunks(writer.passed(chunk), writer.error(denial, "0"))


def test_the_client_takes_a_blank_line_after_an_id_for_an_event_so_ids_are_stripped(client: Client) -> None:
    body = stream("spelling").body
    events = [frame.event for frame in frames(body)]
    pieces = [piece for event in events for piece in (event.raw, KEEP_ALIVE)]
    with pytest.raises(ValueError, match="Expecting value"):
        client.chunks(*pieces)
    assert len(client.chunks(*(p for event in events for p in (event.stripped().raw, KEEP_ALIVE)))) == 2


def without_annotations(known: Any) -> Any:
    """Where citations stand is not known in a stream that is edited: they are left out."""
    for choice in known["choices"]:
        choice["message"].pop("annotations", None)
    return known


def known_only(completion: dict[str, Any]) -> Any:
    """Members with a value, without those that only this client's accumulation adds or leaves out."""
    listed = [
        {
            "index": choice["index"],
            "finish_reason": choice["finish_reason"],
            "logprobs": choice["logprobs"],
            "message": without_nothing({**choice["message"], "parsed": None}),
        }
        for choice in completion["choices"]
    ]
    return {"id": completion["id"], "usage": completion["usage"], "choices": listed}


def without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: without_nothing(inner)
            for name, inner in value.items()
            if inner is not None and name not in {"index", "parsed_arguments"}
        }
    return [without_nothing(inner) for inner in value] if isinstance(value, list) else value
