"""Overrides: which one counts. What they lower is in test_gate.py."""

from __future__ import annotations

from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode
from tests.gates.fakes import placement_of

KILLED = Override(killed=True)


def test_a_plugin_without_an_override_stays_as_it_was_deployed() -> None:
    assert Overrides({"other": KILLED}).of(placement_of("p")) == Override()


def test_an_override_counts_at_every_moment_of_its_plugin() -> None:
    overrides = Overrides({"p": KILLED})
    assert overrides.of(placement_of("p")) is KILLED
    assert overrides.of(placement_of("p", "after_upstream")) is KILLED


def test_a_required_placement_heeds_break_glass_alone() -> None:
    required = placement_of("p", required=True)
    lowered = Override(mode=Mode.SHADOW)
    forced = Override(mode=Mode.SHADOW, break_glass=True)
    assert Overrides({"p": lowered}).of(required) == Override()
    assert Overrides({"p": forced}).of(required) is forced
