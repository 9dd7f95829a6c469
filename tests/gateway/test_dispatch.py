"""Which background plugins get a request's evidence."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement
from penstock.gates.scope import Scope
from penstock.gateway.dispatch import dispatch, receivers, skipped, unwaited
from tests.gates.fakes import placement_of


def export(**more: Any) -> Placement:
    return placement_of("export", "after_response", reads=("evidence",), effects=("emit",), **more)


@pytest.mark.parametrize(
    ("placement", "overrides", "action", "reason"),
    [
        (export(), Overrides(), "dispatched", None),
        (export(mode=Mode.OFF), Overrides(), "skipped", "off"),
        (export(mode=Mode.SHADOW), Overrides(), "skipped", "sampled_out"),
        (export(rollout=0), Overrides(), "skipped", "sampled_out"),
        (export(scope=Scope.of({"team": ("blue",)})), Overrides(), "skipped", "out_of_scope"),
        (export(), Overrides({"export": Override(killed=True)}), "skipped", "killed"),
    ],
)
def test_a_background_placement_is_dispatched_or_says_why_not(
    placement: Placement, overrides: Overrides, action: str, reason: str | None
) -> None:
    (record,) = dispatch([placement], {"team": "red", "api_key": "demo"}, "r", overrides)
    assert (record.action, record.reason, record.path) == (action, reason, "background")
    assert receivers([record]) == (["export"] if action == "dispatched" else [])


def test_who_gets_nothing_is_recorded_too() -> None:
    (record,) = skipped([export()], "no_context")
    assert (record.action, record.reason, record.path) == ("skipped", "no_context", "background")


def test_who_is_waited_for_is_on_the_path_of_the_response_until_nobody_waits() -> None:
    waited, other = dispatch([export(wait=True), export()], {}, "r", Overrides())
    assert (waited.path, other.path) == ("response", "background")
    assert receivers([waited, other]) == ["export", "export"]
    (off,) = dispatch([export(wait=True, mode=Mode.OFF)], {}, "r", Overrides())
    assert off.path == "background"
    unwaited([waited, other])
    assert (waited.path, waited.action) == ("background", "dispatched")
