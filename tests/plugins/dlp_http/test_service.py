from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sdk.edits import apply_spans
from plugins.dlp_http.service import Finding, MalformedError, Policy, kind_of

TEXT = "abcdefghijklmnopqrst"
PLACES = st.tuples(st.integers(0, 19), st.integers(1, 20)).filter(lambda place: place[0] < place[1])
FINDINGS = st.lists(st.builds(lambda place, kind: Finding(kind, *place), PLACES, st.sampled_from("AB")))


@given(findings=FINDINGS)
def test_whatever_overlaps_nothing_that_was_found_is_left_and_nothing_else_is_gone(
    findings: list[Finding],
) -> None:
    spans = Policy({}, "mask").verdict(TEXT, findings).spans
    left = apply_spans(TEXT, [span._replace(text="") for span in spans])
    covered = {at for found in findings for at in range(found.start, found.end)}
    assert left == "".join(letter for at, letter in enumerate(TEXT) if at not in covered)


def test_what_covers_others_gives_the_mask_its_name() -> None:
    findings = [Finding("URL", 6, 10), Finding("MAIL", 0, 10), Finding("NAME", 10, 12)]
    spans = Policy({}, "mask").verdict(TEXT, findings).spans
    assert [(span.start, span.end, span.text) for span in spans] == [(0, 10, "<mail>"), (10, 12, "<name>")]


def test_a_kind_that_blocks_blocks_whatever_else_is_there() -> None:
    policy = Policy({"A": "block", "B": "allow"}, "mask")
    assert policy.verdict(TEXT, [Finding("B", 0, 1), Finding("A", 2, 3)]).block
    assert policy.verdict(TEXT, [Finding("B", 0, 1)]).spans == ()


@pytest.mark.parametrize("place", [(-1, 3), (3, 3), (4, 3), (0, 21), (21, 22)])
@pytest.mark.parametrize("action", ["mask", "allow", "block"])
def test_a_finding_outside_of_its_text_is_no_finding(place: tuple[int, int], action: str) -> None:
    with pytest.raises(MalformedError):
        Policy({}, action).verdict(TEXT, [Finding("A", *place)])  # type: ignore[arg-type]  # one of the actions


@pytest.mark.parametrize("value", [None, 1, "", "<b>", "a b", "x" * 65, "A\n"])
def test_a_kind_is_a_name(value: object) -> None:
    with pytest.raises(MalformedError):
        kind_of(value)
