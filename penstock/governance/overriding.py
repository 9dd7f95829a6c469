"""Overrides as the control table keeps them: one document, whose revision is the version in every record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.control import Entry
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode
from penstock.gates.scope import Scope

NONE = Overrides()


def decode_overrides(entry: Entry | None) -> Overrides:
    """The overrides in an entry; none when there is no entry."""
    if entry is None:
        return NONE
    plugins = entry.document["plugins"]
    return Overrides({name: _decoded(document) for name, document in plugins.items()}, f"r{entry.revision}")


def _decoded(document: Mapping[str, Any]) -> Override:
    mode = document.get("mode")
    scope = document.get("scope")
    return Override(
        mode=None if mode is None else Mode[mode.upper()],
        rollout=document.get("rollout"),
        scope=None if scope is None else Scope.of({name: tuple(v) for name, v in scope.items()}),
        killed=bool(document.get("killed")),
        break_glass=bool(document.get("break_glass")),
    )
