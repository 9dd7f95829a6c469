"""The echo upstream, on loopback: speaks as OpenAI and Anthropic do, and misbehaves on request.

    POST /v1/chat/completions   an answer, or what a directive asks for (`echo_directives`)
    POST /v1/responses          the same as a response
    POST /v1/embeddings         a vector for each input
    POST /v1/messages           the same as a message of Anthropic's
    POST /v1/messages/count_tokens    its words
    GET  /v1/models             its models
    POST /audit                 taken, 204: a receiver for `audit-export`
    POST /_fixture              {"id", "status", "headers", "body": base64}: an answer, byte for byte
    GET  /_seen                 the requests received so far, the last `SEEN` of them; DELETE forgets them

What became of a stream is in its request's `stream`: {"writes": 7, "end": "whole"}, or "cut" as it was told,
or "gone" for a client that did not wait for all; null while it is sent.

Everything that left the gateway is in `/_seen`: that is how tests show what did not.
"""

from __future__ import annotations

import base64
import collections
import json
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from penstock.dev import echo_answers, echo_messages, echo_responses
from penstock.dev.echo_directives import Asked, UnknownDirectiveError, asked
from penstock.dev.echo_events import events
from penstock.dev.echo_framing import compressed, framed
from penstock.dev.echo_sending import Answer, Stream, json_answer, send, send_as_asked, send_stream
from penstock.dev.http_server import BodyError, BodyTooLargeError, Connection, Server, json_headers
from penstock.dev.processes import announce_port, wait_for_parent_to_end

# What examples/gateway.toml says, so that `penstock apply` of that file finds it in the usual case.
DEFAULT_PORT = 8788
SEEN = 1000
BODY_LIMIT_BYTES = 32 * 1024 * 1024
BOMB_BYTES = 100_000_000
# Also for how long a write may wait for whoever reads slowly.
IDLE_TIMEOUT_S = 900.0


class Speech(NamedTuple):
    """One shape of requests and answers. Each takes a body, what was asked of it, and its bytes."""

    as_chat: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    whole: Callable[[Mapping[str, Any], Asked, bytes], dict[str, Any]]
    stream: Callable[[Mapping[str, Any], Asked, bytes], Iterator[dict[str, Any]]]
    error: Callable[[int, str, str | None], dict[str, Any]] = echo_answers.error
    """Of status, message and code."""
    has_done: bool = False
    """Whether `[DONE]` ends a stream."""
    has_names: bool = False
    """Whether each event has its type for a name; Anthropic's clients read no others."""


def _chat_events(body: Mapping[str, Any], request: Asked, raw: bytes) -> Iterator[dict[str, Any]]:
    return events(echo_answers.plain_completion(body, request, raw), body, request)


CHAT = Speech(dict, echo_answers.completion, _chat_events, has_done=True)
RESPONSES = Speech(echo_responses.as_chat, echo_responses.response, echo_responses.response_events)
EMBEDDINGS = Speech(echo_responses.as_chat, echo_responses.embeddings, echo_responses.response_events)
MESSAGES = Speech(
    echo_messages.as_chat,
    echo_messages.message,
    echo_messages.message_events,
    echo_messages.error,
    has_names=True,
)
SPEECHES: Mapping[str, Speech] = MappingProxyType(
    {
        "/v1/chat/completions": CHAT,
        "/v1/responses": RESPONSES,
        "/v1/embeddings": EMBEDDINGS,
        "/v1/messages": MESSAGES,
        "/v1/messages/count_tokens": MESSAGES._replace(whole=echo_messages.count),
    }
)


class Echo:
    """The server. `sleep` is a parameter so that tests need not wait."""

    def __init__(self, port: int = 0, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._fixtures: dict[str, Answer] = {}
        self._seen: collections.deque[dict[str, Any]] = collections.deque(maxlen=SEEN)
        self._server = Server(self._serve, port=port, idle_timeout_s=IDLE_TIMEOUT_S)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _serve(self, connection: Connection) -> None:
        try:
            raw = connection.body.read(BODY_LIMIT_BYTES)
        except (BodyError, BodyTooLargeError):
            connection.close_connection = True
            raw = b""
        route = (connection.command, connection.path.partition("?")[0])
        if route[0] == "POST" and route[1] in SPEECHES:
            self._complete(connection, raw, self._note(connection, raw), SPEECHES[route[1]])
        else:
            send(connection, self._other(connection, route, raw))

    def _other(self, connection: Connection, route: tuple[str, str], raw: bytes) -> Answer:
        match route:
            case ("GET", "/v1/models"):
                self._note(connection, raw)
                return json_answer(200, echo_answers.models())
            case ("POST", "/audit"):
                self._note(connection, raw)
                return Answer(204, (), b"")
            case ("POST", "/_fixture"):
                return self._keep_fixture(raw)
            case ("GET", "/_seen"):
                return json_answer(200, {"requests": list(self._seen)})
            case ("DELETE", "/_seen"):
                self._seen.clear()
                return json_answer(200, {"requests": []})
            case _:
                return json_answer(404, echo_answers.error(404, "The echo upstream has no such path."))

    def _note(self, connection: Connection, raw: bytes) -> dict[str, Any]:
        note = {
            "method": connection.command,
            "path": connection.path,
            "headers": list(connection.headers.items()),
            "body": base64.b64encode(raw).decode(),
            "stream": None,
        }
        self._seen.append(note)
        return note

    def _keep_fixture(self, raw: bytes) -> Answer:
        given = json.loads(raw)
        headers = tuple((str(name), str(value)) for name, value in given.get("headers", {}).items())
        self._fixtures[given["id"]] = Answer(
            given.get("status", 200), headers or tuple(json_headers()), base64.b64decode(given["body"])
        )
        return json_answer(201, {"id": given["id"]})

    def _complete(self, connection: Connection, raw: bytes, note: dict[str, Any], speech: Speech) -> None:
        try:
            body = json.loads(raw)
            request = asked(speech.as_chat(body), connection.headers.get("x-echo"))
            answer = self._answer(body, request, raw, speech)
            self._sleep(request.number("delay"))
            if isinstance(answer, Stream):
                self._stream(connection, answer, request, note)
            else:
                send_as_asked(connection, answer, request, self._sleep)
        except (ValueError, AttributeError, TypeError, KeyError):
            send(connection, json_answer(400, speech.error(400, "The request cannot be read.", None)))
        except UnknownDirectiveError as error:
            send(connection, json_answer(400, speech.error(400, str(error), "unknown_directive")))

    def _stream(self, connection: Connection, stream: Stream, request: Asked, note: dict[str, Any]) -> None:
        sent: dict[str, Any] = {"writes": 0, "end": None}
        note["stream"] = sent
        try:
            for count, _ in enumerate(send_stream(connection, stream, request, self._sleep), 1):
                sent["writes"] = count
            sent["end"] = "cut" if "cut" in request else "whole"
        except OSError:
            sent["end"] = "gone"
            raise

    def _answer(self, body: dict[str, Any], request: Asked, raw: bytes, speech: Speech) -> Answer | Stream:
        if "fail" in request:
            status = int(request.number("fail", 500))
            return json_answer(status, speech.error(status, "The echo upstream was told to fail.", None))
        if "fixture" in request:
            missing = json_answer(404, speech.error(404, "There is no such fixture.", None))
            return self._fixtures.get(request.value("fixture", ""), missing)
        if "garbage" in request:
            return Answer(200, tuple(json_headers()), b'{"choices": [{]}\xff\xfe not JSON')
        if "gzip-bomb" in request:
            packed = _bomb(int(request.number("gzip-bomb", BOMB_BYTES)))
            return Answer(200, (*json_headers(), ("Content-Encoding", "gzip")), packed)
        if "huge" in request:
            text = "x" * int(request.number("huge"))
            request = Asked({**request.directives, "text": text}, request.user_text)
        if body.get("stream"):
            return _streamed(body, request, raw, speech)
        return json_answer(200, speech.whole(body, request, raw))


def _streamed(body: dict[str, Any], request: Asked, raw: bytes, speech: Speech) -> Stream:
    made = speech.stream(body, request, raw)
    done = speech.has_done and "no-done" not in request and "error" not in request
    writes = framed(made, request.framing(), done=done, named=speech.has_names)
    headers = [("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-cache")]
    if "gzip" in request:
        return Stream((*headers, ("Content-Encoding", "gzip")), compressed(writes))
    return Stream(tuple(headers), writes)


def _bomb(size_bytes: int) -> bytes:
    """A gzip member that inflates to `size_bytes` spaces."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    piece = b" " * 1_000_000
    packed = [packer.compress(piece) for _ in range(size_bytes // len(piece))]
    packed.append(packer.compress(piece[: size_bytes % len(piece)]))
    return b"".join([*packed, packer.flush()])


def preferring(port: int) -> Echo:
    """On `port` if it is free, else on any: a second gateway on this machine has an echo upstream too."""
    try:
        return Echo(port)
    except OSError:
        return Echo()


def main() -> None:
    echo = preferring(DEFAULT_PORT)
    echo.start()
    announce_port(echo.port)
    wait_for_parent_to_end()


if __name__ == "__main__":
    main()
