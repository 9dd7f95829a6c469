"""Every effect at every moment, through every door, unary and streamed: it works, or is refused in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.background.host import Attempt
from penstock.configuration.coverage import coverage_problem, served, stream_problem, surfaces_in
from penstock.evidence import layout
from penstock.evidence.messages import OutboxMessage, delivery_message, outbox_message
from penstock.evidence.schema import decode
from penstock.gates.placement import Placement
from penstock.gates.scope import Scope
from penstock.sdk.fields import Moment
from penstock.sdk.manifest import MomentRequest, moment_problem
from tests.background.fakes import MESSAGE_ID, Stage
from tests.gates.fakes import TEXT, placement_of
from tests.gates.hosted import RECEIVER, taken
from tests.gateway.doors import MODEL_DOORS, PROMPT, SAID, Came, Door, Mode, Talk
from tests.gateway.matrix import (
    ANSWER,
    CELLS,
    COLUMNS,
    NO_ANSWER,
    NO_VECTOR,
    NOTHING_TO_CHANGE,
    WORKS,
    Cell,
    Doing,
    becomes,
)
from tests.gateway.world import World

WORKING = [cell for cell in CELLS if cell.refused is None]


def placement_at(cell: Cell, door: Door, *more_effects: str) -> Placement:
    """Ordered where `more_effects` steers, else independent or in the background."""
    field = cell.field(door)
    more: dict[str, Any] = {"stream": cell.way} if cell.way else {}
    if cell.way == "window":
        more["window_chars"] = 8
    if cell.effect == "emit" or cell.moment == "after_response":
        more |= {"host": "function", "timeout_ms": 5_000}
    writes = (field,) if cell.effect == "transform" else ()
    effects = (cell.effect, *more_effects)
    return placement_of("guard", cell.moment, reads=(field,), writes=writes, effects=effects, **more)


def doing(cell: Cell, door: Door) -> Doing:
    return Doing(cell.effect, cell.field(door), wordless=door.wordless is not None)


@pytest.mark.parametrize(("door", "mode"), COLUMNS, ids=lambda one: getattr(one, "name", one))
@pytest.mark.parametrize("cell", WORKING, ids=lambda cell: cell.name)
def test_cell(cell: Cell, mode: Mode, door: Door) -> None:
    placement = placement_at(cell, door, *(() if cell.moment == "after_response" else ("block",)))
    world = door.world({"guard": doing(cell, door)}, placement)
    came = door.ask(world, Talk(), stream=mode == "stream")
    (record,) = world.record.placements
    # A server answers a call of MCP with a stream, or not: without the server there is none.
    assert world.record.stream is (
        mode == "stream" and (door in MODEL_DOORS or door.asked(world) is not None)
    )
    if cell.moment == "after_response":
        assert (came.status, came.text) == (200, "" if door.wordless else SAID)
        heard(cell, world, door, placement)
        return
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
        case "emit":
            assert (came.status, came.text, record.action) == (200, said, "emit")
            assert [(each.host, each.status) for each in record.deliveries] == [(RECEIVER, 202)]
            assert becomes(cell, door) == admitted(placement, world)


def admitted(placement: Placement, world: World) -> str:
    """What configuration says of `placement` for the traffic that has just passed under it."""
    scope = Scope.of({"dialect": (world.record.dialect,), "route": (world.record.route,)})
    assert len(surfaces_in(scope)) == 1
    found = stream_problem(replace(placement, scope=scope))
    return WORKS if found is None else f"refused: {found[0]}"


def heard(cell: Cell, world: World, door: Door, placement: Placement) -> None:
    """The message in the outbox names the plugin, and the record in it, delivered, has it do its effect."""
    ((stored, plugins),) = world.stored
    (dispatched,) = stored.placements
    assert (dispatched.action, dispatched.path) == ("dispatched", "background")
    message = decode(OutboxMessage, outbox_message(stored, plugins))
    assert message.dispatch == ["guard"]
    got: list[bytes] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        got.append(request.content)
        return taken(request)

    stage = Stage(doing(cell, door).after_response, placement=placement, receiver=receiver)
    key = layout.terminal_key(message.record.principal.organisation, message.record.request_id)
    body = delivery_message(message.record, "guard", key, amends=False).decode()
    record = stage.host.deliver(body, Attempt(MESSAGE_ID, 1, 60.0))
    assert record is not None
    assert stage.records() == [record]
    emits = cell.effect == "emit"
    assert (record.action, record.recorded) == (cell.effect, {} if emits else {"found": 1})
    assert [(each.host, each.status) for each in record.deliveries] == ([(RECEIVER, 202)] if emits else [])
    assert got == ([stored.request_id.encode()] if emits else [])


LOOKING = [
    *(Cell("before_upstream", effect) for effect in ("record", "emit")),
    *(Cell("after_upstream", effect) for effect in ("record", "emit")),
]


@pytest.mark.parametrize(("door", "mode"), COLUMNS, ids=lambda one: getattr(one, "name", one))
@pytest.mark.parametrize("cell", LOOKING, ids=lambda cell: cell.name)
def test_who_only_looks(cell: Cell, mode: Mode, door: Door) -> None:
    placement = placement_at(cell, door)
    assert placement.style == "independent"
    world = door.world({"guard": doing(cell, door)}, placement)
    came = door.ask(world, Talk(), stream=mode == "stream")
    assert (came.status, came.text) == (200, "" if door.wordless else SAID)
    (record,) = world.record.placements
    messages = 2 if mode == "stream" and door not in MODEL_DOORS and cell.moment == "after_upstream" else 1
    assert (record.action, record.calls) == (cell.effect, messages)
    assert len(record.deliveries) == (cell.effect == "emit")


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
