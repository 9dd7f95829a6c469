"""A deployed function with the seam under it: the handler of every environment of a fault run.

The event is wrapped: `{"event": …}`. For the invocation whose calls are counted there is `{"plan":
{"journal", "kind", "call"}}` beside it. That one runs in a process of its own, forked off one that has never
served: fresh as after a cold start, so that its calls are always the same ones, and a SIGKILL costs a fork
and not a start of Python. That its process is gone is told to whoever invoked, as `LOST`.

A lease, a claim's time and the number of shards are cut down, in this process only: to wait for a minute, or
to break sixteen equal queries, would take long and show nothing else.
"""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

from penstock.adapters import ledger
from penstock.adapters.clients import Clients
from penstock.adapters.keys import shard_name
from penstock.background import host
from penstock.evidence import sweeper
from tests.faults.seam import Fault, Kind, Seam, install

PRODUCT = "PENSTOCK_FAULTS_HANDLER"
LOST = {"environment": "lost"}
LEASE_MS = 200
TIMEOUT_S = 60.0
# A claim holds until the function's time is over: at once here, where no copy comes during a call.
MARGIN_S = -TIMEOUT_S
# The intent lies in the second of three shards: the sweeper asks before it and after it.
SHARDS, SHARD = 3, 1


@dataclass(slots=True)
class Switch:
    """Where the seam of this invocation is."""

    seam: Seam | None = None


@cache
def switch() -> Switch:
    """Cut down what is to be, and put the seam in its place: once, before anything of the product is made."""
    patch.multiple(sweeper, LEASE_MS=LEASE_MS).start()
    patch.multiple(host, MARGIN_S=MARGIN_S).start()
    patch.multiple(ledger, SHARDS=SHARDS, shard_of=lambda _: shard_name(SHARD)).start()
    made = Switch()
    install(made)
    return made


@cache
def product() -> ModuleType:
    """The deployed function's module, in a process that has read what it will need."""
    switch()
    # Clients are made before the fork, which none of them has used: else every fork would take 0.1 s for it.
    one = Clients()
    made = {"dynamodb": one.dynamodb, "s3": one.s3, "sqs": one.sqs, "secretsmanager": one.secretsmanager}
    patch.object(Clients, "_client", lambda _, service: made[service]).start()
    return importlib.import_module(os.environ[PRODUCT])


if PRODUCT in os.environ:
    product()  # in the init phase, as Lambda does it


def handler(wrapped: dict[str, Any], context: Any) -> Any:
    """One invocation, here, or in a fork when its calls are counted."""
    if "plan" not in wrapped:
        return product().handler(wrapped["event"], context)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _serve_and_end(wrapped, context, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        content = answer.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return LOST
    return json.loads(content)


def _serve_and_end(wrapped: dict[str, Any], context: Any, writer: int) -> None:
    """In the fork: serve one invocation, then end without a word to the runtime that it was forked from."""
    try:
        content = json.dumps(_counted(wrapped["event"], wrapped["plan"], context)).encode()
        with os.fdopen(writer, "wb") as answer:
            answer.write(content)
    finally:
        os._exit(0)


def _counted(event: Any, plan: dict[str, Any], context: Any) -> Any:
    """With the seam under it. What the product keeps for later is made anew: no timer is forked."""
    for name in ("gateway", "function", "sweeper"):
        kept: Any = getattr(product(), name, None)
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()
    fault = Fault(Kind(plan["kind"]), plan["call"]) if "kind" in plan else None
    switch().seam = Seam(fault, Path(plan["journal"]))
    return product().handler(event, context)
