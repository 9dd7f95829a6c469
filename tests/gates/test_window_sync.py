"""Where a piece may begin, and what of it can be believed."""

from __future__ import annotations

from penstock.gates.window_sync import fresh_starts, in_step
from penstock.sdk.edits import Replace


def spans(*places: tuple[int, int]) -> list[Replace]:
    return [Replace(start, end, "") for start, end in places]


def test_what_is_new_is_believed_where_both_scans_agree() -> None:
    assert in_step(spans((2, 4), (8, 10)), spans((8, 10), (14, 16)), 6, 12) == spans((14, 16))


def test_what_lacks_its_left_context_need_not_agree() -> None:
    assert in_step(spans((2, 4)), spans((1, 3), (14, 16)), 6, 12) == spans((14, 16))


def test_matches_that_are_out_of_step_are_not_believed() -> None:
    assert in_step(spans((6, 8), (8, 10), (10, 12)), spans((7, 9), (9, 11), (11, 13)), 7, 12) is None


def test_a_match_that_reaches_into_new_text_from_before_is_not_believed() -> None:
    assert in_step([], spans((11, 13)), 6, 12) is None


def test_a_difference_where_both_could_be_told_is_not_believed() -> None:
    assert in_step(spans((8, 10)), spans((14, 16)), 6, 12) is None
    assert in_step([], spans((8, 10), (14, 16)), 6, 12) is None
    assert in_step([Replace(8, 10, "1")], [Replace(8, 10, "2")], 6, 12) is None


def test_they_may_come_into_step_late_but_not_after_the_release() -> None:
    applied, found = spans((5, 8), (8, 10)), spans((6, 8), (8, 10), (12, 14))
    assert in_step(applied, found, 6, 12) == spans((12, 14))
    assert in_step(spans((5, 8)), spans((6, 9)), 6, 8) is None


def test_without_a_cut_everything_has_to_agree() -> None:
    assert in_step(spans((0, 1)), spans((0, 1), (3, 4)), 0, 2) == spans((3, 4))
    assert in_step(spans((0, 1)), spans((3, 4)), 0, 2) is None


def test_an_insertion_at_the_release_point_is_new() -> None:
    assert in_step(spans((2, 4)), spans((2, 4), (4, 4)), 0, 4) == spans((4, 4))


def test_a_piece_begins_at_a_lines_end_or_a_space_or_anywhere() -> None:
    assert list(fresh_starts("ab\ncd ef", 100, [], 100, 107)) == [102]
    assert list(fresh_starts("abxcd ef", 100, [], 100, 107)) == [105]
    assert list(fresh_starts("abxcd ef", 100, [], 106, 107)) == [107]


def test_a_piece_never_begins_inside_a_match() -> None:
    assert list(fresh_starts("abcdefgh", 100, spans((103, 108)), 104, 106)) == [103]


def test_a_piece_begins_after_the_one_before() -> None:
    assert list(fresh_starts("\nbcdefgh", 100, [], 90, 104)) == [104]
    assert list(fresh_starts("abcdefgh", 100, spans((100, 108)), 104, 106)) == []


def test_else_a_piece_begins_at_the_last_gap_between_matches() -> None:
    applied = spans((100, 102), (103, 105), (105, 107), (107, 109), (110, 112))
    assert list(fresh_starts("." * 12, 100, applied, 106, 108)) == [107, 102]
