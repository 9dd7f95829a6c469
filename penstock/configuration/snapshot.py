"""The deployed half, compiled: what a function loads when it starts. JSON, no pydantic needed to read it.

Nothing in it depends on the machine that made it, so that equal configuration gives an equal digest. The
digest, over its canonical JSON, stands in every record.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from penstock.errors import ConfigurationError
from penstock.gates.placement import HostKind, Mode, Placement, in_order
from penstock.gates.scope import Scope
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.email import EMAIL
from penstock.sdk.exports import EXPORTS
from penstock.sdk.fields import LATER, MOMENTS, REFERENCE, Moment

if TYPE_CHECKING:
    from penstock.sdk.steps import Steps

SCHEMA = "penstock.snapshot/1"
# What a plugin's function is told besides its placements.
_TOLD = ("config", "hosts", "secrets", "storage", "email_from", "email_to", "exports", "workflow")


@dataclass(frozen=True, slots=True)
class DeployedPlugin:
    """One installed plugin.

    `folder`: its name under the plugin roots. `packages_digest`: of what it brings along, None when it
    brings nothing. `secrets`: logical name → name in Secrets Manager. `scope`:
    dimension → patterns, for all of its placements; `exceptions`: tables of the same kind. `email_from`: the
    address that it sends from, None when it may not; `email_to`: patterns of whom it may write to.
    `workflow`: what `steps` are read of; None when it may start none.
    """

    name: str
    folder: str
    version: str
    digest: str
    config: Mapping[str, Any]
    hosts: tuple[str, ...]
    secrets: Mapping[str, str]
    moments: tuple[Moment, ...]
    scope: Mapping[str, tuple[str, ...]]
    exceptions: tuple[Mapping[str, tuple[str, ...]], ...]
    packages_digest: str | None = None
    storage: bool = False
    email_from: str | None = None
    email_to: tuple[str, ...] = ()
    exports: bool = False
    workflow: Mapping[str, Any] | None = None

    @property
    def is_capable(self) -> bool:
        """Whether it may reach anything outside of its function."""
        granted = (self.hosts, self.secrets, self.storage, self.email_from, self.exports, self.workflow)
        return any(map(bool, granted))

    @property
    def receivers(self) -> frozenset[str]:
        """All that evidence may say it has delivered to."""
        others = {EMAIL: self.email_from is not None, EXPORTS: self.exports}
        return frozenset((*self.hosts, *(name for name, granted in others.items() if granted)))

    @property
    def steps(self) -> Steps:
        """The steps of its workflow. Raises pydantic's ValidationError where there is none."""
        from penstock.sdk.steps import Steps  # noqa: PLC0415 - pydantic, which the gateway does without

        return Steps.model_validate(self.workflow)

    @property
    def asks_humans(self) -> bool:
        """Whether a step of its workflow waits for an approval."""
        return any(step.get("approval") for step in (self.workflow or {}).get("step", ()))

    @property
    def in_background(self) -> bool:
        """Whether it has a queue, and with it a function of its own."""
        return LATER in self.moments


@dataclass(frozen=True, slots=True)
class DeployedRoute:
    """One path that is passed on unread: the stanza of `penstock.configuration.opening`."""

    id: str
    method: str
    path: str
    provider: str
    dialect: str
    body_limit_bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that was deployed. `placements`: moment → in the order in which they run."""

    digest: str
    deployment: str
    body_limit_bytes: int
    gate_budget_ms: Mapping[str, int]
    durability: Literal["stored", "log"]
    addresses: tuple[str, ...]
    plugins: Mapping[str, DeployedPlugin]
    placements: Mapping[Moment, tuple[Placement, ...]]
    mcp_origins: tuple[str, ...] | None = None
    """What a browser's `Origin` may be on the routes of MCP; None when they are not served at all."""
    provider_mcp: Literal["refuse", "allow"] = "refuse"
    """Whether requests may make their provider call MCP servers."""
    routes: tuple[DeployedRoute, ...] = ()
    """Paths that the operator has opened."""

    @classmethod
    def load(cls, path: Path) -> Snapshot:
        """The snapshot at `path`. Raises ConfigurationError."""
        try:
            return cls.decode(path.read_bytes(), str(path))
        except OSError as error:
            raise ConfigurationError(str(path), "cannot be read.", "Deploy it again.") from error

    @classmethod
    def decode(cls, raw: bytes, where: str = "the snapshot") -> Snapshot:
        """The snapshot that `raw` holds. Raises ConfigurationError."""
        try:
            tree = json.loads(raw)
            if tree["schema"] != SCHEMA:
                raise ConfigurationError(where, "was made by another version.", "Deploy it again.")
            return _decoded(tree, _digest(raw))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(where, "is no snapshot.", "Deploy it again.") from error

    def at(self, moment: Moment) -> tuple[Placement, ...]:
        """The placements of one moment, in order."""
        return self.placements[moment]

    def inline(self, host: HostKind) -> tuple[Placement, ...]:
        """The placements at gates whose code runs in `host`."""
        return tuple(p for moment in MOMENTS if moment != LATER for p in self.at(moment) if p.host == host)

    @property
    def waited(self) -> dict[str, Placement]:
        """By plugin, what is placed after the response and called by the gateway, before the last byte."""
        return {placement.plugin: placement for placement in self.at(LATER) if placement.wait}

    @property
    def called(self) -> tuple[str, ...]:
        """The plugins whose functions the gateway calls."""
        return tuple(dict.fromkeys((*(p.plugin for p in self.inline("function")), *self.waited)))

    @property
    def sending(self) -> Mapping[str, frozenset[str]]:
        """Plugin → the `host:port` that it may call, of those that have any and may `emit` at some moment."""
        placed = (placement for placements in self.placements.values() for placement in placements)
        emitting = {placement.plugin for placement in placed if "emit" in placement.terms.effects}
        granted = (plugin for plugin in self.plugins.values() if plugin.hosts)
        return {plugin.name: frozenset(plugin.hosts) for plugin in granted if plugin.name in emitting}

    def terms(self, placement: Placement) -> str:
        """A digest of what `placement` sees, may do and is told: the gateway's is that of its function."""
        tree, plugin = _placement_tree(placement), self.plugins[placement.plugin]
        told = {name: getattr(plugin, name) for name in _TOLD}
        agreed = {name: tree[name] for name in ("digest", "moment", "reads", "terms", "records")}
        return _digest(_canonical({**agreed, **_plain(told)}))


def encode_snapshot(
    settings: Mapping[str, Any], plugins: Sequence[DeployedPlugin], placed: Sequence[Placement]
) -> bytes:
    """Canonical JSON of a snapshot. `settings`: deployment, body_limit_bytes, gate_budget_ms and so on."""
    tree = {
        "schema": SCHEMA,
        **settings,
        "plugins": [_plugin_tree(plugin) for plugin in sorted(plugins, key=lambda p: p.name)],
        "placements": [_placement_tree(p) for p in sorted(placed, key=lambda p: (p.moment, p.plugin))],
    }
    return _canonical(tree)


def _canonical(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _decoded(tree: Mapping[str, Any], digest: str) -> Snapshot:
    plugins = {item["name"]: _plugin(item) for item in tree["plugins"]}
    scopes = {name: Scope.of(plugin.scope, plugin.exceptions) for name, plugin in plugins.items()}
    placements = [_placement(item, scopes[item["plugin"]]) for item in tree["placements"]]
    return Snapshot(
        digest=digest,
        deployment=tree["deployment"],
        body_limit_bytes=tree["body_limit_bytes"],
        gate_budget_ms=tree["gate_budget_ms"],
        durability=tree["durability"],
        addresses=tuple(tree["addresses"]),
        plugins=plugins,
        placements={moment: in_order([p for p in placements if p.moment == moment]) for moment in MOMENTS},
        mcp_origins=tuple(tree["mcp"]["origins"]) if tree.get("mcp") else None,
        provider_mcp=(tree.get("mcp") or {}).get("provider_side", "refuse"),
        routes=tuple(DeployedRoute(**route) for route in tree.get("routes", ())),
    )


def _plugin_tree(plugin: DeployedPlugin) -> dict[str, Any]:
    return {name: _plain(getattr(plugin, name)) for name in DeployedPlugin.__slots__}


def _plugin(tree: Mapping[str, Any]) -> DeployedPlugin:
    made = {
        "hosts": tuple(tree["hosts"]),
        "email_to": tuple(tree["email_to"]),
        "moments": tuple(tree["moments"]),
        "scope": _table(tree["scope"]),
        "exceptions": tuple(_table(table) for table in tree["exceptions"]),
    }
    return DeployedPlugin(**{**tree, **made})


def _table(tree: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(patterns) for name, patterns in tree.items()}


def _placement_tree(placement: Placement) -> dict[str, Any]:
    tree = {name: getattr(placement, name) for name in Placement.__slots__ if name not in {"scope", "terms"}}
    terms = placement.terms
    return {
        **_plain(tree),
        "mode": placement.mode.label,
        "terms": {
            "writes": sorted(terms.writes),
            "effects": sorted(terms.effects),
            "reasons": sorted(terms.reasons),
            "tags": {name: sorted(values) for name, values in terms.tags.items()},
        },
        "records": {
            name: {
                "unit": spec.unit,
                "minimum": spec.minimum,
                "maximum": spec.maximum,
                "values": list(spec.values),
            }
            for name, spec in placement.records.items()
        },
    }


def _placement(tree: Mapping[str, Any], scope: Scope) -> Placement:
    terms = tree["terms"]
    made = {
        "mode": Mode[tree["mode"].upper()],
        "scope": scope,
        "after": tuple(tree["after"]),
        "reads": tuple(tree["reads"]),
        "terms": Terms(
            frozenset(terms["writes"]),
            frozenset(terms["effects"]),
            frozenset(terms["reasons"]),
            {name: frozenset(values) for name, values in terms["tags"].items()},
            REFERENCE in tree["reads"],
        ),
        "records": {
            name: RecordSpec(**{**spec, "values": tuple(spec["values"])})
            for name, spec in tree["records"].items()
        },
    }
    return Placement(**{**tree, **made})


def _plain(value: Any) -> Any:
    """Tuples as lists and mappings as dicts, for JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return cast("Any", value)
