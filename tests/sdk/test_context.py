"""The context: what a plugin may record, how long it has, and what it cannot reach."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import FieldNotGrantedError, PluginError
from penstock.sdk import Context, PluginConfig
from penstock.sdk.context import RecordSpec

CARDS = RecordSpec(unit="count", minimum=0, maximum=10)
VERDICT = RecordSpec(values=("clean", "dirty"))
PROMPT = "the whole prompt"


def context(**more: Any) -> Context:
    return Context("r", PluginConfig(), specs={"cards": CARDS, "verdict": VERDICT}, **more)


class Liar(str):
    """A string that is equal to every other."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("cards")


class Sly(int):
    """A number that is within every bound."""

    def __le__(self, _: object) -> bool:
        return True

    def __ge__(self, _: object) -> bool:
        return True


class Verdict(StrEnum):
    CLEAN = "clean"


class Level(IntEnum):
    HIGH = 3


def test_numbers_add_up_and_whole_ones_stay_whole() -> None:
    ctx = context()
    ctx.record("cards", 2)
    ctx.record("cards", 3)
    assert ctx.recorded == {"cards": 5}
    assert type(ctx.recorded["cards"]) is int
    ctx.record("cards", 0.5)
    assert ctx.recorded == {"cards": 5.5}


def test_of_enumerated_values_the_last_one_stays() -> None:
    ctx = context()
    ctx.record("verdict", "dirty")
    ctx.record("verdict", Verdict.CLEAN)
    assert ctx.recorded == {"verdict": "clean"}
    assert type(ctx.recorded["verdict"]) is str


REFUSED: list[tuple[Any, Any]] = [
    ("cards", 11),
    ("cards", -1),
    ("cards", float("nan")),
    ("cards", float("inf")),
    ("cards", 10**400),
    ("cards", True),
    ("cards", "5"),
    ("cards", None),
    ("cards", Sly(10**9)),
    ("cards", Level.HIGH),
    ("verdict", PROMPT),
    ("verdict", Liar(PROMPT)),
    ("verdict", 1),
    ("verdict", ["clean"]),
    (PROMPT, 1),
    (Liar(PROMPT), 1),
    (None, 1),
    (["cards"], 1),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_is_not_declared_is_refused_and_its_words_are_not_kept(name: Any, value: Any) -> None:
    ctx = context()
    with pytest.raises(PluginError) as caught:
        ctx.record(name, value)
    assert caught.value.failure == "contract"
    assert PROMPT not in str(caught.value)
    assert ctx.recorded == {}
    assert ctx.refused in {("records",), ("records.cards",), ("records.verdict",)}


@given(st.lists(st.integers(-5, 15), max_size=8))
def test_a_sum_never_leaves_its_bounds_and_a_refused_number_changes_nothing(values: list[int]) -> None:
    ctx, total = context(), 0
    for value in values:
        if 0 <= value <= 10 and total + value <= 10:
            ctx.record("cards", value)
            total += value
        else:
            with pytest.raises(PluginError):
                ctx.record("cards", value)
        assert ctx.recorded.get("cards", 0) == total


def test_a_number_where_a_value_stands_is_refused_and_leaves_it() -> None:
    ctx = context()
    ctx.record("verdict", "clean")
    with pytest.raises(PluginError):
        ctx.record("verdict", 1)
    assert ctx.recorded == {"verdict": "clean"}


def test_nothing_is_recorded_or_forgotten_but_by_record() -> None:
    ctx = context()
    with pytest.raises(TypeError):
        ctx.recorded["cards"] = PROMPT  # type: ignore[index]  # what a plugin might try
    with pytest.raises(AttributeError):
        ctx.recorded = {"cards": PROMPT}  # type: ignore[misc]  # same
    with pytest.raises(AttributeError):
        ctx.refused.clear()  # type: ignore[attr-defined]  # same
    with pytest.raises(AttributeError):
        ctx.note = PROMPT  # type: ignore[attr-defined]  # same


@pytest.mark.parametrize("ask", [lambda ctx: ctx.http, lambda ctx: ctx.secret(PROMPT)])
def test_a_capability_that_was_not_granted_raises_and_the_asking_is_remembered(ask: Any) -> None:
    ctx = context()
    with pytest.raises(FieldNotGrantedError) as caught:
        ask(ctx)
    assert ctx.refused in {("hosts",), ("secrets",)}
    assert PROMPT not in str(caught.value)


def test_the_time_left_runs_down_to_nothing_and_not_below() -> None:
    now = [0.0]
    ctx = context(deadline=1.5, clock=lambda: now[0])
    assert ctx.remaining_ms == 1500
    now[0] = 9
    assert ctx.remaining_ms == 0
    assert context().remaining_ms == float("inf")
