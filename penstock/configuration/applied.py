"""The applied half as the control table keeps it: key → document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.adapters.keys import control_key, grants_key
from penstock.configuration.mcp import McpServer
from penstock.configuration.model import AccessGrant, GatewayFile, Model
from penstock.configuration.providers import Provider
from penstock.configuration.reading import Source
from penstock.mcp.lockfile import digests, lock_path, read_lock

# Whatever key begins with one of these is gateway.toml's to make and to remove; keys and overrides are not.
OWNED = ("organisation#", "team#", "user#", "model#", "mcp_server#", "route#", "grants#")


def approved_tools(source: Source) -> dict[str, dict[str, str]]:
    """Server → approved tool → digest, from the lock beside the file. Raises ConfigurationError."""
    return {server: digests(tools) for server, tools in read_lock(lock_path(source.path)).items()}


def applied_documents(
    file: GatewayFile, pins: Mapping[str, Mapping[str, str]] | None = None
) -> dict[str, dict[str, Any]]:
    """All documents that `file` asks for. Its references have been checked. `pins`: as `approved_tools`."""
    providers = {provider.id: provider for provider in file.provider}
    documents: dict[str, dict[str, Any]] = {}
    for kind, stanzas in (("organisation", file.organisation), ("team", file.team), ("user", file.user)):
        for stanza in stanzas:
            documents[control_key(kind, stanza.id)] = stanza.model_dump(mode="json")
    for model in file.model:
        documents[control_key("model", model.id)] = _model(model, providers[model.provider])
    for server in file.mcp_server:
        documents[control_key("mcp_server", server.id)] = _mcp_server(server, (pins or {}).get(server.id, {}))
    for route in file.route:
        target = _target(providers[route.provider])
        documents[control_key("route", route.id)] = {"id": route.id, "target": target}
    return documents | _grants(file)


def _model(model: Model, provider: Provider) -> dict[str, Any]:
    """A model with all of its provider, so that a request needs one read (`penstock.adapters.keys`)."""
    return {
        "id": model.id,
        "upstream_model": model.upstream_model or model.id,
        "target": _target(provider),
        "kind": provider.kind,
        "stream_usage": provider.stream_usage,
        "input_price_nanousd": model.input_price_nanousd_per_token,
        "output_price_nanousd": model.output_price_nanousd_per_token,
        "cached_price_nanousd": model.cached_price_nanousd_per_token,
    }


def _target(provider: Provider) -> dict[str, Any]:
    """A provider as `penstock.upstream.target.Target` takes it."""
    target = provider.model_dump(mode="json", exclude={"id", "kind", "stream_usage"})
    return target | {"provider": provider.id}


def _mcp_server(server: McpServer, pins: Mapping[str, str]) -> dict[str, Any]:
    return server.model_dump(mode="json") | {"pins": dict(pins)}


def _grants(file: GatewayFile) -> dict[str, dict[str, Any]]:
    """What each subject may use, over all grants that name it."""
    granted: dict[str, list[AccessGrant]] = {}
    for grant in file.grant:
        for kind, name in grant.subjects():
            granted.setdefault(grants_key(kind, name), []).append(grant)
    return {
        key: {
            "models": sorted({name for grant in grants for name in grant.models}),
            "mcp_servers": [item for grant in grants for item in _granted_servers(grant)],
            "routes": sorted({name for grant in grants for name in grant.routes}),
        }
        for key, grants in granted.items()
    }


def _granted_servers(grant: AccessGrant) -> list[dict[str, Any]]:
    """Each server that a grant names, with what it says of its tools: grants of one server stay apart."""
    allowed = None if grant.allowed_tools is None else list(grant.allowed_tools)
    return [
        {"server": name, "allowed_tools": allowed, "blocked_tools": list(grant.blocked_tools)}
        for name in grant.mcp_servers
    ]
