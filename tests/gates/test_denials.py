"""What a caller is told when a placement ends the request."""

from __future__ import annotations

import pytest

from penstock.gates import denials
from penstock.gates.placement import Mode
from tests.gates.fakes import placement_of

PLACEMENT = placement_of("gate", reasons={"ask": "Somebody has to approve this."})


def test_a_block_has_the_code_and_the_sentence_of_its_manifest() -> None:
    denial = denials.blocked(PLACEMENT, "ask")
    assert (denial.code, denial.status, denial.message) == ("gate.ask", 403, "Somebody has to approve this.")
    assert denial.reference is None


def test_what_waits_for_an_approval_has_one_code_for_all_plugins_and_names_its_reference() -> None:
    denial = denials.referred(PLACEMENT, "ask", "ab" * 13)
    assert (denial.code, denial.status, denial.reference) == ("approval_required", 403, "ab" * 13)
    assert denial.message == "Somebody has to approve this."


@pytest.mark.parametrize(("mode", "stops"), [(Mode.ENFORCE, True), (Mode.SHADOW, False)])
def test_a_failure_stops_what_is_enforced(mode: Mode, stops: bool) -> None:
    denial = denials.for_error(PLACEMENT, mode)
    assert (denial is not None) is stops
    assert denial is None or (denial.status, denial.code) == (503, "plugin_unavailable")
