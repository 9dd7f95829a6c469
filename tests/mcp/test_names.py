"""Names cannot be spelt around."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.mcp.names import NamePatterns, ambiguous, folded, is_plain

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INVISIBLE = st.sampled_from("\u200b\u200d\u2060\ufeff\u00ad\ufe0f\u034f\U000e0041")


@pytest.mark.parametrize(
    "spelling",
    [
        "Delete_File",
        "DELETE_FILE",
        "ｄｅｌｅｔｅ＿ｆｉｌｅ",
        "dele\u200bte_file",
        "delete_\u2060file",
        "delete_ﬁle",
        "𝐝𝐞𝐥𝐞𝐭𝐞_𝐟𝐢𝐥𝐞",
        "ⓓelete_file",
        "delete_\U000e0066file",
    ],
)
def test_a_blocked_name_is_blocked_in_every_spelling(spelling: str) -> None:
    assert NamePatterns.of(["delete_file"]).admits(folded(spelling))
    assert NamePatterns.of([spelling]).admits(folded("delete_file"))


@given(NAMES)
def test_folding_again_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(NAMES, st.lists(INVISIBLE, max_size=4), st.integers(0, 20))
def test_what_shows_nothing_counts_for_nothing(name: str, hidden: list[str], at: int) -> None:
    place = min(at, len(name))
    planted = name[:place] + "".join(hidden) + name[place:]
    # Beside a combining mark an invisible character may keep two characters apart; without one it never does.
    if not any(unicodedata.combining(letter) for letter in unicodedata.normalize("NFKD", name)):
        assert folded(planted) == folded(name)


@given(NAMES)
def test_case_and_compatibility_forms_count_for_nothing(name: str) -> None:
    assert folded(unicodedata.normalize("NFKC", name)) == folded(name)
    assert folded(unicodedata.normalize("NFD", name)) == folded(name)
    assert folded(name.casefold()) == folded(name)


def test_two_spellings_in_one_list_are_both_ambiguous() -> None:
    assert ambiguous(["read", "Read", "write"]) == {"read", "Read"}
    assert ambiguous(["read", "read"]) == {"read"}


def test_letters_that_only_look_alike_are_not_plain() -> None:
    assert is_plain("read_file.v2/x-1")
    assert not is_plain("reаd_file")  # a Cyrillic letter
    assert not is_plain("read file")
    assert not is_plain("")
    assert not is_plain("x" * 129)


def test_a_star_is_any_run_of_characters_and_nothing_else_is_special() -> None:
    patterns = NamePatterns.of(["Read_*", "a.b"])
    assert patterns.admits("read_file")
    assert patterns.admits("a.b")
    assert not patterns.admits("axb")
    assert not NamePatterns.of([]).admits("")
