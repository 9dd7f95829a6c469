"""`[[route]]`: paths that the operator opens. What may be opened, and what that means for guards.

An opened path is deployed, not applied: whoever reviews a deployment sees each hole in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints

from penstock import dialects
from penstock.configuration.coverage import Surface
from penstock.configuration.stanza import Stanza
from penstock.dialects.opened.content import BODY
from penstock.dialects.opened.route import TEMPLATE, VERSION, ending, meet, shadowed, spans
from penstock.evidence.record import Name
from penstock.gates.placement import Mode, Placement, reads_content
from penstock.sdk import fields

RouteName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,38}$")]
STATEMENTS: Final = {"uninspected", "bypasses_guards"}
"""Keys that say to whoever reads the file what is known; at run time they decide nothing."""
_ABSENT: Final = frozenset({"model", "mcp_server"})


class RouteStanza(Stanza):
    """A path that no dialect understands, opened by name. Nobody reads what passes, no plugin and no rule.

    Grants of models and MCP servers do not bind what it asks for; nothing of it is counted or priced.
    """

    id: RouteName
    """What grants and evidence call it."""
    method: Literal["GET", "POST", "DELETE"]
    """One stanza for each method."""
    path: Annotated[str, StringConstraints(pattern=TEMPLATE, max_length=128)]
    """Exactly so, as `/v1/audio/transcriptions`; `{name}` stands for one part of letters, digits and `. _ -`.
    What follows `/v1` goes to its provider's base URL. It cannot be a path that a dialect understands."""
    provider: Name
    """Where it leads."""
    dialect: Literal["openai", "anthropic"] = "openai"
    """Whose words errors take; what scopes and evidence call it."""
    uninspected: Literal["allow"]
    """`"allow"`: the statement that nobody looks at what passes. There is no other value."""
    bypasses_guards: Literal["allow"] | None = None
    """`"allow"`: the statement that a path which ends like one that guards cover, as
    `/v1/x/{y}/chat/completions`, is opened all the same. Such a path needs it, no other may have it."""
    body_limit_bytes: int = Field(default=4_000_000, ge=1024, le=4_500_000)
    """The largest request body, if `[deployment]` does not say less."""


Problem = tuple[int, str, str, str]
"""Which stanza, which of its keys, what is wrong, the remedy."""


def problems(routes: Sequence[RouteStanza], providers: Mapping[str, tuple[str, str]]) -> Iterator[Problem]:
    """What must not be opened. `providers`: id → (kind, base URL); each route's provider is there."""
    for index, route in enumerate(routes):
        kind, base_url = providers[route.provider]
        if (taken := shadowed(route.path, dialects.ROUTES)) is not None:
            problem = f"{route.path!r} is, or can be read as, {taken!r}, which a dialect understands."
            yield index, "path", problem, "What is understood is not passed unread: take the stanza out."
        base = urlsplit(base_url).path
        if (taken := spans(base, route.path.removeprefix(VERSION), dialects.ROUTES)) is not None:
            problem = f"at {base_url} it leads to {taken!r}, which a dialect understands."
            yield index, "path", problem, "Take the stanza out, or mend `base_url`."
        yield from _bypasses(index, route)
        if kind not in {route.dialect, "both"}:
            problem = f"provider {route.provider!r} speaks {kind}."
            yield index, "dialect", problem, f'Write dialect = "{kind}", or name another provider.'
    for (_, one), (index, other) in combinations(enumerate(routes), 2):
        if one.method == other.method and meet(one.path, other.path):
            problem = f"a request could take {one.path!r} of route {one.id!r} as well."
            yield index, "path", problem, "Take one of them out."


def _bypasses(index: int, route: RouteStanza) -> Iterator[Problem]:
    """A door that guards cover, under a prefix: opened by who says so, not by who did not think of it."""
    taken = _guarded(route)
    if taken is not None and route.bypasses_guards is None:
        problem = f"{route.path!r} ends like {taken!r}, or can: what guards read would pass there unread."
        remedy = f'Have it sent to {taken}, write out what varies, or say so: bypasses_guards = "allow".'
        yield index, "path", problem, remedy
    if taken is None and route.bypasses_guards is not None:
        problem = f"{route.path!r} ends like no path that guards cover."
        yield index, "bypasses_guards", problem, "Take the key out."


def _guarded(route: RouteStanza) -> str | None:
    return ending(route.path, route.method, dialects.ROUTES)


def surfaces(placement: Placement, routes: Sequence[RouteStanza]) -> tuple[Surface, ...]:
    """The opened routes that `placement` can act on: all of them, if it has nothing to do with content."""
    if fields.CONTENT_FIELDS.intersection((*placement.reads, *placement.terms.writes)):
        return ()
    return tuple(Surface("opened", route.dialect, route.path) for route in routes)


def blind_problem(placement: Placement, routes: Sequence[RouteStanza]) -> tuple[str, str] | None:
    """Why `placement` and the opened routes do not go together, and the remedy; None when they do.

    Without this check such a guard would refuse each request there, as it refuses all that it cannot see.
    """
    is_guard = placement.style == "ordered" and reads_content(placement) and placement.mode is not Mode.OFF
    if not is_guard or placement.policy(BODY) == "allow":
        return None
    for route in routes:
        if in_scope(placement, route):
            problem = f"it reads content, and nobody reads what passes through route {route.id!r}."
            remedy = (
                f'Leave it out: scope.except = [{{ route = ["{route.path}"] }}]; or say that it may pass '
                f'this guard unread: uninspected = {{ {BODY} = "allow" }}.'
            )
            return problem, remedy
    return None


def in_scope(placement: Placement, route: RouteStanza) -> bool:
    """Whether some request of `route` can be in the scope of `placement`."""
    facts = {"dialect": route.dialect, "route": route.path}
    for dimension, names in placement.scope.only:
        if dimension in _ABSENT or (dimension in facts and not names.admits(facts[dimension])):
            return False
    return not any(
        all(dimension in facts and names.admits(facts[dimension]) for dimension, names in table)
        for table in placement.scope.exceptions
    )


def warnings(
    routes: Sequence[RouteStanza], placements: Sequence[Placement], granted: frozenset[str]
) -> Iterator[str]:
    """What whoever reviews the file should know of each route. `granted`: routes that somebody may use."""
    for route in routes:
        yield f"route {route.id!r}: what passes through {route.method} {route.path} is read by nobody."
        if (taken := _guarded(route)) is not None:
            yield f"route {route.id!r} ends like {taken}, or can: what guards read passes there unread."
        if route.id not in granted:
            yield f"nobody is granted route {route.id!r}."
        for placement in placements:
            if reads_content(placement):
                yield from _unseen_by(placement, route)


def _unseen_by(placement: Placement, route: RouteStanza) -> Iterator[str]:
    by_model = any(dimension == "model" for dimension, _ in placement.scope.only)
    if by_model and placement.style == "ordered":
        yield (
            f"{placement.name} does not apply to route {route.id!r}: its scope names models, and which of "
            "these a request there asks for nobody knows."
        )
    if placement.style == "independent" and in_scope(placement, route):
        yield f"{placement.name} sees nothing of what passes through route {route.id!r}."
