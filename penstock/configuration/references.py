"""Names in gateway.toml that stand for other stanzas, or must not meet: each must be there, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from penstock.adapters.resources import dead_queue
from penstock.configuration.model import ScopeNames
from penstock.configuration.opening import problems
from penstock.configuration.reading import Source, meant
from penstock.configuration.toml_lines import Path as KeyPath
from penstock.gates.scope import Names


@dataclass(frozen=True, slots=True)
class _Reference:
    key: KeyPath
    kind: str
    name: str


def check_references(source: Source) -> None:
    """Raises ConfigurationError for a name given twice or that nothing has, and a header with two writers."""
    _check_unique(source)
    known = {kind: {item.id for item in getattr(source.file, kind)} for kind in _KINDS}
    for reference in _references(source):
        if reference.name not in known[reference.kind]:
            raise source.error(
                reference.key,
                f"there is no {reference.kind} {reference.name!r}.",
                meant(reference.name, known[reference.kind]),
            )
    _check_membership(source)
    _check_mcp(source)
    _check_routes(source)
    _check_bedrock(source)
    _check_scopes(source, known)
    _check_headers(source)


_KINDS = ("organisation", "team", "user", "provider", "model", "mcp_server", "route")


def _check_unique(source: Source) -> None:
    for kind in (*_KINDS, "plugin"):
        seen: set[str] = set()
        for index, item in enumerate(getattr(source.file, kind)):
            name = item.name if kind == "plugin" else item.id
            if name in seen:
                raise source.error((kind, index), f"{name!r} is there twice.", "Remove or rename one.")
            seen.add(name)
    _check_queues(source)


def _check_queues(source: Source) -> None:
    """A plugin whose queue is another's dead-letter queue would be sent what that one could not deliver."""
    plugins = {plugin.name for plugin in source.file.plugin}
    for index, plugin in enumerate(source.file.plugin):
        other = next((name for name in plugins if dead_queue(name) == plugin.name), None)
        if other is not None:
            problem = f"{plugin.name!r} is what the dead-letter queue of {other!r} is called."
            raise source.error(("plugin", index, "name"), problem, "Give one of them another name.")


def _references(source: Source) -> Iterator[_Reference]:
    file = source.file
    for index, team in enumerate(file.team):
        yield _Reference(("team", index, "organisation"), "organisation", team.organisation)
    for index, user in enumerate(file.user):
        yield _Reference(("user", index, "organisation"), "organisation", user.organisation)
        if user.team:
            yield _Reference(("user", index, "team"), "team", user.team)
    for index, model in enumerate(file.model):
        yield _Reference(("model", index, "provider"), "provider", model.provider)
    for index, route in enumerate(file.route):
        yield _Reference(("route", index, "provider"), "provider", route.provider)
    for index, grant in enumerate(file.grant):
        yield from _each(("grant", index, "models"), "model", grant.models)
        yield from _each(("grant", index, "routes"), "route", grant.routes)
        yield from _each(("grant", index, "mcp_servers"), "mcp_server", grant.mcp_servers)
        yield from _each(("grant", index, "users"), "user", grant.users)
        yield from _each(("grant", index, "teams"), "team", grant.teams)
        yield from _each(("grant", index, "organisations"), "organisation", grant.organisations)


def _each(key: KeyPath, kind: str, names: Iterable[str]) -> Iterator[_Reference]:
    for name in names:
        yield _Reference(key, kind, name)


def _check_membership(source: Source) -> None:
    """A user's team is a team of the user's organisation."""
    homes = {team.id: team.organisation for team in source.file.team}
    for index, user in enumerate(source.file.user):
        if user.team and homes[user.team] != user.organisation:
            problem = f"team {user.team!r} belongs to organisation {homes[user.team]!r}."
            raise source.error(("user", index, "team"), problem)


def _check_mcp(source: Source) -> None:
    """What is deployed bounds what is applied: the routes, and the guards on them, come with a deployment."""
    if source.file.mcp_server and source.file.deployment.mcp is None:
        problem = "MCP servers are there, but the deployment does not serve MCP."
        raise source.error(("mcp_server", 0), problem, "Add a table [deployment.mcp].")


def _check_routes(source: Source) -> None:
    """No opened path is a dialect's, in any spelling, and no two of them are the same."""
    providers = {provider.id: (provider.kind, provider.base_url) for provider in source.file.provider}
    for index, key, problem, remedy in problems(source.file.route, providers):
        raise source.error(("route", index, key), problem, remedy)


def _check_bedrock(source: Source) -> None:
    """What is deployed bounds what is applied: the role's permissions come with a deployment."""
    file, allowed = source.file, source.file.deployment.bedrock
    signed = {provider.id: provider for provider in file.provider if provider.auth == "aws"}
    for index, provider in enumerate(file.provider):
        service, region = str(provider.aws_service), str(provider.aws_region)
        if provider.id in signed and not any(each.admits(service, region, None) for each in allowed):
            problem = f"nothing lets the gateway's role call {service} in {region}."
            raise source.error(("provider", index, "auth"), problem, "Add [[deployment.bedrock]] with them.")
    for index, model in enumerate(file.model):
        if (found := signed.get(model.provider)) is None:
            continue
        called = model.upstream_model or model.id
        service, region = str(found.aws_service), str(found.aws_region)
        if not any(each.admits(service, region, called) for each in allowed):
            problem = f"nothing lets the gateway's role call {called!r} of {service} in {region}."
            remedy = f'Add "{called}" to the models of [[deployment.bedrock]].'
            raise source.error(("model", index, "upstream_model"), problem, remedy)


_SCOPED = ("organisation", "team", "user", "model", "mcp_server")


def _check_scopes(source: Source, known: Mapping[str, set[str]]) -> None:
    """A name in a scope that is misspelt would leave its traffic unguarded, and say nothing."""
    for key, table in _scopes(source):
        for dimension in _SCOPED:
            for pattern in getattr(table, dimension) or ():
                if not any(Names.of((pattern,)).admits(name) for name in known[dimension]):
                    none = f"no {dimension} matches" if "*" in pattern else f"there is no {dimension}"
                    remedy = meant(pattern, known[dimension]) or f"Add a [[{dimension}]], or take it out."
                    raise source.error((*key, dimension), f"{none} {pattern!r}.", remedy)


def _scopes(source: Source) -> Iterator[tuple[KeyPath, ScopeNames]]:
    for index, stanza in enumerate(source.file.plugin):
        yield ("plugin", index, "scope"), stanza.scope
        for place, table in enumerate(stanza.scope.exceptions):
            yield ("plugin", index, "scope", "except", place), table


def _check_headers(source: Source) -> None:
    """A header that a provider always gets is written by no plugin: nobody could say which wins."""
    written: dict[str, tuple[str, KeyPath]] = {}
    for index, stanza in enumerate(source.file.plugin):
        grant = stanza.grant.before_upstream
        for name in grant.writes if grant else ():
            place: KeyPath = ("plugin", index, "grant", "before_upstream", "writes")
            written.setdefault(name.lower(), (stanza.name, place))
    for index, provider in enumerate(source.file.provider):
        for header in provider.headers:
            if (found := written.get(f"request.headers.{header.lower()}")) is not None:
                plugin, key = found
                problem = f"plugin {plugin!r} writes {header!r} too ({source.place(key)})."
                raise source.error(("provider", index, "headers", header), problem, "Take one of them out.")
