"""Labels a request with its cost centre and its tenant, from who is calling; never from what they say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Edit,
    Plugin,
    PluginConfig,
    Request,
    Transform,
)

HEADER = "x-cost-center"  # as plugin.toml declares it
OTHER_TENANT = "other"

# A tag's value becomes a metric's dimension and a header's value: short, and ASCII that needs no quotes.
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
# Each value is a metric of its own, which CloudWatch charges for.
Labels = Annotated[tuple[Label, ...], Field(max_length=200)]


class TagsConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    cost_centers: Annotated[Labels, Field(min_length=1)]
    """Every value that the tag and the header can have."""
    by_api_key: Mapping[str, Label] = Field(default_factory=dict)
    by_tenant: Mapping[str, Label] = Field(default_factory=dict)
    by_team: Mapping[str, Label] = Field(default_factory=dict)
    """Who pays, the most telling first: the key, else its tenant, else its team."""
    unmapped: Literal["deny", "default"] = "deny"
    default: Label | None = None
    """The cost centre of whoever is in no mapping, with `unmapped = "default"`."""
    tenants: Labels = ()
    """Tenants that have a tag value of their own. With `other` among them, all the rest share that one."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        used = {*self.by_api_key.values(), *self.by_tenant.values(), *self.by_team.values()}
        used |= {self.default} if self.default else set()
        unknown = sorted(used - set(self.cost_centers))
        if unknown:
            raise ValueError(
                f"{unknown[0]!r} is not one of `cost_centers`: add it there, or mend the mapping"
            )
        if (self.unmapped == "default") != (self.default is not None):
            raise ValueError('`unmapped = "default"` and `default` go together')
        return self


class RequestTags(Plugin):
    """See README.md."""

    config_model = TagsConfig

    def before_upstream(self, request: Request, ctx: Context[TagsConfig]) -> Decision:
        identity, config = request.identity, ctx.config
        cost_center = cost_center_of(identity, config)
        if cost_center is None:
            return Block("unmapped_team")
        edits = list(_edits(request, cost_center, tenant_of(identity, config)))
        return Transform(*edits) if edits else Allow()


def cost_center_of(identity: Mapping[str, Any], config: TagsConfig) -> str | None:
    """Who pays: by key, tenant, team, or the default; None when nobody is known to."""
    mappings = ((config.by_api_key, "api_key"), (config.by_tenant, "tenant"), (config.by_team, "team"))
    found = (mapping.get(str(identity.get(name))) for mapping, name in mappings if identity.get(name))
    return next((value for value in found if value), config.default)


def tenant_of(identity: Mapping[str, Any], config: TagsConfig) -> str | None:
    """The tenant's tag value; None for a request without a tenant, or whose tenant has no value."""
    tenant = identity.get("tenant")
    if tenant is None:
        return None
    if tenant in config.tenants:
        return str(tenant)
    return OTHER_TENANT if OTHER_TENANT in config.tenants else None


def _edits(request: Request, cost_center: str, tenant: str | None) -> Iterator[Edit]:
    """What the grant lets it write: a deployment may want the tags and not the header, or the reverse."""
    if request.grants("request.tags"):
        yield request.tags.set("cost_center", cost_center)
        if tenant is not None:
            yield request.tags.set("tenant", tenant)
    if request.grants(f"request.headers.{HEADER}"):
        yield request.headers.set(HEADER, cost_center)
