"""Looks for the words of the system prompt, which it was not granted, and for what the gateway knows."""

import gc
import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

from penstock.sdk import Block, Context, Decision, Plugin, Request

# Put together here, so that this file is not what is found.
SECRET = re.compile("-".join(("ungranted", "canary", "[0-9a-f]{16}")))
MOST_OBJECTS = 2_000_000
REGION_BYTES = 64 * 1024 * 1024


def _says(value: Any) -> bool:
    if isinstance(value, bytes | bytearray):
        return SECRET.search(bytes(value).decode("latin-1")) is not None
    return isinstance(value, str) and SECRET.search(value) is not None


def _leads_there(roots: Iterable[Any]) -> bool:
    """Whether what was said can be reached from `roots` by references."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting and len(seen) < MOST_OBJECTS:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if _says(value):
            return True
        if not isinstance(value, type(sys)):
            waiting.extend(gc.get_referents(value))
    return False


def _view(request: Request) -> bool:
    return any(map(_says, request.messages.system))


def _swallowed(request: Request) -> bool:
    try:
        return _view(request)
    except Exception:  # noqa: BLE001  # swallowing is the attack
        return False


def _projection(request: Request) -> bool:
    return _leads_there([request._projection])


def _frames(_request: Request) -> bool:
    frame: FrameType | None = sys._getframe()
    local: list[Any] = []
    while frame is not None:
        local += frame.f_locals.values()
        frame = frame.f_back
    return _leads_there(local)


def _closures(_request: Request) -> bool:
    functions = [each for each in gc.get_objects() if type(each) is FunctionType and each.__closure__]
    return _leads_there(functions)


def _heap(_request: Request) -> bool:
    return _leads_there(gc.get_objects())


def _memory(_request: Request) -> bool:
    """/proc/self/mem, where what was freed may still lie."""
    wanted = re.compile(SECRET.pattern.encode())
    with Path("/proc/self/maps").open() as maps, Path("/proc/self/mem").open("rb", 0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            start, end = (int(part, 16) for part in place.split("-"))
            if not rights.startswith("rw") or end - start > REGION_BYTES:
                continue
            try:
                memory.seek(start)
                if wanted.search(memory.read(end - start)):
                    return True
            except (OSError, ValueError, OverflowError):
                continue
    return False


def _environment(_request: Request) -> bool:
    """What only the gateway is told: how the functions of plugins are called."""
    return "PENSTOCK_PLUGIN_FUNCTION" in os.environ


def _environ_file(_request: Request) -> bool:
    return b"PENSTOCK_PLUGIN_FUNCTION" in Path("/proc/self/environ").read_bytes()


def _other_plugin(_request: Request) -> bool:
    """Another plugin's module, with whatever it has in memory."""
    names = [name for name in sys.modules if name.startswith("penstock_plugins.")]
    return any("breaker" in name for name in names)


def _snapshot(_request: Request) -> bool:
    """How other plugins are deployed: it is in the code of every function."""
    return "breaker" in json.dumps(json.loads(Path(os.environ["PENSTOCK_SNAPSHOT"]).read_text()))


WAYS: dict[str, Callable[[Request], bool]] = {
    "view": _view,
    "view_swallowed": _swallowed,
    "projection": _projection,
    "frames": _frames,
    "closures": _closures,
    "heap": _heap,
    "memory": _memory,
    "environment": _environment,
    "environ_file": _environ_file,
    "other_plugin": _other_plugin,
    "snapshot": _snapshot,
}


class Spy(Plugin):
    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        found = WAYS[request.messages.user[-1]](request)
        return Block("reached") if found else Block("nothing")
