"""Surface coverage: a placement that cannot act on traffic in its scope is refused, never silently blind.

A surface is a dialect and a route that carries content. `GET /v1/models` carries none: no plugin sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock import dialects
from penstock.gates.placement import Placement
from penstock.gates.scope import Scope
from penstock.sdk import fields
from penstock.sdk.fields import BEFORE, Moment
from penstock.sdk.manifest import window_problem
from penstock.sdk.openai_paths import EMBEDDINGS


@dataclass(frozen=True, slots=True)
class Surface:
    """One kind of traffic that carries content."""

    name: str
    dialect: str
    route: str


SURFACES = tuple(
    dict.fromkeys(  # a surface may have several methods
        Surface(route.surface, route.dialect.name, route.template)
        for route in dialects.ROUTES
        if route.surface
    )
)
_MCP = "mcp"
DIALECTS = frozenset(surface.dialect for surface in SURFACES)
ROUTES = frozenset(surface.route for surface in SURFACES)


def served(*, mcp: bool) -> tuple[Surface, ...]:
    """The surfaces of a deployment that serves MCP, or does not."""
    return tuple(surface for surface in SURFACES if mcp or surface.dialect != _MCP)


def surfaces_in(scope: Scope, surfaces: tuple[Surface, ...] = SURFACES) -> list[Surface]:
    """Those of which some request can be in `scope`."""
    return [surface for surface in surfaces if _may_admit(scope, surface)]


def coverage_problem(
    placement: Placement,
    surfaces: tuple[Surface, ...] = SURFACES,
    known: tuple[Surface, ...] = SURFACES,
) -> tuple[str, str] | None:
    """What is wrong with where `placement` applies, and the remedy; None when it can act on all of it.

    A field of `known` traffic that a deployment does not serve may be granted: one grant of a guard then fits
    with MCP and without.
    """
    inside = surfaces_in(placement.scope, surfaces)
    if not inside:
        return "its scope admits no traffic that carries content.", "Widen `dialect` or `route`."
    names = sorted({*placement.reads, *placement.terms.writes})
    possible = [*inside, *surfaces_in(placement.scope, known)]
    for name in names:
        if not any(_carries(surface, name) for surface in possible):
            return (
                f"no traffic in its scope carries {name!r}.",
                f"Take {name!r} out of its grant, or widen its scope.",
            )
    content = [name for name in names if name in fields.CONTENT_FIELDS]
    for surface in inside if content else []:
        if not any(_carries(surface, name) for name in content):
            problem = f"it cannot act on {surface.name}: none of its fields is there."
            there = " or ".join(content_of(surface, placement.moment))
            return problem, f"Grant it {there}, or leave this out: {_left_out(surface)}."
    for surface in inside if "respond" in placement.terms.effects else []:
        if surface.name == EMBEDDINGS:
            problem = f"it may respond, and no text can stand for an answer of {surface.name}."
            return problem, f"Take `respond` out of its grant, or leave this out: {_left_out(surface)}."
    return None


def _left_out(surface: Surface) -> str:
    """What an operator writes so that a placement meets no traffic of `surface`."""
    return f'scope.except = [{{ dialect = ["{surface.dialect}"], route = ["{surface.route}"] }}]'


def stream_problem(placement: Placement) -> tuple[str, str] | None:
    """Why `placement` cannot meet a stream as it declares, and the remedy; None when it can.

    Each message of MCP is whole, so that a guard of MCP alone needs no text that grows.
    """
    streamed = any(surface.dialect != _MCP for surface in surfaces_in(placement.scope))
    if placement.stream != "window" or not streamed:
        return None
    if placement.host == "function":
        problem = "a function of its own is too far away to be called for each piece of a stream."
        return problem, 'Have its manifest declare stream = "buffer", or write host = "in_process".'
    found = window_problem(placement.reads, placement.terms.writes, placement.terms.effects)
    return None if found is None else (found, 'Grant more, or have its manifest declare stream = "buffer".')


def content_of(surface: Surface, moment: Moment) -> list[str]:
    """The fields in which traffic of `surface` carries content at `moment`."""
    part = "request." if moment == BEFORE else "response."
    return [
        name
        for name in fields.FIELDS
        if name.startswith(part) and name in fields.CONTENT_FIELDS and _carries(surface, name)
    ]


def _carries(surface: Surface, name: str) -> bool:
    entry = fields.lookup(name)
    return entry is not None and entry.on(surface.name)


def _may_admit(scope: Scope, surface: Surface) -> bool:
    """Whether some request of `surface` can be in scope, whatever its other dimensions are."""
    facts: Mapping[str, str] = {"dialect": surface.dialect, "route": surface.route}
    if any(name == _absent(surface) for name, _ in scope.only):
        return False
    only = {name: names for name, names in scope.only if name in facts}
    if not all(names.admits(facts[name]) for name, names in only.items()):
        return False
    # An exception takes the whole surface out only when it names nothing but dialect and route.
    return not any(
        all(name in facts and names.admits(facts[name]) for name, names in table)
        for table in scope.exceptions
    )


def _absent(surface: Surface) -> str:
    """The dimension that no request of `surface` has: an id that is not there matches nothing."""
    return "model" if surface.dialect == _MCP else "mcp_server"
