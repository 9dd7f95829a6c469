"""A block that waits for somebody's approval: at every door the caller learns by which reference."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from penstock.evidence.encoding import as_mapping
from penstock.evidence.record import EvidenceRecord, PlacementRecord
from penstock.evidence.schema import decode
from penstock.sdk import Allow, Block, Context, Decision, Plugin, Request, Transform
from penstock.sdk.fields import REFERENCE
from tests.gates.fakes import placement_of
from tests.gateway.doors import Came, Door, Mode, Talk
from tests.gateway.matrix import COLUMNS
from tests.gateway.world import World

REFERENCE_SHAPE = re.compile(r'"reference": ?"([a-z2-7]{26})"')


class Asking(Plugin):
    """Lets pass what is approved, and refers all else."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.approved: set[str] = set()

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        self.seen.append(request.reference)
        return Allow() if request.reference in self.approved else Block("reason", refer=True)


def asked(plugin: Plugin, door: Door, prompt: str = "May I?", *, stream: bool = False) -> tuple[World, Came]:
    placement = placement_of("gate", reads=(REFERENCE,), effects=("block",))
    world = door.world({"gate": plugin}, placement)
    return world, door.ask(world, Talk(prompt), stream=stream)


def of(world: World) -> PlacementRecord:
    (record,) = world.record.placements
    return record


@pytest.mark.parametrize(("door", "mode"), COLUMNS, ids=lambda one: getattr(one, "name", one))
def test_the_caller_is_told_the_reference_and_passes_once_it_is_approved(door: Door, mode: Mode) -> None:
    plugin, streams = Asking(), mode == "stream"
    world, came = asked(plugin, door, stream=streams)
    assert (came.status, came.code) == (door.refused_status, "approval_required")
    told = REFERENCE_SHAPE.search(came.raw.decode())
    assert told is not None
    assert told[1] == of(world).reference == plugin.seen[0]
    assert door.asked(world) is None
    decode(EvidenceRecord, json.dumps(as_mapping(world.record), default=dict))  # the record stays valid
    plugin.approved.add(told[1])
    world, came = asked(plugin, door, stream=streams)
    assert (came.status, came.code, door.asked(world)) == (200, None, "May I?")
    assert of(world).reference is None
    asked(plugin, door, "May I now?", stream=streams)
    assert plugin.seen[0] == plugin.seen[1] != plugin.seen[2]


@pytest.mark.parametrize(("door", "mode"), COLUMNS[:1], ids=lambda one: getattr(one, "name", one))
def test_what_an_earlier_plugin_changes_leaves_the_reference_as_it_was(door: Door, mode: Mode) -> None:
    class Stamping(Plugin):
        def __init__(self) -> None:
            self.times = 0

        def before_upstream(self, request: Request, ctx: Context) -> Decision:
            self.times += 1
            return Transform(request.messages.user.map(lambda text: f"{text} {self.times}"))

    plugin, stamping = Asking(), Stamping()
    placements: list[Any] = [
        placement_of("stamp", order=1),
        placement_of("gate", order=2, reads=(REFERENCE,), effects=("block",)),
    ]
    for _ in range(2):
        world = door.world({"gate": plugin, "stamp": stamping}, *placements)
        door.ask(world, Talk("May I?"), stream=mode == "stream")
    assert plugin.seen[0] == plugin.seen[1]


def test_without_the_grant_of_the_reference_nothing_can_be_referred() -> None:
    class Claiming(Plugin):
        def before_upstream(self, request: Request, ctx: Context) -> Decision:
            return Block("reason", refer=True)

    (door, _), *_ = COLUMNS
    world = door.world({"gate": Claiming()}, placement_of("gate", reads=(), effects=("block",)))
    came = door.ask(world, Talk("May I?"), stream=False)
    assert (came.status, came.code) == (503, "plugin_unavailable")
    assert (of(world).failure, of(world).reference) == ("contract", None)
