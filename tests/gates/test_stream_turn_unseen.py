"""Nothing unseen on a stream: what a windowed guard cannot see is refused, dropped or allowed."""

from __future__ import annotations

from typing import Any

from penstock.content import Unseen
from penstock.gates.placement import Mode
from penstock.gates.stream_run import StreamRun
from tests.gates.fakes import TEXT, FakeContent
from tests.gates.streaming import (
    REASONING,
    Finds,
    Looks,
    channel_of,
    gate_over,
    started,
    told,
    unary,
    windowed,
)
from tests.gates.window_finders import edits

IMAGE = Unseen("choices[*].image", "image", ("choices", 0))


def inspected(content: FakeContent, **more: Any) -> tuple[FakeContent, StreamRun]:
    run = started(Finds(edits("a", "b")), **more)
    assert run.guard is not None
    return run.guard.admit(content), run


def test_what_it_cannot_see_is_refused_by_default_in_the_words_of_the_unary_gate() -> None:
    content = FakeContent({TEXT: ("hi",)}, unseen=(IMAGE,))
    _, run = inspected(content)
    result, _ = unary(gate_over({"one": Finds(edits("a", "b"))}, windowed("one", 2)), content)
    finished = run.finish(None)
    assert finished.denial == result.denial
    assert finished.uninspected == result.uninspected
    assert told(finished.records[0]) == told(result.records[0])


def test_what_is_to_be_dropped_is_dropped_and_what_cannot_be_is_refused() -> None:
    content = FakeContent({TEXT: ("hi",), REASONING: ("so",)}, unseen=(IMAGE,))
    left, run = inspected(content, uninspected={"default": "drop"})
    assert left.present == {TEXT}
    assert left.unseen == ()
    assert [one.policy for one in run.finish(left).uninspected] == ["drop", "drop"]
    stuck = FakeContent({TEXT: ("hi",)}, unseen=(IMAGE,), stuck=True)
    left, run = inspected(stuck, uninspected={"default": "drop"})
    assert (left is stuck, [one.policy for one in run.finish(None).uninspected]) == (True, ["refuse"])


def test_what_may_pass_passes_as_it_is_and_is_told() -> None:
    content = FakeContent({TEXT: ("hi",)}, unseen=(IMAGE, IMAGE))
    left, run = inspected(content, uninspected={"image": "allow"})
    assert left is content
    assert run.guard is not None
    run.guard.admit(content)
    (told_once,) = run.finish(left).uninspected
    assert (told_once.path, told_once.policy, told_once.count) == (IMAGE.path, "allow", 4)


def test_in_shadow_it_refuses_nothing_drops_nothing_and_says_once_that_it_would_block() -> None:
    plugin = Finds(edits("a", "b"))
    content = FakeContent({TEXT: ("hi",)}, unseen=(IMAGE,))
    run = started(plugin, mode=Mode.SHADOW)
    assert run.guard is not None
    for _ in range(3):
        assert run.guard.admit(content) is content
        assert run.guard.text(channel_of(0), TEXT, "aaaa" * 20) == "aaaa" * 20
    finished = run.finish(content)
    (record,) = finished.records
    assert (record.would, record.reason, record.calls) == ("would_block", "uninspectable_content", 0)
    assert (finished.denial, finished.uninspected, plugin.calls) == (None, [], 0)
    dropping = started(plugin, mode=Mode.SHADOW, uninspected={"default": "drop"})
    assert dropping.guard is not None
    assert dropping.guard.admit(content) is content


def test_who_failed_and_is_passed_by_still_refuses_what_it_could_not_have_seen() -> None:
    run = started(Looks(lambda r, c: 1 / 0), on_error="allow")
    assert run.guard is not None
    run.guard.text(channel_of(0), TEXT, "a" * 80)
    assert run.guard.denial is None
    run.guard.admit(FakeContent({REASONING: ("so",)}))
    finished = run.finish(None)
    assert finished.denial is not None
    assert finished.denial.code == "uninspectable_content"
    assert (finished.records[0].action, finished.records[0].also) == ("fail", ["block"])


def test_in_shadow_who_failed_says_nothing_of_what_it_could_not_see() -> None:
    run = started(Looks(lambda r, c: 1 / 0), mode=Mode.SHADOW)
    assert run.guard is not None
    run.guard.text(channel_of(0), TEXT, "a" * 80)
    run.guard.admit(FakeContent({REASONING: ("so",)}))
    record = run.finish(None).records[0]
    assert (record.action, record.would, record.reason) == ("fail", None, None)
