"""What one windowed placement leaves: its one record, as of a unary answer, whatever became of the stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from penstock.denial import Denial
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Mode
from penstock.gates.stream_run import StreamRun
from penstock.gates.stream_turn import Ruling
from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    MemberEdit,
    Plugin,
    Respond,
    Response,
    SpanEdit,
    TextEdit,
    Transform,
)
from penstock.sdk.edits import Replace, Span
from penstock.sdk.projection import Piece
from tests.gates.fakes import TEXT, USER, FakeContent, exchange_of, request_of
from tests.gates.streaming import (
    CALLS,
    REASONING,
    RECORDS,
    Clock,
    Finds,
    Looks,
    Streamed,
    channel_of,
    gate_over,
    started,
    stream,
    told,
    unary,
    windowed,
)
from tests.gates.window_finders import blocks, edits

Answers = Callable[[Any, Context], Any]


def streamed(
    plugin: Plugin, *texts: str, window_chars: int = 2, clock: Clock | None = None, **more: Any
) -> Streamed:
    """One plugin over one channel; every text is looked at when it comes."""
    clock = clock or Clock()
    exchange = more.pop("exchange", {})
    gate = gate_over({"one": plugin}, windowed("one", window_chars, **more), clock=clock)
    return stream(gate, [(channel_of(0), TEXT, t) for t in texts], clock=clock, step_s=0.06, **exchange)


def whole(plugin: Plugin, content: FakeContent, **more: Any) -> tuple[FakeContent, StreamRun]:
    run = started(plugin, **more)
    assert run.guard is not None
    return run.guard.whole(content), run


# Pieces


def test_a_piece_is_shown_as_the_one_text_of_its_field_beside_what_a_unary_run_shows() -> None:
    seen: list[dict[str, Any]] = []

    def look(response: Response, _: Context) -> Decision:
        seen.append(dict(response._projection.values))
        return Allow()

    reads = (TEXT, REASONING, "response.usage", "response.status", USER)
    exchange = {"content": request_of("hello"), "usage": {"input_tokens": 3}}
    streamed(Looks(look), "abcdef", reads=reads, writes=(), max_hold_chars=9, exchange=exchange)
    first, last = seen[0], seen[-1]
    assert (first[TEXT].texts, first[TEXT].piece) == (("abcdef",), Piece(False, 2, 9))
    assert last[TEXT].piece == Piece(True, 2, 9)
    assert (first[REASONING].texts, first["response.usage"], first["response.status"]) == ((), {}, 200)
    assert first[USER].texts == ("hello",)


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (lambda r, c: Block("reason"), "contract"),
        (lambda r, c: Block("unknown", at=Span(0, 1)), "contract"),
        (lambda r, c: Block("reason", at=Span(0, 99)), "contract"),
        (lambda r, c: Respond("instead"), "contract"),
        (lambda r, c: None, "contract"),
        (lambda r, c: Transform(TextEdit(TEXT, ((0, "new"),))), "contract"),
        (lambda r, c: Transform(MemberEdit("response.metadata", "a", "b")), "contract"),
        (lambda r, c: Transform(SpanEdit(TEXT, ((0, (Replace(2, 1, ""),)),))), "contract"),
        (lambda r, c: r.request.identity, "contract"),
        (lambda r, c: c.record("unknown", 1), "contract"),
        (lambda r, c: 1 / 0, "exception"),
    ],
)
@pytest.mark.parametrize("on_error", ["block", "allow"])
@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_a_failure_on_a_piece_is_recorded_once_and_on_error_decides(
    answer: Answers, failure: str, on_error: str, mode: Mode
) -> None:
    plugin = Looks(answer)
    done = streamed(plugin, "abcdef", "ghi", on_error=on_error, mode=mode, writes=(TEXT, "response.metadata"))
    (record,) = done.records
    assert (record.action, record.failure, record.calls, plugin.calls) == ("fail", failure, 1, 1)
    assert record.changed == []
    if on_error == "block" and mode is Mode.ENFORCE:
        assert done.result.denial is not None
        assert (done.result.denial.code, done.result.denial.status) == ("plugin_unavailable", 503)
        assert done.texts[channel_of(0)] == ""
    else:
        assert done.result.denial is None
        assert done.texts[channel_of(0)] == "abcdefghi"


def test_a_match_beyond_the_hold_breaks_the_contract() -> None:
    done = streamed(Finds(edits("a+", "")), "x", "aaaaaa", "aaaaaa", max_hold_chars=4)
    assert done.result.denial is not None
    assert (done.records[0].action, done.records[0].failure) == ("fail", "contract")


def test_who_failed_saw_what_it_was_shown_and_no_more() -> None:
    plugin = Looks(lambda r, c: 1 / 0)
    gate = gate_over(
        {"one": plugin}, windowed("one", 2, on_error="allow", reads=(TEXT, CALLS)), clock=Clock()
    )
    run = gate.stream(exchange_of(status=200), Overrides())
    assert run.guard is not None
    run.guard.text(channel_of(0), TEXT, "x" * 100)
    run.guard.text(channel_of(0), TEXT, "y" * 100)
    run.guard.end(channel_of(0))
    run.guard.whole(CALL)
    saw = run.finish(None).records[0].saw
    assert saw is not None
    assert saw.chars == 100


def test_a_fault_of_ours_is_the_placements_failure_and_ends_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("penstock.gates.window.Window._look", lambda self, size: 1 / 0)
    done = streamed(Finds(edits("a", "b")), "aaaa", "a", on_error="allow")
    assert done.texts == {channel_of(0): "aaaaa"}
    assert (done.records[0].failure, done.result.denial) == ("exception", None)


# Blocks


def test_a_block_denies_as_the_unary_gate_does() -> None:
    plugin = Finds(blocks("bad", edits("x", "y")))
    done = streamed(plugin, "x x x x bad and more")
    result, _ = unary(gate_over({"one": plugin}, windowed("one", 2)), FakeContent({TEXT: ("x bad",)}))
    assert done.result.denial == result.denial
    (record,) = done.records
    assert (record.action, record.reason, record.also) == ("block", "reason", [])
    assert "y y y y ".startswith(done.texts[channel_of(0)])


def test_a_block_after_edits_that_have_left_names_both() -> None:
    done = streamed(Finds(blocks("bad", edits("x", "y"))), "x x x x ", "bad and more")
    assert (done.records[0].action, done.records[0].also) == ("block", ["transform"])
    assert done.records[0].changed[0].edits == done.texts[channel_of(0)].count("y") > 0


def test_a_block_in_shadow_is_said_once_and_ends_its_looking() -> None:
    plugin = Finds(blocks("bad", edits("x", "y")))
    done = streamed(plugin, "x bad .", " and bad", mode=Mode.SHADOW)
    (record,) = done.records
    assert done.texts == {channel_of(0): "x bad . and bad"}
    assert (record.action, record.would, record.reason, record.changed) == (
        "allow",
        "would_block",
        "reason",
        [],
    )
    assert plugin.calls == record.calls == 1


def test_what_would_have_been_edited_before_a_block_in_shadow_did_not_change() -> None:
    plugin = Finds(blocks("bad", edits("x", "y")))
    done = streamed(plugin, "x " * 40, "bad and more", mode=Mode.SHADOW)
    assert plugin.calls > 1
    assert (done.records[0].would, done.records[0].changed) == ("would_block", [])


def test_the_first_ruling_stands() -> None:
    ruling, first = Ruling(), Denial("a.b", "First.", 403, "plugin_blocked")
    ruling.stop(first)
    ruling.stop(Denial("c.d", "Second.", 403, "plugin_blocked"))
    assert ruling.denial is first


# Records


def test_what_is_recorded_is_what_one_look_at_all_of_it_records() -> None:
    plugin = Finds(edits("a", "b"), records=True)
    text = "xa" * 100
    done = streamed(plugin, *text)
    (record,) = done.records
    assert record.calls == plugin.calls > 50
    assert (record.action, record.also, record.recorded) == ("transform", ["record"], {"found": 100})


def test_without_a_record_nobody_is_asked_again() -> None:
    plugin = Finds(edits("a", "b"))
    streamed(plugin, "xxxxaxxxx")
    assert plugin.calls == 2


def test_a_last_look_that_fails_is_recorded_and_changes_nothing() -> None:
    def once_too_often(response: Response, ctx: Context) -> Decision:
        if response._projection.values[TEXT].piece is None:
            raise ValueError
        ctx.record("found", 1)
        return Transform(response.text.sub("a", "b"))

    done = streamed(Looks(once_too_often), "xaxaxa")
    (record,) = done.records
    assert (record.action, record.failure, record.also, record.recorded) == (
        "fail",
        "exception",
        ["transform"],
        {},
    )
    assert (done.result.denial, done.texts) == (None, {channel_of(0): "xbxbxb"})


def test_who_failed_is_asked_no_more() -> None:
    def fails(response: Response, ctx: Context) -> Decision:
        ctx.record("found", 1)
        raise ValueError

    plugin = Looks(fails)
    done = streamed(plugin, "abcdef", on_error="allow")
    assert (plugin.calls, done.records[0].recorded) == (1, {})


def test_a_placement_whose_fields_never_came_is_asked_once_as_of_a_unary_answer() -> None:
    def counts(response: Response, ctx: Context) -> Decision:
        ctx.record("found", len(response.text))
        return Allow()

    plugin, placement = Looks(counts), windowed("one", 2)
    gate = gate_over({"one": plugin}, placement)
    done = stream(gate, [])
    result, _ = unary(gate, FakeContent({}))
    assert [told(record) for record in done.records] == [told(record) for record in result.records]


def test_time_inside_calls_is_the_records_and_waiting_is_not() -> None:
    clock = Clock()

    def slow(_: Response, __: Context) -> Decision:
        clock.now_s += 0.010
        return Allow()

    done = streamed(Looks(slow), "abcdef", "ghi", clock=clock)
    assert done.records[0].calls == 3
    assert done.records[0].ms == pytest.approx(30, abs=1)
    assert done.result.ms == pytest.approx(30, abs=1)


# What stands whole


CALL = FakeContent({CALLS: ("get", "a b", "bab")})


def test_what_is_whole_is_edited_in_one_call_and_its_record_is_the_unary_one() -> None:
    plugin = Finds(edits("a", "<>"), records=True)
    left, run = whole(plugin, CALL, reads=(CALLS,))
    assert left.texts(CALLS).texts == ("get", "<> b", "b<>b")
    assert plugin.calls == 1
    result, _ = unary(gate_over({"one": plugin}, windowed("one", 2, reads=(CALLS,))), CALL)
    assert [told(r) for r in run.finish(left).records] == [told(r) for r in result.records]


def test_what_nothing_edits_is_the_same_object() -> None:
    for find in (edits("(?!)"), edits("a", "a")):
        assert whole(Finds(find), CALL, reads=(CALLS,))[0] is CALL
    assert whole(Finds(edits("a", "b")), CALL, reads=(CALLS,), mode=Mode.SHADOW)[0] is CALL
    assert whole(Finds(edits("a", "b")), CALL, reads=(CALLS, TEXT), on_error="allow")[0] is not CALL


def test_whole_texts_may_be_edited_whole_and_blocked_without_a_place() -> None:
    left, _ = whole(Looks(lambda r, c: Transform(r.tool_calls.map(str.upper))), CALL, reads=(CALLS,))
    assert left.texts(CALLS).texts == ("GET", "A B", "BAB")
    _, run = whole(Looks(lambda r, c: Block("reason")), CALL, reads=(CALLS,))
    assert run.guard is not None
    assert run.guard.denial is not None
    assert run.guard.denial.code == "one.reason"
    assert run.finish(None).records[0].action == "block"


def test_a_placement_that_reads_nothing_of_it_is_not_asked() -> None:
    plugin = Finds(edits("a", "b"))
    left, _ = whole(plugin, CALL, uninspected={"default": "allow"})
    assert (left, plugin.calls) == (CALL, 0)


@pytest.mark.parametrize("on_error", ["block", "allow"])
def test_a_failure_on_what_is_whole_follows_on_error_too(on_error: str) -> None:
    misfit = SpanEdit(CALLS, ((7, (Replace(0, 1, ""),)),))
    plugin = Looks(lambda r, c: Transform(misfit))
    left, run = whole(plugin, CALL, reads=(CALLS,), on_error=on_error)
    assert run.guard is not None
    assert left is CALL
    assert (run.guard.denial is None) == (on_error == "allow")
    run.guard.whole(CALL)
    assert plugin.calls == 1
    record = run.finish(left).records[0]
    assert (record.action, record.failure, record.calls) == ("fail", "contract", 1)


def test_texts_in_windows_and_whole_ones_add_up_in_one_record() -> None:
    plugin = Finds(edits("a", "<>"), records=True)
    placement = windowed("one", 2, reads=(TEXT, CALLS))
    gate = gate_over({"one": plugin}, placement)
    run = gate.stream(exchange_of(status=200), Overrides())
    assert run.guard is not None
    text = run.guard.text(channel_of(0), TEXT, "banana") + run.guard.end(channel_of(0))
    left = run.guard.whole(CALL)
    result, response = unary(gate, FakeContent({TEXT: ("banana",), **CALL.values}))
    assert ((text,), left.texts(CALLS).texts) == (response.values[TEXT], response.values[CALLS])
    assert [told(r) for r in run.finish(response).records] == [told(r) for r in result.records]


def test_records_keep_to_their_declared_bounds_over_the_whole_answer() -> None:
    plugin = Finds(edits("a", "b"), records=True)
    done = streamed(plugin, "a" * 50, records=RECORDS)
    assert done.records[0].recorded == {"found": 50}
