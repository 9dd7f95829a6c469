"""Every effect at every moment, through every door, unary and streamed: it works, or is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.configuration.coverage import coverage_problem, served
from penstock.sdk.fields import Moment
from penstock.sdk.manifest import MomentRequest, moment_problem
from tests.gates.fakes import TEXT, placement_of
from tests.gateway.doors import MODEL_DOORS, PROMPT, SAID, Came, Door, Mode, Talk
from tests.gateway.matrix import (
    ANSWER,
    CELLS,
    COLUMNS,
    NO_ANSWER,
    NO_VECTOR,
    NOTHING_TO_CHANGE,
    Cell,
    Doing,
    becomes,
)
from tests.gateway.world import World

WORKING = [cell for cell in CELLS if cell.refused is None]


def placed(cell: Cell, door: Door) -> World:
    field = cell.field(door)
    more: dict[str, Any] = {"stream": cell.way} if cell.way else {}
    if cell.way == "window":
        more["window_chars"] = 8
    writes = (field,) if cell.effect == "transform" else ()
    placement = placement_of(
        "guard", cell.moment, reads=(field,), writes=writes, effects=(cell.effect, "block"), **more
    )
    return door.world({"guard": Doing(cell.effect, field, wordless=door.wordless is not None)}, placement)


@pytest.mark.parametrize(("door", "mode"), COLUMNS, ids=lambda one: getattr(one, "name", one))
@pytest.mark.parametrize("cell", WORKING, ids=lambda cell: cell.name)
def test_cell(cell: Cell, mode: Mode, door: Door) -> None:
    world = placed(cell, door)
    came = door.ask(world, Talk(), stream=mode == "stream")
    (record,) = world.record.placements
    # A server answers a call of MCP with a stream, or not: without the server there is none.
    assert world.record.stream is (
        mode == "stream" and (door in MODEL_DOORS or door.asked(world) is not None)
    )
    said = "" if door.wordless else SAID
    match cell.effect:
        case "block":
            assert (came.code, came.text) == ("guard.reason", "")
            assert came.status == door.refused_status
            assert record.action == "block"
        case "respond":
            answered(cell, world, door, came)
        case "record":
            assert (came.status, came.text, record.recorded) == (200, said, {"found": 1})
        case "transform":
            transformed(cell, world, door, came)
            is_nothing = becomes(cell, door).startswith(NOTHING_TO_CHANGE)
            assert record.action == ("allow" if is_nothing else "transform")


def answered(cell: Cell, world: World, door: Door, came: Came) -> None:
    """With the plugin's words; where none can be, with an error, or none of them."""
    if becomes(cell, door) == f"refused: {NO_VECTOR}":  # placed all the same, it fails
        assert (came.status, came.code) == (503, "plugin_unavailable")
        return
    if becomes(cell, door).startswith(NO_ANSWER):
        assert came.status == 200
        assert ANSWER.encode() not in came.raw
        return
    assert (came.status, came.text) == (200, ANSWER)
    assert world.record.placements[0].action == "transform"


def transformed(cell: Cell, world: World, door: Door, came: Came) -> None:
    said = "" if door.wordless else SAID
    if cell.moment == "before_upstream":
        assert door.asked(world) == PROMPT.replace("alice", "<name>")
        assert came.text == said
    else:
        assert door.asked(world) == PROMPT
        assert came.text == said.replace("bob", "<name>")
        assert b"bob" not in came.raw


@pytest.mark.parametrize("moment", ["before_upstream", "after_upstream"])
def test_who_may_respond_is_refused_where_vectors_are_asked_for(moment: Moment) -> None:
    placement = placement_of("guard", moment, effects=("respond",))
    found = coverage_problem(placement, served(mcp=False))
    assert found is not None
    assert found[0] == NO_VECTOR


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.refused], ids=lambda cell: cell.name)
def test_what_cannot_be_is_refused_in_words(cell: Cell) -> None:
    request = MomentRequest(
        reads=(TEXT,), effects=(cell.effect,), timeout_ms=50, stream=cell.way, window_chars=8
    )
    assert moment_problem(cell.moment, request) == cell.refused
