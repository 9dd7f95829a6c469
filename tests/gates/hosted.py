"""The function host without Lambda: each call goes through JSON both ways, as Lambda's runtime makes it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from penstock.adapters.functions import MemoryFunctions
from penstock.adapters.secrets import MemorySecrets
from penstock.background.capabilities import Mailer, Ways
from penstock.background.inline import InlineHost, InlinePlugin
from penstock.background.reach import Reaches
from penstock.background.starting import Workflows
from penstock.gates.deadline import Deadlines
from penstock.gates.function_host import FunctionHost, Hosted
from penstock.gates.gate import Gate
from penstock.gates.host import Host, InProcessHost
from penstock.gates.placement import HostKind, Placement, in_order
from penstock.sdk.fields import Moment
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.plugin import Plugin
from penstock.sdk.storage import Storage
from tests.gates.fakes import loaded

TERMS: Mapping[Moment, str] = {"before_upstream": "terms-b", "after_upstream": "terms-a"}
RECEIVER = "siem.example.com:443"
HOSTED = Hosted(TERMS, frozenset({RECEIVER}))

Function = Callable[[bytes], bytes]


def taken(_: httpx.Request) -> httpx.Response:
    return httpx.Response(202, headers={"x-request-id": "theirs-1"})


@dataclass(frozen=True)
class Outside:
    """What one plugin's function reaches. `secrets`: by their logical names."""

    receiver: Callable[[httpx.Request], httpx.Response] = taken
    hosts: frozenset[str] = frozenset({RECEIVER})
    secrets: Mapping[str, str] = field(default_factory=lambda: {"token": "s3cret"})
    storage: Storage | None = None
    mailer: Mailer | None = None
    workflows: Workflows | None = None


def inline_host(
    plugin: LoadedPlugin,
    *placements: Placement,
    receiver: Callable[[httpx.Request], httpx.Response] = taken,
    storage: Storage | None = None,
    mailer: Mailer | None = None,
    outside: Outside | None = None,
) -> InlineHost:
    """What runs in a plugin's function. It reaches `outside`, or what the others say."""
    outside = outside or Outside(receiver, storage=storage, mailer=mailer)
    deployed = InlinePlugin(
        placements={placement.moment: placement for placement in placements},
        terms=TERMS,
        load=lambda: plugin,
        hosts=outside.hosts,
        secrets={name: f"prod/{name}" for name in outside.secrets},
    )
    secrets = MemorySecrets({f"prod/{name}": value for name, value in outside.secrets.items()})
    transport = httpx.MockTransport(outside.receiver)
    ways = Ways(transport, outside.storage, outside.mailer, workflows=outside.workflows)
    return InlineHost(deployed, Deadlines(None), Reaches(deployed, secrets, ways))


def function_of(host: InlineHost) -> Function:
    """A function as Lambda runs it: bytes in, bytes out."""
    marshaller = LambdaMarshaller()

    def function(payload: bytes) -> bytes:
        text, _ = marshaller.marshal_response(host.answer(marshaller.unmarshal_request(payload)))
        return text if isinstance(text, bytes) else str(text).encode()

    return function


def functions_of(
    plugins: Mapping[str, LoadedPlugin],
    placements: tuple[Placement, ...],
    outside: Mapping[str, Outside] | None = None,
) -> dict[str, Function]:
    """By plugin; `outside` says what some of them reach."""
    where = {name: tuple(p for p in placements if p.plugin == name) for name in plugins}
    known = outside or {}
    return {
        name: function_of(inline_host(plugins[name], *there, outside=known.get(name)))
        for name, there in where.items()
        if there
    }


def hosts_of(
    plugins: Mapping[str, LoadedPlugin],
    *placements: Placement,
    outside: Mapping[str, Outside] | None = None,
) -> dict[HostKind, Host]:
    """Both hosts over the same plugins."""
    functions = MemoryFunctions(functions_of(plugins, placements, outside))
    known = dict.fromkeys((p.plugin for p in placements), HOSTED)
    known |= {name: replace(HOSTED, hosts=each.hosts) for name, each in (outside or {}).items()}
    return {
        "in_process": InProcessHost(plugins, Deadlines(None)),
        "function": FunctionHost(functions, known),
    }


def gate_over(
    plugins: Mapping[str, Plugin | LoadedPlugin], *placements: Placement, budget_ms: int = 5_000
) -> Gate:
    """A gate whose placements run where they say."""
    known = {name: p if isinstance(p, LoadedPlugin) else loaded(p) for name, p in plugins.items()}
    ordered = in_order(list(placements))
    return Gate(ordered[0].moment, ordered, hosts_of(known, *placements), budget_ms=budget_ms)


def answering(functions: Mapping[str, Any]) -> dict[HostKind, Host]:
    """A function host over functions that answer as a test says: bytes, or what is JSON."""
    made = {name: _saying(answer) for name, answer in functions.items()}
    return {"function": FunctionHost(MemoryFunctions(made), dict.fromkeys(functions, HOSTED))}


def _saying(answer: Any) -> Function:
    if callable(answer):
        return answer  # type: ignore[no-any-return]  # tests give functions, bytes or JSON
    return lambda _: answer if isinstance(answer, bytes) else json.dumps(answer).encode()
