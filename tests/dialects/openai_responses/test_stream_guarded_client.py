"""The real OpenAI client over a loopback server: what it makes of streams, guarded and not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from penstock.denial import Denial
from penstock.dialects.openai_responses.stream_assembly import as_stream
from penstock.dialects.openai_responses.stream_guarded import GuardedStream
from penstock.dialects.openai_responses.stream_passing import PassingStream
from penstock.dialects.sse import KEEP_ALIVE
from tests.dialects.openai_responses.streaming import (
    FakeGuard,
    assembled,
    byte_by_byte,
    edited,
    guarded,
    without,
)
from tests.fixtures.openai.response_streams import Stream, stream, streams

pytestmark = pytest.mark.loopback

ALL = pytest.mark.parametrize("each", streams(), ids=str)
# `get_final_response` knows no other end.
COMPLETED = pytest.mark.parametrize(
    "each", [each for each in streams() if each.unary["status"] == "completed"], ids=str
)
DENIAL = Denial("cards.card_number", "The answer has a card's number.", 403, "plugin_blocked")


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


class Client:
    """The client's view of a stream."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        url = f"http://127.0.0.1:{upstream.server_address[1]}/v1"
        self.client = openai.OpenAI(api_key="x", base_url=url, max_retries=0)

    def events(self, *pieces: bytes) -> list[ResponseStreamEvent]:
        self.upstream.pieces = pieces
        return list(self.client.responses.create(model="m", input="x", stream=True))

    def final(self, *pieces: bytes) -> dict[str, Any]:
        """What the client's own accumulation makes of the stream, as its `.stream()` does it."""
        self.upstream.pieces = pieces
        with self.client.responses.stream(model="m", input="x") as streaming:
            return streaming.get_final_response().model_dump(warnings=False)

    def snapshots(self, *pieces: bytes) -> list[str]:
        """Each text as it had grown when it ended."""
        self.upstream.pieces = pieces
        grown: dict[tuple[int, int], str] = {}
        with self.client.responses.stream(model="m", input="x") as streaming:
            for event in streaming:
                if event.type == "response.output_text.delta":
                    grown[event.output_index, event.content_index] = event.snapshot
        return [grown[place] for place in sorted(grown)]


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    server = Upstream(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made = Client(server)
    yield made
    made.client.close()
    server.shutdown()
    server.server_close()
    thread.join()


@ALL
def test_a_stream_that_passes_gives_the_same_events(each: Stream, client: Client) -> None:
    passing = PassingStream()
    pieces = [*map(passing.feed, byte_by_byte(each.body)), passing.close(), passing.ending]
    assert client.events(*filter(None, pieces)) == client.events(each.body)


@COMPLETED
@pytest.mark.parametrize("held_chars", [0, 4, 1000])
def test_under_a_guard_that_edits_nothing_the_client_adds_up_the_same(
    each: Stream, held_chars: int, client: Client
) -> None:
    left = guarded(each.body, str, held_chars)
    assert client.final(left) == client.final(each.body)
    assert client.snapshots(left) == client.snapshots(each.body)


@COMPLETED
@pytest.mark.parametrize("held_chars", [0, 4, 1000])
def test_what_a_guard_edits_adds_up_for_the_client_to_the_edited_unary_answer(
    each: Stream, held_chars: int, client: Client
) -> None:
    unary = edited(assembled(each.body), str.swapcase)
    left = guarded(each.body, str.swapcase, held_chars)
    final = client.final(left)
    direct = Response.construct(**unary.tree).model_dump(warnings=False)
    assert parsed_out(final) == parsed_out(direct)
    texts = [
        part["text"]
        for item in final["output"]
        if item["type"] == "message"
        for part in item["content"]
        if part["type"] == "output_text"
    ]
    assert client.snapshots(left) == texts


@COMPLETED
def test_a_stream_written_again_adds_up_to_the_same_object(each: Stream, client: Client) -> None:
    assert client.final(*as_stream(assembled(each.body))) == client.final(each.body)


def test_keep_alives_between_events_say_nothing(client: Client) -> None:
    events = [piece + b"\n\n" for piece in stream("text").body.split(b"\n\n") if piece.strip()]
    pieces = [piece for event in events for piece in (event, KEEP_ALIVE)]
    assert client.events(*pieces) == client.events(stream("text").body)


def test_a_block_raises_the_clients_own_error_with_its_code(client: Client) -> None:
    guarded_stream = GuardedStream(FakeGuard(held_chars=1000, blocked="doe@"))
    body = stream("text").body
    left = guarded_stream.feed(body[: body.index(b"example.com")])
    with pytest.raises(openai.APIError, match="card's number") as caught:
        client.events(left, guarded_stream.error(DENIAL, "0190"))
    assert (caught.value.code, caught.value.type) == ("cards.card_number", "plugin_blocked")


def parsed_out(answer: dict[str, Any]) -> Any:
    """Without what only the client's accumulation adds, and where an edit moved citations to."""
    return without(answer, "parsed", "parsed_arguments", "annotations")
