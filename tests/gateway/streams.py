"""Streamed answers for the gateway's tests: events, guards, and what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from penstock.gateway.http import HttpResponse, HttpStream
from penstock.sdk import Context, Decision, Plugin, Request, Respond, Response
from tests.gates.fakes import TEXT, placement_of
from tests.gateway.world import World
from tests.upstream.streams import FakeStream, Step

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "echo-one"}
DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def delta(text: str, choice: int = 0) -> bytes:
    one = {"index": choice, "delta": {"content": text}, "finish_reason": None}
    return event({**HEAD, "choices": [one]})


def finish(choice: int = 0) -> bytes:
    return event({**HEAD, "choices": [{"index": choice, "delta": {}, "finish_reason": "stop"}]})


USAGE_CHUNK = event({**HEAD, "choices": [], "usage": USAGE})
WORDS = [delta("Hello "), delta("there."), finish(), USAGE_CHUNK, DONE]


class After(Plugin):
    def __init__(self, answer: Callable[[Response, Context], Decision]) -> None:
        self.answer = answer

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return self.answer(response, ctx)


class Before(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return Respond.text("From the cache.")


def windowed(answer: Callable[[Response, Context], Decision], **more: Any) -> World:
    placement = placement_of(
        "guard",
        moment="after_upstream",
        reads=(TEXT,),
        writes=(TEXT,),
        effects=("block", "transform"),
        stream="window",
        window_chars=8,
        **more,
    )
    return World({"guard": After(answer)}, placement)


def buffered(answer: Callable[[Response, Context], Decision]) -> World:
    placement = placement_of("guard", moment="after_upstream", reads=(TEXT,), writes=(TEXT,), stream="buffer")
    return World({"guard": After(answer)}, placement)


def upstream(world: World, *steps: Step, **more: Any) -> FakeStream:
    """What the world's upstream will answer with; its silences pass on the world's clock."""
    stream = FakeStream(*steps, pass_time=world.pass_time, **more)
    world.upstream.streams.append(stream)
    return stream


def opened(world: World, **more: Any) -> HttpStream:
    response = world.stream(**more)
    assert isinstance(response, HttpStream), response
    return response


def refused(world: World) -> HttpResponse:
    response = world.stream()
    assert isinstance(response, HttpResponse)
    return response


def said(raw: bytes) -> str:
    """All text of the first choice."""
    events = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: {")]
    trees = [json.loads(one) for one in events]
    return "".join(c["delta"].get("content") or "" for t in trees for c in t.get("choices", ()))


def last_error(raw: bytes) -> str:
    assert DONE not in raw
    return str(json.loads(raw.rstrip().split(b"\n")[-1][6:])["error"]["code"])
