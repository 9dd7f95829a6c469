"""The applied half as the control table keeps it: key → document."""

from __future__ import annotations

from typing import Any

from penstock.adapters.keys import control_key, grants_key
from penstock.configuration.model import GatewayFile, Model, Provider

# Whatever key begins with one of these is gateway.toml's to make and to remove; keys and overrides are not.
OWNED = ("organisation#", "team#", "user#", "model#", "grants#")


def applied_documents(file: GatewayFile) -> dict[str, dict[str, Any]]:
    """All documents that `file` asks for. Its references have been checked."""
    providers = {provider.id: provider for provider in file.provider}
    documents: dict[str, dict[str, Any]] = {}
    for kind, stanzas in (("organisation", file.organisation), ("team", file.team), ("user", file.user)):
        for stanza in stanzas:
            documents[control_key(kind, stanza.id)] = stanza.model_dump(mode="json")
    for model in file.model:
        documents[control_key("model", model.id)] = _model(model, providers[model.provider])
    return documents | _grants(file)


def _model(model: Model, provider: Provider) -> dict[str, Any]:
    """A model with all of its provider, so that a request needs one read (`penstock.adapters.keys`)."""
    target = provider.model_dump(mode="json", exclude={"id", "kind", "stream_usage"})
    return {
        "id": model.id,
        "upstream_model": model.upstream_model or model.id,
        "target": target | {"provider": provider.id},
        "stream_usage": provider.stream_usage,
        "input_price_nanousd": model.input_price_nanousd_per_token,
        "output_price_nanousd": model.output_price_nanousd_per_token,
        "cached_price_nanousd": model.cached_price_nanousd_per_token,
    }


def _grants(file: GatewayFile) -> dict[str, dict[str, Any]]:
    """What each subject may use, over all grants that name it."""
    models: dict[str, set[str]] = {}
    for grant in file.grant:
        for kind, name in grant.subjects():
            models.setdefault(grants_key(kind, name), set()).update(grant.models)
    return {key: {"models": sorted(names), "mcp_servers": []} for key, names in models.items()}
