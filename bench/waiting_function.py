"""A plugin's function that is measured: as the plugin host's, for a plugin that waits for an outside system.

Its placement is that of `bench.side_by_side`, not of a deployed snapshot; how long it waits, and its name,
are in its environment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, Final

from bench import world
from bench.probes import Look, watching
from penstock.background.inline import InlineHost, InlinePlugin
from penstock.gates.deadline import Deadlines
from penstock.sdk import Allow, Context, Decision, Request
from penstock.sdk.fields import BEFORE

NAME: Final = "PENSTOCK_BENCH_PLUGIN"
WAIT_MS: Final = "PENSTOCK_BENCH_WAIT_MS"
TERMS: Final = {BEFORE: "sha256:" + "0" * 64}

_hosts: Final[list[InlineHost]] = []


class Wait(Look):
    """Reads what it is granted, and waits as for an answer."""

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        super().before_upstream(request, ctx)
        time.sleep(self._wait_s)
        return Allow()


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    if not _hosts:
        _hosts.append(_host(os.environ[NAME], float(os.environ[WAIT_MS]) / 1000))
    return _hosts[0].answer(event)


def _host(name: str, wait_s: float) -> InlineHost:
    plugin = InlinePlugin({BEFORE: watching(name)}, TERMS, lambda: world.loaded(Wait(wait_s)))
    return InlineHost(plugin, Deadlines.for_environment())
