"""Stops who is not in its table of who may use what. Operators keep the table, in the plugin's storage."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import Field

from penstock.sdk import Allow, Block, Context, Decision, Plugin, PluginConfig, Request
from penstock.sdk.storage import Storage

from .table import KEY, DecidedBy, Kind, Row, Table, keys_of


class EligibilityConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    cache_s: int = Field(default=30, ge=0, le=300)
    """So long may an environment go by what it read; 0: it reads at every request."""


class TenantEligibility(Plugin):
    """See README.md."""

    config_model = EligibilityConfig
    clock: Callable[[], float] = staticmethod(time.monotonic)

    def prepare(self, config: EligibilityConfig) -> None:
        self._table = Table(config.cache_s, self.clock)

    def stored(self, key: str, value: Any) -> Any:
        """A row as it may be stored. Raises ValueError for any other key or value."""
        if not KEY.fullmatch(key):
            raise ValueError("a key is api_key/…, tenant/…, team/… or organisation/… and an id")
        return Row.model_validate(value).model_dump(mode="json", exclude_defaults=True)

    def before_upstream(self, request: Request, ctx: Context[EligibilityConfig]) -> Decision:
        asked = asked_for(request)
        allowed, by = (
            (False, "nobody") if asked is None else self._verdict(request.identity, *asked, ctx.storage)
        )
        ctx.record("decided_by", by)
        return Allow() if allowed else Block("not_eligible")

    def _verdict(
        self, identity: Mapping[str, Any], kind: Kind, name: str, storage: Storage
    ) -> tuple[bool, DecidedBy]:
        """Whether it is allowed, and by whose row. One that denies goes before any that allows."""
        allowed_by: DecidedBy | None = None
        for subject, key in keys_of(identity):
            row = self._table.row(key, storage)
            said = None if row is None else row.says(kind, name)
            if said is False:
                return False, subject
            if said and allowed_by is None:
                allowed_by = subject
        return allowed_by is not None, allowed_by or "nobody"


def asked_for(request: Request) -> tuple[Kind, str] | None:
    """The kind and name of what the request is for; None on a path that is of neither."""
    if request.mcp.server is not None:
        return "mcp_servers", request.mcp.server
    return None if request.model is None else ("models", request.model)
