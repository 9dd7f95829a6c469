"""A deployed function with the seam under it: the handler of every environment of a fault run.

The event is wrapped: `{"event": …}`. For the invocation whose calls are counted there is a plan beside it:
`{"plan": {"journal", "kind", "call", "silence_s", "claim_s"}}`. That one is the first and only one of its
environment, so that its calls are always the same ones. Every environment is forked off a process that has
never served (`forking.py`): a SIGKILL costs a fork and not a start of Python.

Cut down, in these processes only, is what would take long and show nothing else: a lease, a claim's time, and
the number of the ledger's shards.
"""

from __future__ import annotations

import importlib
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
from penstock.evidence import recorder, sweeper
from penstock.gateway import streaming
from tests.faults.seam import Fault, Kind, Seam
from tests.faults.seam_places import install

PRODUCT = "PENSTOCK_FAULTS_HANDLER"
LEASE_MS = 200
TIMEOUT_S = 60.0
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
    # A claim holds until the function's time is over: at once here, unless a plan says otherwise.
    patch.multiple(host, MARGIN_S=-TIMEOUT_S).start()
    # Here nothing of a queue is given to a function before the gateway's own call is over.
    patch.multiple(recorder, WAITED_DELAY_S=0).start()
    patch.multiple(ledger, SHARDS=SHARDS, shard_of=lambda _: shard_name(SHARD)).start()
    made = Switch()
    install(made)
    return made


@cache
def clients() -> dict[str, Any]:
    """The clients of this process, which all that are forked off it share."""
    one = Clients()
    return {
        "dynamodb": one.dynamodb,
        "s3": one.s3,
        "sqs": one.sqs,
        "secretsmanager": one.secretsmanager,
        "lambda": one.functions(5.0, 2),
    }


@cache
def product() -> ModuleType:
    """The deployed function's module, in a process that has read what it will need."""
    switch()
    made = clients()
    patch.object(Clients, "_client", lambda _, service, *__: made[service]).start()
    return importlib.import_module(os.environ[PRODUCT])


def warm_up() -> None:
    """Do once what every fork would do anew: botocore's first call of each service, some imports."""
    importlib.import_module("awslambdaric.lambda_runtime_marshaller")
    importlib.import_module("awslambdaric.lambda_runtime_log_utils")
    made = clients()
    made["dynamodb"].list_tables()
    made["s3"].list_buckets()
    made["sqs"].list_queues()
    made["secretsmanager"].list_secrets()
    for client in made.values():  # Lambda's has nobody who answers yet
        client._endpoint.http_session.close()


if PRODUCT in os.environ:
    product()  # in the init phase, as Lambda does it


def handler(wrapped: dict[str, Any], context: Any) -> Any:
    """One invocation."""
    begin()
    if "plan" in wrapped:
        _follow(wrapped["plan"])
    return product().handler(wrapped["event"], context)


@cache
def begin() -> None:
    """The first time in a process: make anew what was made before it was forked off. A timer is not."""
    for name in ("gateway", "function", "sweeper"):
        kept: Any = getattr(product(), name, None)
        if hasattr(kept, "cache_clear"):
            kept.cache_clear()


def _follow(plan: dict[str, Any]) -> None:
    """The seam goes under all that follows."""
    if "silence_s" in plan:
        patch.multiple(streaming, SILENCE_S=plan["silence_s"]).start()
    if "claim_s" in plan:
        patch.multiple(host, MARGIN_S=plan["claim_s"] - TIMEOUT_S).start()
    fault = Fault(Kind(plan["kind"]), plan["call"]) if "kind" in plan else None
    switch().seam = Seam(fault, Path(plan["journal"]))
