from __future__ import annotations

import argparse

import pytest

from penstock.cli.arguments import duration_s, name, per_cent, scope


def test_a_time_is_read_in_its_unit() -> None:
    assert [duration_s(text) for text in ("45s", "30m", "12h", "90d")] == [45, 1800, 43_200, 7_776_000]


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "1.5h", "1 d", "9999999d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        duration_s(text)


def test_a_name_is_one_that_evidence_may_hold() -> None:
    assert name("team/app-1") == "team/app-1"
    with pytest.raises(argparse.ArgumentTypeError):
        name("a sentence")


@pytest.mark.parametrize("text", ["-1", "101", "1.5", "x", ""])
def test_per_cent_is_whole_and_up_to_a_hundred(text: str) -> None:
    assert per_cent("100") == 100
    with pytest.raises(argparse.ArgumentTypeError):
        per_cent(text)


def test_a_scope_is_a_dimension_and_its_patterns() -> None:
    assert scope("team=a*,b") == ("team", ("a*", "b"))


@pytest.mark.parametrize("text", ["", "team", "team=", "team=a,,b", "teem=a"])
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        scope(text)
