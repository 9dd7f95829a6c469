"""Every effect at every moment, through every door, unary and streamed: it works, or is refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.sdk.manifest import MomentRequest, moment_problem
from tests.gates.fakes import TEXT, USER, placement_of
from tests.gateway.doors import DOORS, PROMPT, SAID, Came, Door
from tests.gateway.matrix import ANSWER, CELLS, Cell, Doing
from tests.gateway.world import World

WORKING = [cell for cell in CELLS if cell.refused is None]


def placed(cell: Cell) -> World:
    field = USER if cell.moment == "before_upstream" else TEXT
    more: dict[str, Any] = {"stream": cell.way} if cell.way else {}
    if cell.way == "window":
        more["window_chars"] = 8
    writes = (field,) if cell.effect == "transform" else ()
    placement = placement_of(
        "guard", cell.moment, reads=(field,), writes=writes, effects=(cell.effect, "block"), **more
    )
    return World({"guard": Doing(cell.effect)}, placement)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
@pytest.mark.parametrize("mode", ["unary", "stream"])
@pytest.mark.parametrize("cell", WORKING, ids=lambda cell: cell.name)
def test_cell(cell: Cell, mode: str, door: Door) -> None:
    world = placed(cell)
    came = door.ask(world, stream=mode == "stream")
    (record,) = world.record.placements
    assert world.record.stream is (mode == "stream")
    match cell.effect:
        case "block":
            assert (came.code, came.text) == ("guard.reason", "")
            # Under a window what says nothing yet, as the start of a message, may have left before.
            assert came.status == 403 or (mode == "stream" and cell.way == "window")
            assert record.action == "block"
        case "respond":
            assert (came.status, came.text) == (200, ANSWER)
            assert record.action == "transform"
        case "record":
            assert (came.status, came.text, record.recorded) == (200, SAID, {"found": 1})
        case "transform":
            transformed(cell, world, door, came)
            assert record.action == "transform"


def transformed(cell: Cell, world: World, door: Door, came: Came) -> None:
    if cell.moment == "before_upstream":
        assert door.asked(world) == PROMPT.replace("alice", "<name>")
        assert came.text == SAID
    else:
        assert door.asked(world) == PROMPT
        assert came.text == SAID.replace("bob", "<name>")
        assert b"bob" not in came.raw


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.refused], ids=lambda cell: cell.name)
def test_what_cannot_be_is_refused_in_words(cell: Cell) -> None:
    request = MomentRequest(
        reads=(TEXT,), effects=(cell.effect,), timeout_ms=50, stream=cell.way, window_chars=8
    )
    assert moment_problem(cell.moment, request) == cell.refused
