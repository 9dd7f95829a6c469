"""Decisions are frozen values."""

from __future__ import annotations

import pytest

from penstock.sdk import AddText, Allow, Block, Decision, Respond, Transform

EDIT = AddText("request.messages.system", "Be brief.")


def test_equal_decisions_are_equal() -> None:
    assert Allow() == Allow()
    assert Block("a") == Block("a") != Block("b")
    assert Transform(EDIT, EDIT).edits == (EDIT, EDIT)
    assert Transform() == Transform()
    assert Respond.text("x") == Respond("x")


@pytest.mark.parametrize("decision", [Block("a"), Transform(EDIT), Respond.text("x"), Allow()])
def test_nobody_changes_a_decision(decision: Decision) -> None:
    for name in ("reason", "edits", "content", "more"):
        with pytest.raises((AttributeError, TypeError)):
            setattr(decision, name, "other")
