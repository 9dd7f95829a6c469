"""Rules over evidence, for plugins that tell of some requests. Every condition of a rule must hold.

    [[plugin.config.rules]]
    name = "secrets-stopped"
    outcomes = ["blocked"]
    codes = ["secret-scanner.*"]

Names may be globs, as in scopes: `*` for any number of characters. Within a list one match is enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk.plugin import PluginConfig
from penstock.sdk.views import Evidence

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,47}$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:@/*+-]{1,128}$")]
Globs = Annotated[tuple[Glob, ...], Field(max_length=50)]
Outcome = Literal["answered", "blocked", "failed", "disconnected", "outcome_unknown"]
Action = Literal["allow", "block", "transform", "record", "emit", "fail", "skipped", "dispatched"]
Would = Literal["would_block", "would_transform"]

# Dimension of a rule → where the record says it.
PRINCIPALS = {"organisations": "organisation", "teams": "team", "api_keys": "api_key", "tenants": "tenant"}
RESOURCES = {"models": "model", "mcp_servers": "mcp_server"}


class Rule(PluginConfig):
    """One rule. What is left out does not count; a rule without any condition is refused."""

    name: RuleName
    outcomes: tuple[Outcome, ...] = ()
    codes: Globs = ()
    """Of what the caller was told: `budget_exceeded`, `secret-scanner.*`."""
    status_at_least: int | None = Field(default=None, ge=100, le=999)
    cost_nanousd_over: int | None = Field(default=None, ge=0)
    """Billionths of a US dollar for one request. A request without a price never matches."""
    plugins: Globs = ()
    """One and the same placement must match `plugins`, `actions` and `would`, those that are given."""
    actions: tuple[Action, ...] = ()
    would: tuple[Would, ...] = ()
    organisations: Globs = ()
    teams: Globs = ()
    api_keys: Globs = ()
    tenants: Globs = ()
    models: Globs = ()
    mcp_servers: Globs = ()

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        # Alone, a plugin's name would match its placement in every request.
        if not self.model_dump(exclude={"name", "plugins"}, exclude_defaults=True):
            raise ValueError("a rule needs a condition besides `name` and `plugins`: it would match all")
        return self

    def matches(self, evidence: Evidence) -> bool:
        return (
            (not self.outcomes or evidence.get("outcome") in self.outcomes)
            and _named(evidence.get("code"), self.codes)
            and _reaches(evidence.get("status"), self.status_at_least)
            and (self.cost_nanousd_over is None or _cost(evidence) > self.cost_nanousd_over)
            and self._is_of(evidence.get("principal"), PRINCIPALS)
            and self._is_of(evidence.get("resource"), RESOURCES)
            and self._acted(evidence.get("placements") or ())
        )

    def placements(self, evidence: Evidence) -> list[Mapping[str, Any]]:
        """The placements that the rule's own conditions on placements match."""
        return [each for each in evidence.get("placements") or () if self._meant(each)]

    def _is_of(self, part: Any, names: Mapping[str, str]) -> bool:
        said = part if isinstance(part, Mapping) else {}
        return all(_named(said.get(name), getattr(self, globs)) for globs, name in names.items())

    def _acted(self, placements: Iterable[Mapping[str, Any]]) -> bool:
        asked = self.plugins or self.actions or self.would
        return not asked or any(map(self._meant, placements))

    def _meant(self, placement: Mapping[str, Any]) -> bool:
        return (
            _named(placement.get("plugin"), self.plugins)
            and (not self.actions or placement.get("action") in self.actions)
            and (not self.would or placement.get("would") in self.would)
        )


def checked_rules(rules: Sequence[Rule]) -> None:
    """Raises ValueError when two have the same name: whoever is told of one could not say which."""
    if len({rule.name for rule in rules}) < len(rules):
        raise ValueError("two rules have the same name: give each its own")


def _named(name: Any, globs: tuple[str, ...]) -> bool:
    return not globs or (isinstance(name, str) and any(fnmatchcase(name, glob) for glob in globs))


def _reaches(status: Any, least: int | None) -> bool:
    return least is None or (isinstance(status, int) and status >= least)


def _cost(evidence: Evidence) -> int:
    cost = evidence.get("cost_nanousd")
    return cost if isinstance(cost, int) else -1
