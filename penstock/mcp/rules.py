"""Which tools a key may see and call on one server, and on which conditions.

A tool passes when all of these hold; the first that does not is the reason:

    its name can be compared           plain ASCII, or named in so many words; nobody else in the list has it
    nothing blocks it                  the server's or a grant's `blocked_tools`: blocked wins
    the server allows it               `allowed_tools`, where given
    a grant of the key allows it       one grant that names the server and, where it has them, the tool
    it is what was approved            the server's pin policy
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.mcp import schema
from penstock.mcp.names import NamePatterns, folded, is_plain
from penstock.mcp.pinning import PinPolicy

Reason = Literal[
    "ambiguous", "blocked", "not_allowed", "not_granted", "not_approved", "changed", "suspicious"
]


@dataclass(frozen=True, slots=True)
class ToolGrant:
    """What one grant says of a server's tools. `allowed` None: all that the server allows."""

    allowed: NamePatterns | None
    blocked: NamePatterns

    @classmethod
    def of(cls, allowed: Sequence[str] | None, blocked: Sequence[str]) -> ToolGrant:
        return cls(None if allowed is None else NamePatterns.of(allowed), NamePatterns.of(blocked))


@dataclass(frozen=True, slots=True)
class ArgumentRule:
    """Arguments of these tools must fit this schema (`penstock.mcp.schema`)."""

    tools: NamePatterns
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolRules:
    """A server's own rules. `pins`: approved tool → digest."""

    allowed: NamePatterns | None = None
    blocked: NamePatterns = field(default_factory=lambda: NamePatterns.of(()))
    arguments: tuple[ArgumentRule, ...] = ()
    pin: PinPolicy = "required"
    pins: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolAccess:
    """The rules of one server for one key."""

    rules: ToolRules
    grants: tuple[ToolGrant, ...]

    def refusal(self, name: str) -> Reason | None:
        """Why the tool `name` may not be seen or called; None when it may, as far as its name says."""
        known = folded(name)
        allowed = self.rules.allowed
        if not known or not (is_plain(name) or (allowed is not None and known in allowed.exact)):
            return "ambiguous"
        if self.rules.blocked.admits(known) or any(grant.blocked.admits(known) for grant in self.grants):
            return "blocked"
        if allowed is not None and not allowed.admits(known):
            return "not_allowed"
        if not any(grant.allowed is None or grant.allowed.admits(known) for grant in self.grants):
            return "not_granted"
        if self.rules.pin == "required" and name not in self.rules.pins:
            return "not_approved"
        if self.rules.pin == "known" and name not in self.rules.pins and known in self._pinned():
            return "changed"  # an approved name in another spelling
        return None

    def definition_refusal(self, name: str, digest: str) -> Reason | None:
        """Why a tool with this definition may not be seen; `refusal` has let its name pass."""
        pinned = self.rules.pins.get(name)
        if self.rules.pin == "off" or pinned == digest:
            return None
        if pinned is None:
            return None if self.rules.pin == "known" else "not_approved"
        return "changed"

    def violation(self, name: str, arguments: Mapping[str, Any]) -> str | None:
        """Where the arguments of a call are not what the rules for them want; None when they are."""
        known = folded(name)
        for rule in self.rules.arguments:
            if rule.tools.admits(known) and (where := schema.violation(arguments, rule.schema)):
                return where
        return None

    def _pinned(self) -> frozenset[str]:
        return frozenset(map(folded, self.rules.pins))
