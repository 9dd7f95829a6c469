from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement, bucket
from penstock.gates.scope import Scope
from penstock.governance.explaining import explain

GUARD = Placement(
    plugin="guard",
    version="1.0.0",
    digest="sha256:0",
    moment="before_upstream",
    style="ordered",
    host="in_process",
    timeout_ms=1,
    on_error="block",
)
FACTS = {"organisation": "acme", "team": None, "api_key": "app", "model": "gpt"}
OUTSIDE = next(key for key in map(str, range(1000)) if bucket("guard", key) >= 50)


@pytest.mark.parametrize(
    ("placement", "override", "wanted"),
    [
        (GUARD, Override(), (True, Mode.ENFORCE, "in scope")),
        (replace(GUARD, mode=Mode.SHADOW), Override(), (True, Mode.SHADOW, "in scope")),
        (replace(GUARD, mode=Mode.OFF), Override(), (False, Mode.OFF, "it is off")),
        (GUARD, Override(killed=True), (False, Mode.ENFORCE, "an override has killed it")),
        (GUARD, Override(mode=Mode.SHADOW), (True, Mode.SHADOW, "an override has lowered its mode")),
        (
            replace(GUARD, scope=Scope.of({"model": ("x",)})),
            Override(),
            (False, Mode.ENFORCE, "its scope does not admit model 'gpt'"),
        ),
        (
            replace(GUARD, scope=Scope.of({"team": ("*",)})),
            Override(),
            (False, Mode.ENFORCE, "the request has no team, its scope names one"),
        ),
        (
            replace(GUARD, scope=Scope.of({}, ({"model": ("g*",)},))),
            Override(),
            (False, Mode.ENFORCE, "its scope excepts this request"),
        ),
        (
            GUARD,
            Override(scope=Scope.of({"model": ("x",)})),
            (False, Mode.ENFORCE, "an override's scope does not admit model 'gpt'"),
        ),
        (replace(GUARD, sample=10), Override(), (True, Mode.ENFORCE, "on 10 per cent of requests")),
        (replace(GUARD, required=True), Override(killed=True), (True, Mode.ENFORCE, "in scope")),
    ],
)
def test_each_placement_is_explained(
    placement: Placement, override: Override, wanted: tuple[bool, Mode, str]
) -> None:
    (found,) = explain([placement], FACTS, Overrides({"guard": override}))
    assert (found.runs, found.mode, found.why) == wanted


def test_a_key_outside_the_rollout_is_shadowed() -> None:
    facts = {**FACTS, "api_key": OUTSIDE}
    (found,) = explain([replace(GUARD, rollout=50)], facts, Overrides())
    assert (found.mode, found.why) == (Mode.SHADOW, "this API key is outside its rollout")
