"""Functions that a gateway waits for, in memory, each in a thread of its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from penstock.adapters.functions import Flight
from penstock.errors import FailureClass, PluginError
from penstock.evidence.record import EvidenceRecord, PlacementRecord
from penstock.gates.placement import Placement
from penstock.gates.waited_call import decode_waited, encode_taken
from penstock.gateway.waiting import Waiting
from tests.gates.fakes import placement_of
from tests.gateway.world import World

Function = Callable[[dict[str, Any]], Any]
W = TypeVar("W", bound=World)


def placed(name: str = "export", **more: Any) -> Placement:
    given = {"wait": True, "host": "function", "on_error": "block", "timeout_ms": 500, **more}
    return placement_of(name, "after_response", reads=("evidence",), effects=("emit",), **given)


def takes(event: dict[str, Any]) -> dict[str, Any]:
    return encode_taken(decode_waited(event), None)


def fails(failure: FailureClass) -> Function:
    return lambda event: encode_taken(decode_waited(event), failure)


def raises(failure: FailureClass) -> Function:
    """What Lambda says in the place of the function."""

    def function(_: dict[str, Any]) -> Any:
        raise PluginError(failure, "Lambda did not take the call")

    return function


def says(answer: Any) -> Function:
    return lambda _: answer


class Functions:
    """Each in a thread of its own, as in Lambda; remembers what each was asked."""

    def __init__(self, functions: dict[str, Function]) -> None:
        self._functions = functions
        self.events: list[dict[str, Any]] = []

    def invoke(self, plugin: str, payload: bytes) -> Flight:
        event = json.loads(payload)
        self.events.append(event)
        future: Future[bytes] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(json.dumps(self._functions[plugin](event)).encode())
            except PluginError as failure:
                future.set_exception(failure)

        threading.Thread(target=run, daemon=True).start()
        return Flight(future, time.monotonic)


def with_waiting(world: W, *placements: Placement, **functions: Function) -> tuple[W, Functions]:
    """`world`, that waits for those of its placements that say so."""
    called = Functions(functions)
    waited = [placement for placement in placements if placement.wait]
    world.waiting = Waiting(waited, called, {p.plugin: "sha256:terms" for p in waited})
    return world, called


def waiting_for(function: Function, **more: Any) -> tuple[World, Functions]:
    placement = placed(**more)
    return with_waiting(World({}, placement), placement, export=function)


def about(record: EvidenceRecord, plugin: str = "export") -> PlacementRecord:
    (found,) = [placement for placement in record.placements if placement.plugin == plugin]
    return found
