"""From gateway.toml to a filled AWS: what `cdk deploy`, `penstock apply` and `penstock keys` do elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.adapters.clients import Clients
from penstock.adapters.resources import Resources
from penstock.dev.options import Options


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the functions and the operator need to know."""

    resources: Resources
    environment: Mapping[str, str]
    """What every function is told."""
    api_key: str
    models: tuple[str, ...]
    """Those that the key may use."""
    handlers: Mapping[str, str] = field(default_factory=dict)
    """By function, where it is not the deployed one: for tests."""


def prepare(options: Options, clients: Clients, echo_url: str) -> Prepared:
    raise NotImplementedError
