"""What a window keeps, what it lets go and when; where it gives up; and what it costs over long texts."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field
from itertools import count

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.gates.window import Blocked, Find, Found, HoldExceededError, Window
from penstock.sdk.edits import Replace, Span, find_spans
from tests.gates.window_finders import CASES, Case, blocks, edits, run, unary

NOTHING = edits("(?!)")
STEADY = Case(edits(r"\Aaaa|(?<=a)aa", "-"), 3, "a")
"""Two by two from the third on: a piece that begins in a run of `a` is out of step as long as it lasts."""


@dataclass
class Watched:
    """A finder that remembers how much it was shown."""

    find: Find
    sizes: list[int] = field(default_factory=list)

    def __call__(self, piece: str, is_end: bool) -> Found:
        self.sizes.append(len(piece))
        return self.find(piece, is_end)


def fed(window: Window, *pieces: str) -> list[str | Blocked]:
    return [window.feed(piece) for piece in pieces]


def long_text(alphabet: str, size: int) -> str:
    return "".join(random.Random(size).choices(alphabet, k=size))


def in_pieces(text: str, size: int) -> Iterable[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def until_failure(window: Window, pieces: Iterable[str]) -> Iterator[str]:
    """What came out before the window failed."""
    for piece in pieces:
        try:
            out = window.feed(piece)
        except HoldExceededError:
            return
        assert isinstance(out, str)
        yield out


# What is let go


def test_the_last_window_stays_back_until_the_end() -> None:
    window = Window(NOTHING, 4)
    assert fed(window, "abcd", "ef", "") == ["", "ab", ""]
    assert window.end() == "cdef"
    assert window.end() == ""


def test_the_end_may_bring_text_of_its_own() -> None:
    window = Window(edits("aa"), 2)
    assert window.feed("ba") == ""
    assert window.end("ab") == "b<>b"


def test_an_edit_that_touches_the_release_point_is_held_whole() -> None:
    window = Window(edits("k[0-9]*+"), 2, 9)
    assert fed(window, "..k", "123", "45", ". ", ".") == [".", ".", "", "<>", "."]


def test_an_insertion_waits_with_the_match_that_begins_where_it_is() -> None:
    find = edits("(?=ab)|ab", "|")
    assert run(Window(find, 2), ["aa", "b", "b", "b"]) == ("a||bb", None)


def test_the_end_of_a_piece_is_not_the_end_of_the_text() -> None:
    told: list[bool] = []

    def find(piece: str, is_end: bool) -> Found:
        told.append(is_end)
        return Found()

    window = Window(find, 2)
    window.feed("abc")
    window.end()
    assert told == [False, True]


def test_a_text_that_never_came_is_looked_at_once() -> None:
    assert Window(edits(r"\Z", "none said"), 4).end() == "none said"


def test_each_edit_is_counted_once() -> None:
    window = Window(edits("ab"), 2)
    run(window, "ab ab ab ab ")
    assert window.edits == 4


def test_nothing_is_looked_at_while_nothing_could_be_let_go() -> None:
    find = Watched(edits("k[0-9]{4}"))
    window = Window(find, 5)
    fed(window, *"k1234")
    assert find.sizes == []
    fed(window, *".")
    assert find.sizes == [6]
    fed(window, *"...")  # what was found open, `k1234`, needs a window after it
    assert find.sizes == [6]


# Blocks


def test_a_block_counts_when_a_window_of_text_follows_it() -> None:
    window = Window(blocks("xx", NOTHING), 3)
    assert fed(window, "...", "..xx..", ".") == ["", "..", Blocked(Span(5, 7), "r")]


def test_a_block_counts_at_the_end() -> None:
    window = Window(blocks("xx", NOTHING), 3)
    assert fed(window, "..xx") == [""]
    assert window.end() == Blocked(Span(2, 4), "r")


def test_an_empty_block_counts_when_the_character_at_its_place_and_a_window_follow() -> None:
    find = blocks("(?!bb)", NOTHING)
    for pieces in (["bbb"], ["bb", "b"], "bbb"):
        assert run(Window(find, 1), pieces)[1] == Blocked(Span(2, 2), "r")


def test_a_block_that_later_text_takes_back_does_not_count() -> None:
    window = Window(blocks("x(?!y)", edits("z")), 2)
    assert run(window, ["z.x", "y.z"]) == ("<>.xy.<>", None)


def test_a_block_begun_long_ago_counts_though_it_never_ends() -> None:
    window = Window(blocks("<<[ab]*+", NOTHING), 2, 5)
    assert fed(window, "..<<", "aab", "b", "b") == ["", "", "", Blocked(Span(2, 9), "r")]


def test_a_verdict_stays() -> None:
    window = Window(blocks("xx", NOTHING), 2)
    verdict = window.feed("xx..")
    assert verdict == window.feed("more") == window.end("more") == Blocked(Span(0, 2), "r")


@pytest.mark.parametrize(("pattern", "delta"), [("x(?!y)", "yzx"), ("[xw](?![yx])", "yzwx")])
def test_edits_before_a_block_that_is_not_settled_are_not_kept_back_by_it(pattern: str, delta: str) -> None:
    find = Watched(blocks(pattern, edits("z")))
    window = Window(find, 2)
    released = 0
    for _ in range(3_000):  # each delta ends with what would be a block, or two, were it the end
        out = window.feed(delta)
        assert isinstance(out, str)
        released += len(out)
    assert released > 2_990 * (len(delta) + 1)
    assert max(find.sizes) < 40


def test_no_sync_point_is_taken_on_trust_while_a_block_hides_the_edits() -> None:
    find = blocks("x(?!y)", STEADY.find)
    pieces = ["a" * 21, "a" * 20 + "x", *(["y" + "a" * 41, "a" * 20 + "x"] * 20), "y"]
    assert run(Window(find, 3), pieces) == (unary(find, "".join(pieces)), None)


def test_blocks_that_come_to_nothing_for_ever_are_a_failure() -> None:
    def find(piece: str, is_end: bool) -> Found:
        return Found() if is_end else Found(block=Span(len(piece) - 1, len(piece)))

    with pytest.raises(HoldExceededError, match="come to nothing"):
        run(Window(find, 2), "." * 10_000)


def test_a_block_in_text_that_was_released_is_a_failure() -> None:
    window = Window(blocks("x.*y", NOTHING), 2)
    assert window.feed("x...") == "x."
    with pytest.raises(HoldExceededError, match="looks different now"):
        window.feed("y")


def test_a_block_that_only_a_cut_beginning_shows_does_not_count() -> None:
    """Four digits alone; a piece that begins inside a longer number must not see them."""
    number = "1" * 30 + " "
    find = blocks(r"(?<![0-9])[0-9]{4}(?![0-9])", NOTHING)
    assert run(Window(find, 5, min_step_chars=1), number * 40) == (number * 40, None)


# The bounds


@pytest.mark.parametrize("pieces", [["..k12345678.....k1234."], list("..k12345678.....k1234.")])
def test_a_match_wider_than_the_hold_is_a_failure_however_the_text_is_cut(pieces: list[str]) -> None:
    find = edits("k[0-9]*+")
    assert run(Window(find, 2, 9), pieces) == ("..<>.....<>.", None)
    window = Window(find, 2, 8)
    with pytest.raises(HoldExceededError, match="wider than 8 characters") as caught:
        run(window, pieces)
    assert caught.value.failure is FailureClass.CONTRACT
    assert window.give_up() in {"..k12345678.....k1234.", "k12345678"}


def test_a_match_that_shows_only_when_it_is_whole_needs_a_window_as_wide() -> None:
    text = "." * 20 + "BEGIN" + "a" * 30 + "END" + "." * 20
    find = edits("BEGINa{0,50}END")
    assert run(Window(find, 58), text) == ("." * 20 + "<>" + "." * 20, None)
    with pytest.raises(HoldExceededError, match="looks different now"):
        run(Window(find, 20, 58), text)


def test_a_finder_that_reports_what_is_open_needs_no_window_as_wide() -> None:
    whole, opened = re.compile("BEGINa{0,50}END"), re.compile(r"BEGINa{0,50}(?:EN?)?\Z")

    def find(piece: str, is_end: bool) -> Found:
        spans = [*find_spans(whole, "<>", piece), *(() if is_end else find_spans(opened, "", piece))]
        return Found(spans)

    dice = random.Random(1)
    for _ in range(200):
        text = "".join(dice.choice(["BEGIN", "aaaa", "END", "E", ".", "a" * 30]) for _ in range(30))
        assert run(Window(find, 6, 58), text) == (unary(find, text), None)


def test_replacements_that_depend_on_earlier_ones_are_a_failure() -> None:
    def find(piece: str, is_end: bool) -> Found:
        numbers = count(1)
        return Found(find_spans(re.compile("k"), lambda _: f"<{next(numbers)}>", piece))

    window = Window(find, 4)
    with pytest.raises(HoldExceededError, match="place to begin anew"):
        run(window, in_pieces("k" * 10_000, 50))


def test_the_older_sync_point_serves_until_a_new_one_agrees() -> None:
    text = ("a" * 301 + "\n") * 60
    find = Watched(STEADY.find)
    assert run(Window(find, 3), in_pieces(text, 16)) == (unary(STEADY.find, text), None)
    assert 300 < max(find.sizes) < 2 * 301 + 60


def test_where_no_new_sync_point_agrees_within_the_bound_it_is_a_failure() -> None:
    text = "a" * 20_000
    window, whole = Window(STEADY.find, 3), unary(STEADY.find, text)
    released = "".join(until_failure(window, in_pieces(text, 100)))
    assert isinstance(whole, str)
    assert whole.startswith(released)
    assert 1_500 < len(released) < 2_500
    with pytest.raises(HoldExceededError, match="place to begin anew"):
        window.feed("a")


# Failures


def test_an_exception_comes_out_and_nothing_is_lost() -> None:
    calls = count()

    def find(piece: str, is_end: bool) -> Found:
        if next(calls) == 2:
            raise TimeoutError
        return Found(find_spans(re.compile("a"), "<>", piece))

    window = Window(find, 2, min_step_chars=1)
    assert window.feed("a..") == "<>"
    with pytest.raises(TimeoutError):
        window.feed("a" * 20)
    assert window.give_up() == "..<><>" + "a" * 18
    assert (window.feed("a"), window.end("a"), window.end(), window.give_up()) == ("a", "a", "", "")


def test_who_does_not_give_up_may_try_again() -> None:
    calls = count()

    def find(piece: str, is_end: bool) -> Found:
        if next(calls) in {0, 2}:
            raise TimeoutError
        return Found(find_spans(re.compile("a"), "<>", piece))

    window = Window(find, 2)
    with pytest.raises(TimeoutError):
        window.feed("aaaa")
    assert window.feed("") == "<><>"
    with pytest.raises(TimeoutError):
        window.end("a")
    assert window.end() == "<><><>"


def test_text_after_the_end_is_a_fault_of_ours() -> None:
    window = Window(NOTHING, 2)
    window.end("ab")
    with pytest.raises(RuntimeError):
        window.feed("c")


@pytest.mark.parametrize(
    "found",
    [
        Found([Replace(2, 4, ""), Replace(3, 5, "")]),
        Found([Replace(3, 2, "")]),
        Found([Replace(0, 99, "")]),
        Found([Replace(-1, 2, "")]),
        Found(block=Span(3, 2)),
        Found(block=Span(0, 99)),
    ],
)
def test_spans_that_overlap_or_leave_the_piece_break_the_contract(found: Found) -> None:
    with pytest.raises(PluginError, match="overlap or leave") as caught:
        Window(lambda piece, is_end: found, 2).feed("." * 9)
    assert caught.value.failure is FailureClass.CONTRACT
    with pytest.raises(PluginError, match="overlap or leave"):
        Window(lambda piece, is_end: found, 2).end("." * 9)


# Cost


@pytest.mark.parametrize("name", ["a bounded width", "pairs", "whole words", "chains of finds", "insertions"])
def test_pieces_and_what_is_shown_for_each_character_do_not_grow_with_the_text(name: str) -> None:
    case, shown = CASES[name], []
    for size in (4_000, 32_000):
        find = Watched(case.find)
        text = long_text(case.alphabet, size)
        result = run(Window(find, case.window_chars, case.max_hold_chars), in_pieces(text, 16))
        assert result == (unary(case.find, text), None)
        assert max(find.sizes) <= 5 * case.window_chars + 2 * 60 + 16  # 60: chains wider than that are rare
        shown.append(sum(find.sizes) / size)
    assert shown[1] < 1.1 * shown[0]


def test_a_long_text_in_one_piece_is_looked_at_in_steps() -> None:
    find = Watched(edits("ab"))
    text = long_text("ab ", 50_000)
    assert run(Window(find, 2), [text]) == (unary(edits("ab"), text), None)
    assert max(find.sizes) < 1200
    assert sum(find.sizes) < 1.1 * len(text)


def test_an_edit_that_is_held_for_long_is_looked_at_once_a_window() -> None:
    find = Watched(edits("k[0-9]*+"))
    run(Window(find, 50, 5_000), "k" + "1" * 4_999 + ".")
    assert len(find.sizes) < 110


def test_memory_is_flat() -> None:
    window = Window(edits("aa"), 20)
    for _ in range(5_000):
        window.feed("aaab a\n")
        assert sum(len(value) for value in vars(window).values() if isinstance(value, Sized)) < 120
