"""Compiles the deployed half: `[deployment]` and `[[plugin]]` become one snapshot. It makes every check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.configuration.coverage import DIALECTS, ROUTES, coverage_problem, served, stream_problem
from penstock.configuration.installing import Known, built_in_plugins, install, plugin_folder
from penstock.configuration.model import PluginStanza
from penstock.configuration.opening import STATEMENTS, blind_problem, surfaces, warnings
from penstock.configuration.placing import Installed, PlacingError, place
from penstock.configuration.reading import Source, meant
from penstock.configuration.references import check_references
from penstock.configuration.requirements import check_together
from penstock.configuration.snapshot import DeployedPlugin, Snapshot, encode_snapshot
from penstock.errors import ConfigurationError
from penstock.gates.placement import Placement, in_order
from penstock.gates.scope import Names
from penstock.sdk.fields import AFTER, MOMENTS

__all__ = ["Compiled", "built_in_plugins", "compile_file", "plugin_folder"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A snapshot and its bytes; the folders in which its plugins' folders are; what is dead in the file."""

    snapshot: Snapshot
    raw: bytes
    plugin_roots: tuple[str, ...]
    warnings: tuple[str, ...]


def compile_file(source: Source, built_ins: Path | None = None) -> Compiled:
    """Compile and check everything. Imports the plugins' code. Raises ConfigurationError."""
    check_references(source)
    known = Known.beside(source.path, built_ins)
    plugins: list[DeployedPlugin] = []
    placements: list[Placement] = []
    folders: dict[str, Path] = {}
    modules: dict[str, Mapping[str, str]] = {}
    warned: list[str] = []
    for index, stanza in enumerate(source.file.plugin):
        installed = install(source, index, stanza, known)
        if folders.setdefault(installed.folder.name, installed.folder) != installed.folder:
            problem = f"another plugin's folder is called {installed.folder.name!r} too."
            key = "path" if stanza.path else "name"
            raise source.error(("plugin", index, key), problem, "Rename one of them.")
        placed = _placed(source, index, stanza, installed)
        placements += placed
        plugins.append(_deployed(stanza, installed, placed))
        modules[stanza.name] = installed.modules
        warned += _left_out(stanza, installed)
    _check_order(source, placements)
    _check_together(source, modules, placements)
    raw = encode_snapshot(_settings(source), plugins, placements)
    roots = tuple(sorted({str(folder.parent) for folder in folders.values()}))
    return Compiled(Snapshot.decode(raw), raw, roots, (*warned, *_warnings(source, placements)))


def _placed(source: Source, index: int, stanza: PluginStanza, installed: Installed) -> list[Placement]:
    _check_scope(source, index, stanza)
    try:
        placements = place(stanza, installed)
    except PlacingError as error:
        raise source.error(("plugin", index, *error.key), error.problem, error.remedy) from error
    for placement in placements:
        file = source.file
        there = (*served(mcp=file.deployment.mcp is not None), *surfaces(placement, file.route))
        found = coverage_problem(placement, there) or blind_problem(placement, file.route)
        if found:
            problem, remedy = found
            raise source.error(("plugin", index, "scope"), f"{placement.name}: {problem}", remedy)
        found = stream_problem(placement)
        if found:
            problem, remedy = found
            raise source.error(("plugin", index, "grant", AFTER), f"{placement.name}: {problem}", remedy)
    return placements


def _check_scope(source: Source, index: int, stanza: PluginStanza) -> None:
    """Refuse a dialect or route that does not exist, in the scope or in its exceptions."""
    routes = ROUTES.union(route.path for route in source.file.route)
    for table in (stanza.scope, *stanza.scope.exceptions):
        for dimension, known in (("dialect", DIALECTS), ("route", routes)):
            for pattern in getattr(table, dimension) or ():
                if not any(Names.of((pattern,)).admits(name) for name in known):
                    key = ("plugin", index, "scope", dimension)
                    raise source.error(key, f"there is no {dimension} {pattern!r}.", meant(pattern, known))


def _deployed(stanza: PluginStanza, installed: Installed, placed: list[Placement]) -> DeployedPlugin:
    return DeployedPlugin(
        name=stanza.name,
        folder=installed.folder.name,
        version=installed.manifest.version,
        digest=installed.digest,
        packages_digest=installed.packages_digest,
        config=stanza.config,
        hosts=stanza.grant.hosts,
        secrets=dict(stanza.secrets),
        storage=stanza.grant.storage,
        email_from=stanza.grant.email.sender if stanza.grant.email else None,
        email_to=stanza.grant.email.to if stanza.grant.email else (),
        exports=stanza.grant.exports,
        workflow=installed.steps.told() if installed.steps and stanza.grant.workflow else None,
        moments=tuple(placement.moment for placement in placed),
        scope=stanza.scope.table(),
        exceptions=tuple(table.table() for table in stanza.scope.exceptions),
    )


def _check_order(source: Source, placements: list[Placement]) -> None:
    for moment in MOMENTS:
        try:
            in_order([placement for placement in placements if placement.moment == moment])
        except ConfigurationError as error:
            raise ConfigurationError(f"{source.path}: {error.where}", error.problem, error.remedy) from error


def _check_together(
    source: Source, modules: Mapping[str, Mapping[str, str]], placements: list[Placement]
) -> None:
    """What plugins of the gateway's process bring along goes together."""
    inside = dict.fromkeys(p.plugin for p in placements if p.host == "in_process")
    index = {stanza.name: index for index, stanza in enumerate(source.file.plugin)}
    brought = {name: modules[name] for name in inside}
    check_together(brought, lambda name: source.place(("plugin", index[name])))


def _settings(source: Source) -> dict[str, Any]:
    deployment = source.file.deployment
    return {
        "deployment": deployment.name,
        "body_limit_bytes": deployment.body_limit_bytes,
        "gate_budget_ms": deployment.gate_budget_ms.model_dump(),
        "durability": deployment.evidence.durability,
        "addresses": list(deployment.addresses),
        "mcp": deployment.mcp and deployment.mcp.model_dump(mode="json"),
        "routes": [route.model_dump(mode="json", exclude=STATEMENTS) for route in source.file.route],
    }


def _warnings(source: Source, placements: list[Placement]) -> Iterator[str]:
    """What stands in the file and can have no effect, or cannot be checked against it."""
    file = source.file
    for stanza in file.plugin:
        yield from _scope_warnings(source, stanza)
        if stanza.mode == "off":
            yield f"plugin {stanza.name!r} is off: overrides cannot switch on what is deployed off."
    budgets = file.deployment.gate_budget_ms.model_dump()
    for placement in placements:
        budget_ms = budgets.get(placement.moment, placement.timeout_ms)
        if placement.timeout_ms > budget_ms:
            times = f"may take {placement.timeout_ms} ms, its whole gate {budget_ms} ms, which ends it first"
            yield f"{placement.name} {times}: raise `deployment.gate_budget_ms`, or lower `timeout_ms`."
    used = {model.provider for model in file.model} | {route.provider for route in file.route}
    yield from (f"no model uses provider {p.id!r}." for p in file.provider if p.id not in used)
    granted = {name for grant in file.grant for name in grant.models}
    yield from (f"nobody is granted model {m.id!r}." for m in file.model if m.id not in granted)
    granted_servers = {name for grant in file.grant for name in grant.mcp_servers}
    for server in file.mcp_server:
        if server.id not in granted_servers:
            yield f"nobody is granted MCP server {server.id!r}."
    open_to = frozenset(name for grant in file.grant for name in grant.routes)
    yield from warnings(file.route, placements, open_to)


def _left_out(stanza: PluginStanza, installed: Installed) -> Iterator[str]:
    """A smaller grant is a right of the operator; a guard that needs what is left out stops all requests.

    Not of hosts, secrets and e-mail: plugins ask for them for settings that a deployment may not use.
    """
    for what in ("storage", "exports", "workflow"):
        if getattr(installed.manifest, what) and not getattr(stanza.grant, what):
            fails = f"asks for `{what}`, is not granted it, and fails where it uses it"
            remedy = f"write {what} = true into [plugin.grant], or leave it so if you mean it"
            yield f"plugin {stanza.name!r} {fails}: {remedy}."


def _scope_warnings(source: Source, stanza: PluginStanza) -> Iterator[str]:
    """API keys and tenants are created beside the file: a misspelt one cannot be told from a later one."""
    granted = {key for grant in source.file.grant for key in grant.api_keys}
    for table in (stanza.scope, *stanza.scope.exceptions):
        for dimension, known in (("api_key", granted), ("tenant", set[str]())):
            for name in getattr(table, dimension) or ():
                if "*" not in name and name not in known:
                    yield (
                        f"plugin {stanza.name!r}: its scope names {dimension} {name!r}, which this file does "
                        "not know: is it spelt right?"
                    )
