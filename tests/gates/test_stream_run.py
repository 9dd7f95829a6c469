"""How a gate meets a stream: which way, who runs at its end, and one record for each on every path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from penstock.errors import AccountingError, FailureClass, PluginError
from penstock.gates.deadline import Deadlines
from penstock.gates.gate import Gate
from penstock.gates.host import Answer, InProcessHost, Ran
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement
from penstock.gates.stream_run import StreamRun
from penstock.sdk import Allow, Block, Context, Decision, Response, Transform
from penstock.sdk.plugin import Plugin
from penstock.sdk.projection import Projection
from tests.gates.fakes import TEXT, FakeContent, exchange_of, gate_of, placement_of
from tests.gates.streaming import (
    Clock,
    Finds,
    Looks,
    channel_of,
    gate_over,
    stream,
    windowed,
)
from tests.gates.window_finders import blocks, edits

ANSWER = FakeContent({TEXT: ("hello",)})


def ordered(name: str, **more: Any) -> Placement:
    """One that needs the whole answer."""
    return placement_of(name, "after_upstream", **more)


def independent(name: str, **more: Any) -> Placement:
    return placement_of(name, "after_upstream", effects=("record",), **more)


def run_of(*placements: Placement, overrides: Overrides | None = None, **plugins: Plugin) -> StreamRun:
    known: dict[str, Plugin] = {p.plugin: Looks(lambda r, c: Allow()) for p in placements}
    return gate_of(known | plugins, *placements).stream(exchange_of(status=200), overrides or Overrides())


# The way


@pytest.mark.parametrize(
    ("placement", "way"),
    [
        (ordered("one"), "buffer"),
        (ordered("one", stream="buffer"), "buffer"),
        (windowed("one", 8), "window"),
        (windowed("one", 8, effects=("block", "respond")), "buffer"),
        (windowed("one", 8, reads=("request.messages.user",), writes=(), effects=("block",)), "buffer"),
        (windowed("one", 8, reads=(TEXT, "decisions"), writes=(), effects=("block",)), "buffer"),
        (replace(windowed("one", 8), window_chars=None), "buffer"),
        (independent("one"), "pass"),
        (independent("one", stream="window", window_chars=8), "pass"),
        (ordered("one", mode=Mode.SHADOW), "pass"),
        (windowed("one", 8, mode=Mode.SHADOW), "window"),
        (windowed("one", 8, effects=("block", "respond"), mode=Mode.SHADOW), "pass"),
        (ordered("one", mode=Mode.OFF), "pass"),
        (windowed("one", 8, mode=Mode.OFF), "pass"),
        (windowed("one", 8, rollout=0), "window"),
        (windowed("one", 8, effects=("record",)), "pass"),
        (ordered("one", rollout=0), "pass"),
    ],
)
def test_the_way_follows_what_the_placement_needs_and_may_do(placement: Placement, way: str) -> None:
    run = run_of(placement)
    assert run.way == way
    assert (run.guard is not None) == (way == "window")


def test_a_function_is_never_shown_pieces() -> None:
    assert run_of_function(replace(windowed("one", 8), host="function")).way == "buffer"


def run_of_function(placement: Placement) -> StreamRun:
    host = InProcessHost({}, Deadlines(None))
    gate = Gate("after_upstream", [placement], {"function": host}, budget_ms=100)
    return gate.stream(exchange_of(status=200), Overrides())


def test_one_that_needs_the_whole_makes_the_others_wait_for_it() -> None:
    run = run_of(windowed("one", 8), ordered("two"), independent("three"))
    assert (run.way, run.guard) == ("buffer", None)


def test_windows_beside_what_waits_for_the_end_are_windows() -> None:
    assert run_of(windowed("one", 8), ordered("two", mode=Mode.SHADOW), independent("three")).way == "window"


def test_a_guard_in_shadow_alone_only_watches() -> None:
    shadow = windowed("one", 8, mode=Mode.SHADOW)
    assert run_of(shadow).only_watches
    assert not run_of(shadow, windowed("two", 8)).only_watches


def test_overrides_decide_when_the_stream_begins() -> None:
    killed = Overrides({"two": Override(killed=True)})
    run = run_of(windowed("one", 8), ordered("two"), overrides=killed)
    assert run.way == "window"
    record = run.finish(None).records[1]
    assert (record.action, record.reason) == ("skipped", "killed")


@pytest.mark.parametrize(
    ("placements", "needs"),
    [
        ([], False),
        ([windowed("one", 8)], False),
        ([windowed("one", 8, mode=Mode.SHADOW)], False),
        ([windowed("one", 8), independent("two")], True),
        ([windowed("one", 8), windowed("two", 8, effects=("record",))], True),
        ([windowed("one", 8), independent("two", mode=Mode.OFF)], False),
        ([ordered("one", mode=Mode.SHADOW)], True),
        ([ordered("one")], True),
    ],
)
def test_the_answer_is_needed_when_something_runs_on_it(placements: list[Placement], needs: bool) -> None:
    plugins: dict[str, Plugin] = {p.plugin: Looks(lambda r, c: Allow()) for p in placements}
    host = InProcessHost({}, Deadlines(None))
    gate = (
        gate_of(plugins, *placements)
        if placements
        else Gate("after_upstream", (), {"in_process": host}, budget_ms=9)
    )
    assert gate.stream(exchange_of(status=200), Overrides()).needs_answer == needs


# The end


def test_buffered_the_ordinary_gate_runs_on_the_answer() -> None:
    plugin = Looks(lambda r, c: Block("reason"))
    run = run_of(ordered("one"), one=plugin)
    assert run.finish(ANSWER).denial is not None
    cut_short = run_of(ordered("one"), one=plugin).finish(None)
    assert (cut_short.records[0].reason, plugin.calls) == ("no_context", 1)


def test_who_waits_for_the_end_runs_once_on_what_left() -> None:
    seen: list[tuple[str, ...]] = []

    def look(response: Response, ctx: Context) -> Decision:
        seen.append(tuple(response.text))
        ctx.record("found", 1)
        return Transform(response.text.sub("b", "c")) if response.grants("decisions") else Allow()

    placements = [
        ordered("a", order=0, mode=Mode.SHADOW, reads=(TEXT, "decisions"), effects=("transform", "record")),
        windowed("b", 4, order=1),
        independent("c"),
    ]
    plugins: dict[str, Plugin] = {"a": Looks(look), "b": Finds(edits("a", "b")), "c": Looks(look)}
    done = stream(gate_over(plugins, *placements), [(channel_of(0), TEXT, "xaxa")])
    assert seen == [("xbxb",), ("xbxb",)]
    shadow, window, alone = done.records
    assert (shadow.would, shadow.recorded, shadow.calls) == ("would_transform", {"found": 1}, 1)
    assert (window.action, alone.action, alone.recorded) == ("transform", "record", {"found": 1})


def test_without_an_answer_who_waits_for_it_is_skipped() -> None:
    placements = [windowed("a", 4), independent("b"), ordered("c", mode=Mode.SHADOW)]
    plugins: dict[str, Plugin] = {p.plugin: Finds(edits("a", "b")) for p in placements}
    done = stream(gate_over(plugins, *placements), [(channel_of(0), TEXT, "a" * 99)], is_cut=True)
    reasons = {record.plugin: (record.action, record.reason) for record in done.records}
    assert reasons == {
        "a": ("transform", None),
        "b": ("skipped", "no_context"),
        "c": ("skipped", "no_context"),
    }


def test_after_a_block_the_rest_is_skipped_and_who_ran_before_says_what_it_did() -> None:
    placements = [
        windowed("a", 4, order=0),
        windowed("b", 4, order=1),
        windowed("c", 4, order=2),
        windowed("d", 4, order=3, mode=Mode.OFF),
        independent("e"),
    ]
    plugins: dict[str, Plugin] = {p.plugin: Finds(edits("x", "y")) for p in placements}
    plugins["b"] = Finds(blocks("bad", edits("(?!)")))
    done = stream(gate_over(plugins, *placements), [(channel_of(0), TEXT, "x bad" + "." * 99)])
    told_of = [(record.plugin, record.action, record.reason) for record in done.records]
    assert told_of == [
        ("a", "transform", None),
        ("b", "block", "reason"),
        ("c", "skipped", "after_block"),
        ("d", "skipped", "off"),
        ("e", "skipped", "after_block"),
    ]
    assert done.result.denial is not None


def test_a_block_at_the_end_keeps_the_placements_after_it_from_looking() -> None:
    plugins = {"a": Finds(blocks("bad", edits("(?!)"))), "b": Finds(edits("x", "y"))}
    placements = [windowed("a", 9, order=0), windowed("b", 9, order=1)]
    done = stream(gate_over(dict(plugins), *placements), [(channel_of(0), TEXT, "x bad")])
    assert [(r.action, r.reason) for r in done.records] == [("block", "reason"), ("skipped", "after_block")]
    assert plugins["b"].calls == 0


def test_later_placements_see_what_the_windows_decided() -> None:
    seen: list[Any] = []

    def look(response: Response, _: Context) -> Decision:
        seen.extend(response.request.decisions)
        return Allow()

    shadow = ordered("z", order=9, mode=Mode.SHADOW, reads=(TEXT, "decisions"))
    plugins: dict[str, Plugin] = {"a": Finds(edits("a", "b")), "z": Looks(look)}
    stream(gate_over(plugins, windowed("a", 4), shadow), [(channel_of(0), TEXT, "xaxa")])
    assert [(one["plugin"], one["action"]) for one in seen] == [("a", "transform")]


def test_a_placement_without_its_record_fails_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(windowed("one", 8), windowed("two", 8))
    record = run_of(windowed("two", 8)).finish(None).records[0]
    monkeypatch.setattr("penstock.gates.stream_turn.Turn.settled", lambda self, has_answer: record)
    with pytest.raises(AccountingError):
        run.finish(None)


# Deadlines


class SlowHost:
    """Each call takes what `takes_s` says; past its deadline it is a timeout."""

    def __init__(self, clock: Clock, takes_s: Callable[[int], float]) -> None:
        self.clock = clock
        self.takes_s = takes_s
        self.calls = 0

    def call(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Answer:
        self.calls += 1
        takes_s = self.takes_s(self.calls)
        self.clock.now_s += min(takes_s, seconds)
        if takes_s > seconds:
            return Answer(failure=PluginError(FailureClass.TIMEOUT, ""))
        return Answer(Allow())

    def start(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Ran:
        return Ran(self.call(placement, projection, request_id, seconds))

    def begin(self) -> None: ...

    def rest(self) -> None: ...

    def end(self) -> None: ...


@pytest.mark.parametrize("on_error", ["block", "allow"])
def test_a_call_that_takes_too_long_is_a_timeout_and_on_error_decides(on_error: str) -> None:
    clock = Clock()
    host = SlowHost(clock, lambda call: 0.3 if call == 3 else 0.001)
    gate = gate_over({}, windowed("one", 8, timeout_ms=200, on_error=on_error), clock=clock, host=host)
    done = stream(gate, [(channel_of(0), TEXT, f"{at:08}" * 8) for at in range(8)], clock=clock, step_s=1.0)
    (record,) = done.records
    assert (record.action, record.failure, record.calls) == ("fail", "timeout", 3)
    if on_error == "allow":
        assert done.texts[channel_of(0)] == "".join(f"{at:08}" * 8 for at in range(8))
    else:
        assert done.result.denial is not None
        assert done.result.denial.status == 503


def test_many_calls_that_are_each_in_time_are_late_together() -> None:
    clock = Clock()
    host = SlowHost(clock, lambda call: 0.05)
    gate = gate_over({}, windowed("one", 8, timeout_ms=200), clock=clock, host=host, budget_ms=1_000)
    done = stream(gate, [(channel_of(0), TEXT, "x" * 64) for _ in range(100)], clock=clock, step_s=5.0)
    (record,) = done.records
    assert (record.failure, record.calls) == ("timeout", 20)
    assert record.ms == pytest.approx(1_000, abs=60)


def test_text_that_is_shown_again_brings_no_more_time() -> None:
    clock = Clock()
    host = SlowHost(clock, lambda call: 0.004)
    gate = gate_over({}, windowed("one", 512, timeout_ms=200), clock=clock, host=host, budget_ms=1_000)
    done = stream(gate, [(channel_of(0), TEXT, "x" * 64) for _ in range(1_000)], clock=clock)
    assert done.records[0].failure == "timeout"
    assert 249 <= done.records[0].calls <= 252


def test_a_long_answer_has_as_much_time_for_each_character_as_a_short_one() -> None:
    clock = Clock()
    host = SlowHost(clock, lambda call: 0.000_5)
    gate = gate_over({}, windowed("one", 8, timeout_ms=200), clock=clock, host=host, budget_ms=1_000)
    done = stream(gate, [(channel_of(0), TEXT, "x" * 64) for _ in range(10_000)], clock=clock)
    assert (done.records[0].failure, done.result.denial) == (None, None)
    assert done.records[0].ms > 4_000


def test_a_plugin_that_loops_is_interrupted_in_the_middle_of_a_stream() -> None:
    def loops(response: Response, _: Context) -> Decision:
        while "bad" in response.text[0]:
            pass
        return Allow()

    gate = gate_over({"one": Looks(loops)}, windowed("one", 8, timeout_ms=50))
    done = stream(gate, [(channel_of(0), TEXT, "x" * 80), (channel_of(0), TEXT, "bad" + "x" * 80)])
    assert (done.records[0].failure, done.records[0].calls) == ("timeout", 2)
    assert done.result.denial is not None
