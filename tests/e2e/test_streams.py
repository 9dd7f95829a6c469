"""Streams through the running gateway: the unmodified client, slow readers, cut upstreams, many at once."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import CUT, Pieces, StubProvider
from tests.fixtures.openai.streams import Stream, streams

MESSAGES: Any = [{"role": "user", "content": "hi"}]
HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stub"}
DONE = b"data: [DONE]\n\n"
CONCURRENT = 50


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def delta(text: str) -> bytes:
    return event({**HEAD, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})


FINISH = event({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})


def chunks_of(client: OpenAI, **more: Any) -> list[dict[str, Any]]:
    answer = client.chat.completions.create(model="stub", messages=MESSAGES, stream=True, **more)
    return [chunk.model_dump(warnings=False) for chunk in answer]


@pytest.mark.parametrize("each", streams(), ids=str)
def test_the_client_gets_the_same_chunks_as_directly(
    each: Stream, client: OpenAI, stub: StubProvider
) -> None:
    half = len(each.body) // 2
    stub.pieces = lambda _: [each.body[:half], each.body[half:]]
    with OpenAI(base_url=f"http://{stub.address}/v1", api_key="x") as direct:
        assert results(client) == results(direct)


def results(client: OpenAI) -> list[dict[str, Any]] | str:
    """The chunks, or the client's own error for a stream that it does not take."""
    try:
        return chunks_of(client)
    except openai.APIError as error:
        return f"{type(error).__name__}: {error.message}"


def test_what_a_stream_holds_leaves_masked_wherever_it_is_cut(client: OpenAI, stub: StubProvider) -> None:
    text = "Write to alice.bernard@example.com, or pay with 4111 1111 1111 1111 today."
    letters = [*(delta(letter) for letter in text), FINISH, DONE]
    stub.pieces = lambda _: letters
    answer = client.chat.completions.create(model="stub-guarded", messages=MESSAGES, stream=True)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in answer)
    assert said == "Write to <email>, or pay with <card> today."


def test_a_held_tool_call_leaves_whole_and_masked(client: OpenAI, stub: StubProvider) -> None:
    arguments = json.dumps({"to": "alice@example.com", "n": 3}).replace("@", "\\u0040")
    stub.pieces = lambda _: tool_call(arguments)
    answer = client.chat.completions.create(model="stub-guarded", messages=MESSAGES, stream=True)
    calls = [c for chunk in answer for c in chunk.choices[0].delta.tool_calls or ()]
    assert json.loads("".join(c.function.arguments or "" for c in calls if c.function)) == {
        "to": "<email>",
        "n": 3,
    }


def tool_call(arguments: str) -> Iterator[bytes]:
    def fragment(call: dict[str, Any]) -> bytes:
        return event(
            {**HEAD, "choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}
        )

    yield fragment(
        {"index": 0, "id": "call_1", "type": "function", "function": {"name": "mail", "arguments": ""}}
    )
    for letter in arguments:
        yield fragment({"index": 0, "function": {"arguments": letter}})
    yield event({**HEAD, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
    yield DONE


def test_a_killed_upstream_is_an_error_to_the_client_and_a_record(
    gateway: LocalGateway, stub: StubProvider, evidence: EvidenceReader
) -> None:
    stub.pieces = lambda _: [delta("Hello "), delta("th"), CUT]
    response = streamed(gateway)
    assert DONE not in response.content
    last = json.loads(response.content.rstrip().split(b"\n")[-1][6:])
    assert last["error"]["code"] == "upstream_error"
    (record,) = evidence.of(response.headers["x-request-id"])
    assert (record["outcome"], record["stream"], record["cause"]) == ("failed", True, "cut")


def streamed(gateway: LocalGateway, model: str = "stub") -> httpx.Response:
    return httpx.post(
        f"{gateway.address}/v1/chat/completions",
        headers={"authorization": f"Bearer {gateway.prepared.api_key}"},
        json={"model": model, "messages": MESSAGES, "stream": True},
        timeout=60,
    )


def test_the_clients_own_exception_tells_of_a_killed_upstream(client: OpenAI, stub: StubProvider) -> None:
    stub.pieces = lambda _: [delta("Hello "), CUT]
    with pytest.raises(openai.APIError) as caught:
        chunks_of(client)
    assert caught.value.code == "upstream_error"


def test_a_caller_that_goes_closes_the_upstream_and_leaves_a_record(
    gateway: LocalGateway, stub: StubProvider, evidence: EvidenceReader
) -> None:
    stub.left.clear()
    stub.pieces = lambda _: (delta("on and on ") if n % 2 else 0.02 for n in range(4000))
    with httpx.stream(
        "POST",
        f"{gateway.address}/v1/chat/completions",
        headers={"authorization": f"Bearer {gateway.prepared.api_key}"},
        json={"model": "stub", "messages": MESSAGES, "stream": True},
        timeout=60,
    ) as response:
        next(response.iter_raw())
        request_id = response.headers["x-request-id"]
    assert stub.left.wait(20)
    (record,) = evidence.of(request_id)
    assert record["outcome"] == "disconnected"


def test_a_slow_reader_costs_flat_memory(gateway: LocalGateway, stub: StubProvider) -> None:
    """Thirty megabytes are on offer; 1 KB a second is read. Nobody on the way may take them in."""
    big = delta("x" * 30_000)
    offered = threading.Event()

    def endless() -> Pieces:
        for number in range(1000):
            yield big
            if number == 800:  # 24 MB: more than the kernel's buffers on the way can hold
                offered.set()

    stub.pieces = lambda _: endless()
    with reading_slowly(gateway) as caller:
        assert caller.recv(1024)  # whatever the answer needed started has started
        before = resident_kb()
        ends = time.monotonic() + 5
        while time.monotonic() < ends:
            assert caller.recv(1024)
            time.sleep(1)
        grown_kb = {pid: size - before[pid] for pid, size in resident_kb().items() if pid in before}
        assert len(before) > 1, "no environment of the gateway was looked at"
    assert not offered.is_set(), "somebody took in what nobody read"
    assert max(grown_kb.values(), default=0) < 8_000, grown_kb


class reading_slowly:  # noqa: N801 - used like a function
    """A raw connection with a small buffer of its own."""

    def __init__(self, gateway: LocalGateway) -> None:
        body = json.dumps({"model": "stub", "messages": MESSAGES, "stream": True}).encode()
        host, port = gateway.address.removeprefix("http://").split(":")
        self._caller = socket.socket()
        self._caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self._caller.settimeout(30)
        self._caller.connect((host, int(port)))
        head = (
            "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {gateway.prepared.api_key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._caller.sendall(head.encode() + body)

    def __enter__(self) -> socket.socket:
        assert self._caller.recv(1024).startswith(b"HTTP/1.1 200")
        return self._caller

    def __exit__(self, *_: object) -> None:
        self._caller.close()


def resident_kb() -> dict[int, int]:
    """Memory of this process, where the front runs, and of every environment of its gateway: its children."""
    own = os.getpid()
    sizes = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
            command = (process / "cmdline").read_bytes()
            serves = int(said["PPid"]) == own and b"functions.gateway.handler" in command
            if serves or process.name == str(own):
                sizes[int(process.name)] = int(said["VmRSS"].split()[0])
    return sizes


def test_fifty_streams_at_once(gateway: LocalGateway, stub: StubProvider, evidence: EvidenceReader) -> None:
    stub.pieces = lambda _: [
        *(piece for word in range(20) for piece in (delta(f"{word} "), 0.02)),
        FINISH,
        DONE,
    ]
    expected = "".join(f"{word} " for word in range(20))

    def one(_: int) -> tuple[str, str]:
        response = streamed(gateway)
        events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: {")]
        text = "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])
        assert response.content.endswith(DONE)
        return response.headers["x-request-id"], text

    with ThreadPoolExecutor(CONCURRENT) as callers:
        answers = list(callers.map(one, range(CONCURRENT)))
    assert {text for _, text in answers} == {expected}
    assert len({request_id for request_id, _ in answers}) == CONCURRENT
    for request_id, _ in answers:
        evidence.of(request_id)


def test_a_stream_of_the_echo_is_its_unary_answer(client: OpenAI) -> None:
    asked: Any = [{"role": "user", "content": "one two three"}]
    whole = client.chat.completions.create(model="echo", messages=asked).choices[0].message.content
    answer = client.chat.completions.create(model="echo", messages=asked, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in answer) == whole
