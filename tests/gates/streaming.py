"""Windowed plugins made of finders, and a stream that feeds a gate's guard as a dialect would."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.content import Content
from penstock.evidence.record import PlacementRecord
from penstock.gates.deadline import Deadlines
from penstock.gates.gate import Gate, GateResult
from penstock.gates.host import Host, InProcessHost
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement, in_order
from penstock.gates.stream_run import StreamRun
from penstock.gates.window import Find, Found
from penstock.sdk import Block, Context, Decision, Response, SpanEdit, Transform
from penstock.sdk.context import RecordSpec
from penstock.sdk.plugin import Plugin
from penstock.sdk.projection import Texts
from penstock.streams import Channel
from tests.gates.fakes import TEXT, FakeContent, exchange_of, loaded, placement_of

REASONING = "response.reasoning"
CALLS = "response.tool_calls"
RECORDS = {"found": RecordSpec(unit="count", minimum=0, maximum=1_000_000)}


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Finds(Plugin):
    """Does what `find` says of each text of the fields that it is granted; may record how much it found."""

    def __init__(self, find: Find, *, records: bool = False) -> None:
        self.find = find
        self.records = records
        self.calls = 0

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        self.calls += 1
        edits: list[SpanEdit] = []
        count = 0
        for texts in views(response):
            found = [self.find(text, True) for text in texts]
            for one in found:
                if one.block:
                    return Block("reason", at=one.block)
            count += sum(len(one.spans) for one in found)
            spans = tuple((index, tuple(one.spans)) for index, one in enumerate(found) if one.spans)
            edits += [SpanEdit(texts.field, spans)] if spans else []
        if self.records and count:
            ctx.record("found", count)
        return Transform(*edits)


class Looks(Plugin):
    """Answers with whatever it was made with, and counts its calls."""

    def __init__(self, answer: Callable[[Response, Context], Any]) -> None:
        self.answer = answer
        self.calls = 0

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        self.calls += 1
        return self.answer(response, ctx)  # type: ignore[no-any-return]  # rubbish is part of the tests


def views(response: Response) -> list[Texts]:
    """The texts of the answer that were granted."""
    known: dict[str, Callable[[], Texts]] = {
        TEXT: lambda: response.text,
        REASONING: lambda: response.reasoning,
        CALLS: lambda: response.tool_calls,
    }
    return [view() for name, view in known.items() if response.grants(name)]


def windowed(name: str, window_chars: int, **more: Any) -> Placement:
    """An ordered placement at the stream's moment that meets it in windows."""
    reads = tuple(more.pop("reads", (TEXT,)))
    settings = {
        "reads": reads,
        "writes": reads,
        "effects": ("block", "transform", "record"),
        "records": RECORDS,
        "stream": "window",
        "window_chars": window_chars,
        "timeout_ms": 60_000,  # a busy machine is no part of these tests
    }
    return placement_of(name, "after_upstream", **(settings | more))


def gate_over(
    plugins: Mapping[str, Plugin],
    *placements: Placement,
    clock: Clock | None = None,
    budget_ms: int = 60_000,
    host: Host | None = None,
) -> Gate:
    """A gate after the upstream; a clock of its own stands still unless it is told."""
    clock = clock or Clock()
    known = {name: loaded(plugin) for name, plugin in plugins.items()}
    host = host or InProcessHost(known, Deadlines(None))
    ordered = in_order(list(placements))
    return Gate("after_upstream", ordered, {"in_process": host}, budget_ms=budget_ms, clock=clock)


Delta = tuple[Channel, str, str]
"""Channel, field, text."""


@dataclass
class Streamed:
    """What became of one stream."""

    run: StreamRun
    result: GateResult
    texts: dict[Channel, str] = field(default_factory=dict)
    """What left of each channel."""

    @property
    def records(self) -> list[PlacementRecord]:
        return self.result.records


def channel_of(choice: int, name: str = TEXT) -> Channel:
    return Channel(choice, name)


def stream(
    gate: Gate,
    deltas: Iterable[Delta],
    *,
    clock: Clock | None = None,
    step_s: float = 0.0,
    overrides: Overrides | None = None,
    is_cut: bool = False,
    **exchange: Any,
) -> Streamed:
    """Feed `deltas`, `step_s` apart; end every channel unless the stream `is_cut`; finish."""
    under_way = exchange_of(status=200, **exchange)
    run = gate.stream(under_way, overrides or Overrides())
    guard = run.guard
    assert guard is not None
    left: dict[Channel, str] = {}
    fields: dict[Channel, str] = {}

    def leave(channel: Channel, text: str) -> None:
        left[channel] = left.get(channel, "") + ("" if guard.denial else text)

    for channel, name, text in deltas:
        fields[channel] = name
        leave(channel, guard.text(channel, name, text))
        if clock is not None:
            clock.now_s += step_s
        for ready, more in guard.due():
            leave(ready, more)
    for channel in [] if is_cut else list(left):
        leave(channel, guard.end(channel))
    whole = guard.denial is None and not is_cut
    return Streamed(run, run.finish(answer_of(left, fields) if whole else None), left)


def answer_of(texts: Mapping[Channel, str], fields: Mapping[Channel, str]) -> FakeContent:
    """The answer that says `texts`, choice by choice."""
    values: dict[str, tuple[str, ...]] = {}
    for channel in sorted(texts, key=lambda channel: (channel.choice is None, channel.choice or 0)):
        name = fields[channel]
        values[name] = (*values.get(name, ()), texts[channel])
    return FakeContent(values)


def unary(gate: Gate, answer: Content, **exchange: Any) -> tuple[GateResult, FakeContent]:
    """What the ordinary gate makes of `answer`."""
    under_way = exchange_of(status=200, response=answer, **exchange)
    result = gate.run(under_way, Overrides())
    assert isinstance(under_way.response, FakeContent)
    return result, under_way.response


def told(record: PlacementRecord) -> dict[str, Any]:
    """What a stream's record has to say as a unary one does."""
    names = ("plugin", "mode", "action", "would", "reason", "failure", "also", "saw", "changed", "recorded")
    return {name: getattr(record, name) for name in names} | {"refused": record.refused}


def nothing(piece: str, is_end: bool) -> Found:
    return Found()


def deltas_of(pieces: Mapping[Channel, Sequence[str]], order: Sequence[int] = ()) -> list[Delta]:
    """The pieces of several channels, interleaved: each number takes the next piece of a channel."""
    queues = {channel: list(texts) for channel, texts in pieces.items()}
    deltas: list[Delta] = []
    turns = iter(order)
    while any(queues.values()):
        ready = [channel for channel, texts in queues.items() if texts]
        channel = ready[next(turns, 0) % len(ready)]
        deltas.append((channel, channel.name, queues[channel].pop(0)))
    return deltas


def started(plugin: Plugin, **more: Any) -> StreamRun:
    """A stream over one plugin, which has just begun."""
    gate = gate_over({"one": plugin}, windowed("one", 2, **more))
    return gate.stream(exchange_of(status=200), Overrides())
