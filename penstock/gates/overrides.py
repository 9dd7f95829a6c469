"""What operators changed since the deployment: only ever downwards, live within 30 s.

An override lowers a mode, a rollout or a scope, or kills a placement. It can never exceed what was
deployed. A placement with `required` ignores every override but one made with break-glass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.gates.placement import Mode, Placement
from penstock.gates.scope import Scope


@dataclass(frozen=True, slots=True)
class Override:
    """One plugin's override. None leaves what was deployed."""

    mode: Mode | None = None
    rollout: int | None = None
    scope: Scope | None = None
    killed: bool = False
    break_glass: bool = False


@dataclass(frozen=True, slots=True)
class Overrides:
    """Every override in force, and their version for the record."""

    by_plugin: Mapping[str, Override] = field(default_factory=dict)
    version: str = "none"

    def of(self, placement: Placement) -> Override:
        """The override that counts for `placement`."""
        found = self.by_plugin.get(placement.plugin, _NOTHING)
        return _NOTHING if placement.required and not found.break_glass else found


_NOTHING = Override()
