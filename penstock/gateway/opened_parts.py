"""What a gateway is made of besides, when its operator has opened paths that no dialect understands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from penstock.configuration.snapshot import DeployedRoute
from penstock.dialects.opened.route import OpenedRoute
from penstock.dialects.routes import opened_route
from penstock.upstream.client import PassingUpstream


@dataclass(frozen=True, slots=True)
class OpenedParts:
    """Built once per environment."""

    routes: tuple[OpenedRoute, ...]
    upstream: PassingUpstream


def opened_parts(routes: Sequence[DeployedRoute], upstream: PassingUpstream) -> OpenedParts | None:
    """The parts of an environment; None when nothing was opened."""
    if not routes:
        return None
    found = (
        opened_route(one.id, one.method, one.path, one.provider, one.dialect, one.body_limit_bytes)
        for one in routes
    )
    return OpenedParts(tuple(found), upstream)
