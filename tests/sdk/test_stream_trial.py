"""The reference window against the gateway's own, and each way in which a plugin can differ on a stream."""

from __future__ import annotations

import random
import re
from typing import Any

import pytest

from penstock.errors import PluginError
from penstock.gates.window import Blocked, Found
from penstock.sdk import Allow, Block, Respond, Span, SpanEdit, TextEdit, Transform
from penstock.sdk.edits import Replace, find_spans
from penstock.sdk.stream_trial import Find, Look, look_of, stream_problem, streamed
from tests.gates.window_finders import BLOCKS, CASES, Case, cut, run

PROSE = "and so on, " * 12
FIELD = "response.text"
DICE = map(str, range(10_000))


def subs(pattern: str, replacement: str = "<>") -> Find:
    return lambda text, _: Look(find_spans(re.compile(pattern), replacement, text))


def of(case: Case) -> Find:
    def find(text: str, is_end: bool) -> Look:
        found: Found = case.find(text, is_end)
        return Look(tuple(found.spans), found.block, found.reason)

    return find


@pytest.mark.parametrize("name", [*CASES, *(f"block: {name}" for name in BLOCKS)])
def test_the_reference_lets_go_what_the_gateway_s_window_does(name: str) -> None:
    case = BLOCKS[name.removeprefix("block: ")] if name.startswith("block") else CASES[name]
    dice = random.Random(name)
    for _ in range(30):
        text = "".join(dice.choices(case.alphabet, k=dice.randint(0, 50)))
        pieces = cut(text, dice.choices(range(len(text) + 1), k=dice.randint(0, 20)))
        found = streamed(of(case), pieces, case.window_chars, case.max_hold_chars or 0)
        verdict = None if found.at is None else Blocked(found.at, found.reason or "")
        assert found.failure is None
        released, blocked = run(case.window(), pieces)
        assert verdict == blocked, pieces
        if blocked is None:
            assert found.text == released, pieces
        # Before a block one may have let go more than the other: both are the beginning of the same text.
        assert found.text.startswith(released) or released.startswith(found.text), pieces


def test_a_finder_that_keeps_its_side_has_no_problem() -> None:
    text = f"{PROSE}key-abcdefgh {PROSE}"
    assert stream_problem(subs("key-[a-z]{8}"), text, 12, 12) is None
    assert stream_problem(subs("key-[a-z]*+"), text + "key-" + "x" * 30 + PROSE, 8, 100) is None


@pytest.mark.parametrize(
    ("find", "text", "problem"),
    [
        (
            subs("key-[a-z]{8}"),
            f"key-abcdefgh {PROSE}",
            "looks different now. A match has to show within window_chars = 8",
        ),
        (
            subs("BEGIN.*?END"),
            f"BEGIN{PROSE}END{PROSE}",
            "raise it, bound the pattern, or report what is open",
        ),
        (
            lambda text, _: Look(
                tuple(Replace(*m.span(), str(n)) for n, m in enumerate(re.finditer("and", text)))
            ),
            PROSE * 2,
            "number nothing",
        ),
        (lambda text, _: Look(block=Span(0, 3), reason="r"), PROSE, None),
        (
            lambda text, is_end: Look(block=Span(40, 43), reason="r") if is_end else Look(),
            PROSE,
            "looks different now",
        ),
        (
            lambda text, is_end: Look(block=Span(0, 1 + len(text) // 99), reason="r"),
            PROSE,
            "in pieces it is not blocked as the whole text is",
        ),
        (
            lambda text, is_end: Look((Replace(len(text) - 1, len(text), next(DICE)),)),
            PROSE,
            "in pieces it is edited otherwise",
        ),
        (
            lambda text, is_end: Look() if is_end else Look(block=Span(0, 1), reason="r"),
            PROSE,
            "in pieces it is blocked, and whole it is not",
        ),
        (
            lambda text, is_end: Look() if len(text) < 50 else Look((Replace(0, 3, "x"),)),
            PROSE,
            "looks different now",
        ),
        (lambda text, is_end: Look() if is_end else Look((Replace(1 // 0, 1, ""),)), PROSE, "it raised"),
        (lambda text, is_end: Look((Replace(1 // 0, 1, ""),)), PROSE, "it raised ZeroDivisionError"),
    ],
)
def test_each_way_to_differ_is_told_with_what_to_do(find: Find, text: str, problem: str | None) -> None:
    found = stream_problem(find, text, 8, 8)
    assert found is None if problem is None else problem in str(found), found


def test_what_is_wider_than_a_declared_hold_is_for_on_error_and_else_a_problem() -> None:
    text = f"a {'key-' + 'x' * 60} {PROSE}"
    find = subs("key-x*+")
    assert streamed(find, list(text), 8, 40).text == "a "
    assert stream_problem(find, text, 8, 40) is None
    assert "a match is wider than 8 characters" in str(stream_problem(find, text, 8, 8))


def test_what_the_plugin_raised_is_there_for_its_author() -> None:
    def find(text: str, is_end: bool) -> Look:
        raise KeyError("x")

    found = streamed(find, ["a" * 20], 8, 8)
    assert isinstance(found.error, KeyError)
    assert (found.text, str(found.failure)) == ("", "it raised")


def test_a_decision_about_a_piece_is_spans_or_a_block_with_its_place() -> None:
    assert look_of(Allow(), FIELD, "ab") == Look()
    assert look_of(Block("r", Span(0, 1)), FIELD, "ab") == Look(block=Span(0, 1), reason="r")
    edits = (SpanEdit(FIELD, ((0, (Replace(1, 2, "x"),)),)), SpanEdit(FIELD, ((0, (Replace(0, 1, "y"),)),)))
    assert look_of(Transform(*edits), FIELD, "ab").spans == (Replace(0, 1, "y"), Replace(1, 2, "x"))
    assert look_of(Transform(SpanEdit("response.reasoning", ())), FIELD, "ab") == Look()


@pytest.mark.parametrize(
    ("decision", "problem"),
    [
        (Block("r"), "says where"),
        (Block("r", Span(0, 3)), "says where"),
        (Respond.text("x"), "cannot be replaced"),
        (Transform(TextEdit(FIELD, ((0, "x"),))), "only spans"),
        (Transform(SpanEdit("response.reasoning", ((0, (Replace(0, 1, ""),)),))), "only spans"),
        (Transform(SpanEdit(FIELD, ((0, (Replace(0, 1, ""), Replace(0, 2, ""))),))), "overlap"),
    ],
)
def test_what_a_stream_cannot_take_is_refused(decision: Any, problem: str) -> None:
    with pytest.raises(PluginError, match=problem):
        look_of(decision, FIELD, "ab")
