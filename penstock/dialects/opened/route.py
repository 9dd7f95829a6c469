"""Opened paths: which requests are theirs, and that none can be a dialect's path in another spelling.

Matching is exact: case counts, nothing is unescaped, a part that varies has letters, digits and `. _ -` only.
So a request that takes an opened path says, however a provider reads it, no more than its template lets it;
and a template that could be read as a path of a dialect is refused when configuration is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from penstock.dialects.dialect import Match, Route

OPENED: Final = "opened"
VERSION: Final = "/v1"
"""Where all paths are here. Providers have what follows below their base URL, which ends in it too."""
TEMPLATE: Final = r"^/v1(/([A-Za-z0-9][A-Za-z0-9_.-]{0,63}|\{[a-z][a-z_]{0,31}\})){1,8}$"
_PART: Final = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}"  # neither `.` nor `..`
_VARIES: Final = "{}"


@dataclass(frozen=True, slots=True)
class OpenedRoute(Route):
    """One path that the operator has opened. `id`: what grants call it; `provider`: where it leads."""

    id: str = ""
    provider: str = ""
    body_limit_bytes: int = 0


def match(routes: Sequence[OpenedRoute], method: str, path: str) -> Match | None:
    """The opened route of a request, if there is one."""
    for route in routes:
        if route.method == method and _pattern(route.template).fullmatch(path):
            return Match(route, {})
    return None


def shadowed(template: str, known: Sequence[Route]) -> str | None:
    """The template of a dialect that some spelling of `template` could be taken for; None when none could."""
    ours = _segments(template)
    return next((route.template for route in known if _meet(ours, _segments(route.template))), None)


def meet(one: str, other: str) -> bool:
    """Whether a path can be of both templates, in some spelling."""
    return _meet(_segments(one), _segments(other))


def spans(base_path: str, upstream_path: str, known: Sequence[Route]) -> str | None:
    """The upstream path of a dialect that begins in a provider's base URL and ends in an opened path."""
    opened = list(_segments(upstream_path))
    whole = [*_segments(base_path), *opened]
    for route in known:
        theirs = list(_segments(route.upstream_path))
        is_longer = len(opened) < len(theirs) <= len(whole)
        if is_longer and _meet(tuple(whole[-len(theirs) :]), tuple(theirs)):
            return route.upstream_path
    return None


def ending(template: str, method: str, known: Sequence[Route]) -> str | None:
    """The template of a door with content that `template` ends like, below a prefix of its own; else None.

    Many providers serve the same door under a prefix, as `/openai/deployments/{name}/chat/completions`. By
    another method than POST it is none: what lists or deletes is not what takes a conversation.
    """
    ours = _segments(template)
    for route in known:
        is_door = route.surface is not None and route.method == method == "POST"
        if is_door and any(_ends(ours, theirs) for theirs in _ends_of(route)):
            return route.template
    return None


def _ends_of(route: Route) -> Iterator[tuple[str, ...]]:
    """What the paths of a route end in, wherever it is served."""
    whole = _segments(route.upstream_path or route.template)
    yield whole
    if whole[-1] == _VARIES:  # a server of MCP has a path of its own, without a name
        yield whole[:-1]


def _ends(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """Where nothing but their varying parts meets a word of ours, it is no ending of theirs."""
    tail = ours[-len(theirs) :]
    is_like = any(one == other != _VARIES for one, other in zip(tail, theirs, strict=False))
    return _meet(tail, theirs) and (is_like or set(tail) == {_VARIES})


def _meet(ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    """A part that varies at the end of a dialect's template may hold slashes (`penstock.dialects.routes`)."""
    if theirs and theirs[-1] == _VARIES and len(ours) > len(theirs):
        ours = ours[: len(theirs)]
    return len(ours) == len(theirs) and all(
        one == other or _VARIES in (one, other) for one, other in zip(ours, theirs, strict=True)
    )


def _segments(template: str) -> tuple[str, ...]:
    """As a lenient reader takes them: no case, no empty ones, whatever varies is the same."""
    return tuple(_lenient(template))


def _lenient(template: str) -> Iterator[str]:
    for part in template.split("/"):
        if part:
            yield _VARIES if part.startswith("{") else part.casefold()


@cache  # one for each route
def _pattern(template: str) -> re.Pattern[str]:
    parts = (_PART if part.startswith("{") else re.escape(part) for part in template.split("/"))
    return re.compile("/".join(parts))
