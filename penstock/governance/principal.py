"""Who asks: organisation → team? → user? → API key, and a tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from penstock.adapters.keys import grants_key
from penstock.evidence import record


@dataclass(frozen=True, slots=True)
class Principal:
    """Ids from configuration. The key belongs to exactly one organisation, perhaps to a team and a user."""

    organisation: str
    api_key: str
    team: str | None = None
    user: str | None = None
    tenant: str | None = None

    def facts(self) -> Mapping[str, str | None]:
        """As dimensions of a scope (`penstock.gates.scope.DIMENSIONS`)."""
        return {
            "organisation": self.organisation,
            "team": self.team,
            "user": self.user,
            "api_key": self.api_key,
            "tenant": self.tenant,
        }

    def record(self) -> record.Principal:
        """As the evidence says it."""
        return record.Principal(self.organisation, self.team, self.user, self.api_key, self.tenant)

    def grant_keys(self) -> tuple[str, ...]:
        """The control table's keys of all that is granted to it, the key's own first."""
        subjects = (
            ("api_key", self.api_key),
            ("user", self.user),
            ("team", self.team),
            ("organisation", self.organisation),
        )
        return tuple(grants_key(kind, name) for kind, name in subjects if name)
