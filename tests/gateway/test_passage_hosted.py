"""Requests whose plugins run in functions of their own: the same answers, no time for what only looks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import UpstreamError
from penstock.evidence.encoding import as_mapping
from penstock.gates.deadline import Deadlines
from penstock.gates.function_host import FunctionHost
from penstock.gates.gate import Gate
from penstock.gates.host import InProcessHost
from penstock.gates.placement import Placement, in_order
from penstock.gateway.http import HttpResponse, HttpStream
from penstock.sdk import Allow, Context, Decision, Request
from penstock.sdk.fields import Moment
from penstock.sdk.loading import LoadedPlugin, load_plugin
from tests.gates.fakes import Says, loaded, placement_of
from tests.gates.hosted import HOSTED, functions_of
from tests.gateway.streams import DONE, WORDS, delta, finish
from tests.gateway.world import World
from tests.upstream.streams import FakeStream

ROOT = Path(__file__).resolve().parent.parent.parent


class Later:
    """A call whose function runs when it is waited for: its timers want this thread."""

    def __init__(self, run: Callable[[], bytes]) -> None:
        self._run = run
        self.ended: float | None = None

    def result(self, _: float) -> bytes:
        raw = self._run()
        self.ended = time.monotonic()
        return raw


class HostedWorld(World):
    """A gateway whose plugins are called through JSON. `told`: in which order things happened."""

    def __init__(self, plugins: dict[str, LoadedPlugin], *placements: Placement) -> None:
        super().__init__({}, *placements)
        self._loaded = plugins
        self._functions = functions_of(plugins, tuple(p for p in placements if p.host == "function"))
        self.told: list[str] = []

    def invoke(self, plugin: str, payload: bytes) -> Later:
        self.told.append("called")

        def run() -> bytes:
            self.told.append("waited for")
            return self._functions[plugin](payload)

        return Later(run)

    def _gate(self, moment: Moment) -> Gate:
        placements = in_order(self._at(moment))
        known = dict.fromkeys((p.plugin for p in placements), HOSTED)
        hosts: Any = {
            "in_process": InProcessHost(self._loaded, Deadlines(None)),
            "function": FunctionHost(self, known),
        }
        return Gate(moment, placements, hosts, budget_ms=20_000)


def watcher(name: str = "watcher", moment: Moment = "before_upstream", **more: Any) -> Placement:
    return placement_of(name, moment, host="function", effects=("record",), timeout_ms=10_000, **more)


def counting(request: Request, ctx: Context) -> Decision:
    ctx.record("found", 1)
    return Allow()


def test_what_only_looks_runs_beside_the_upstream_and_its_record_is_whole() -> None:
    world = HostedWorld({"watcher": loaded(Says(counting))}, watcher())
    post, store = world.upstream.post, world.outbox

    def upstream(*arguments: Any) -> Any:
        world.told.append("upstream")
        return post(*arguments)

    def outbox(*arguments: Any) -> None:
        world.told.append("outcome")
        store(*arguments)

    world.upstream.post, world.outbox = upstream, outbox  # type: ignore[method-assign, assignment]  # a fake's
    assert world.chat("hi").status == 200
    assert world.told == ["called", "upstream", "waited for", "outcome"]
    (record,) = world.record.placements
    assert (record.action, record.host, record.recorded) == ("record", "function", {"found": 1})
    assert record.saw is not None


def test_when_the_upstream_fails_it_is_waited_for_and_recorded_all_the_same() -> None:
    world = HostedWorld({"watcher": loaded(Says(counting))}, watcher())
    world.upstream.error = UpstreamError("down")
    assert world.chat("hi").status == 502
    assert [(r.action, r.recorded) for r in world.record.placements] == [("record", {"found": 1})]


@pytest.mark.parametrize("moment", ["before_upstream", "after_upstream"])
def test_on_a_stream_it_leaves_one_record(moment: Moment) -> None:
    plugin = loaded(Says(counting))
    world = HostedWorld({"watcher": plugin}, watcher(moment=moment))
    world.upstream.streams.append(FakeStream(*WORDS))
    response = world.stream("hi")
    assert isinstance(response, HttpStream)
    assert b"".join(response.chunks) == b"".join(WORDS), "nothing is changed on the way"
    assert [(r.plugin, r.action, r.recorded) for r in world.record.placements] == [
        ("watcher", "record", {"found": 1})
    ]


@pytest.fixture(scope="module")
def card_guard() -> LoadedPlugin:
    return load_plugin(ROOT / "examples" / "card_guard")


def guards(plugin: LoadedPlugin, host: Any, stream: Any = None) -> tuple[Placement, ...]:
    reasons = dict(plugin.manifest.reasons)
    shared: dict[str, Any] = {"host": host, "reasons": reasons, "timeout_ms": 10_000}
    before = placement_of("card-guard", effects=("block", "transform"), **shared)
    after = placement_of("card-guard", "after_upstream", effects=("transform",), stream=stream, **shared)
    return before, replace(after, window_chars=320 if stream == "window" else None)


@pytest.mark.parametrize("text", ["hi", "I am a@b.co", "my card is 4242 4242 4242 4242"])
def test_answers_and_records_are_the_same_in_both_hosts(card_guard: LoadedPlugin, text: str) -> None:
    found = []
    for host in ("in_process", "function"):
        world = HostedWorld({"card-guard": card_guard}, *guards(card_guard, host))
        world.upstream.body = answer("write to jane.doe@example.com")
        response = world.chat(text)
        record: Any = as_mapping(world.record)
        for placement in record["placements"]:
            assert placement.pop("host") == host
            placement.pop("ms")
        found.append((response.status, response.body, world.upstream.seen, record["placements"]))
    assert found[0] == found[1]


def test_a_guard_in_a_function_meets_a_stream_whole_and_its_words_are_those_of_the_window(
    card_guard: LoadedPlugin,
) -> None:
    words = []
    for host, stream in (("in_process", "window"), ("function", "buffer")):
        world = HostedWorld({"card-guard": card_guard}, *guards(card_guard, host, stream))
        world.upstream.streams.append(FakeStream(*chunks("write to jane.doe", "@example.com, ", "please")))
        response = world.stream("hi")
        assert not isinstance(response, HttpResponse)
        words.append(text_of(b"".join(response.chunks)))
    assert words == ["write to <email>, please"] * 2


def answer(text: str) -> Any:
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def chunks(*texts: str) -> list[bytes]:
    return [*map(delta, texts), finish(), DONE]


def text_of(raw: bytes) -> str:
    events = [line.removeprefix(b"data: ") for line in raw.split(b"\n") if line.startswith(b"data: {")]
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    return "".join(choice["delta"].get("content") or "" for choice in choices)
