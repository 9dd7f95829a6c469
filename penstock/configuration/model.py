"""gateway.toml as types: what is deployed, and what is applied. docs/configuration.md is made from this file.

deployed   [deployment] [[plugin]] [[route]]                  part of the gateway's asset
applied    [[organisation]] [[team]] [[user]] [[provider]] [[model]] [[mcp_server]] [[grant]]
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from penstock.configuration.deployment import StackOptions
from penstock.configuration.mcp import McpDeployment, McpServer, ServerName, ToolPattern
from penstock.configuration.opening import RouteName, RouteStanza
from penstock.configuration.providers import Provider, SecretName
from penstock.configuration.stanza import Stanza
from penstock.evidence.record import Name
from penstock.sdk import fields
from penstock.sdk.manifest import Code, Effect, HostPort

# What `penstock.content.Unseen` distinguishes.
UNSEEN_KINDS = ("image", "audio", "file", "video", "opaque", "unlisted", "key", "body")
DROPPABLE = "response.reasoning"

# Of addresses those that IAM and SES read as they stand: no quotes, no IAM variable, a domain in lower case.
_DOMAIN = r"[a-z0-9]([a-z0-9-]{0,62}\.)*[a-z0-9-]{0,62}[a-z0-9]"
ADDRESS = rf"^[A-Za-z0-9._%+-]{{1,64}}@{_DOMAIN}$"
RECIPIENTS = rf"^[A-Za-z0-9._%+*-]{{1,64}}@{_DOMAIN}$"

Policy = Literal["refuse", "drop", "allow"]
PerCent = Annotated[int, Field(ge=0, le=100)]
PluginName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,38}$")]
Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*/][A-Za-z0-9_.:@/+*{}-]{0,127}$")]


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is no network in CIDR notation, as 10.0.0.0/8") from None


Network = Annotated[str, AfterValidator(_network)]


class GateBudget(Stanza):
    """The longest that all placements of one gate may take together."""

    before_upstream: int = Field(default=2000, ge=1, le=60_000)
    """Milliseconds."""
    after_upstream: int = Field(default=2000, ge=1, le=60_000)
    """Milliseconds."""


class EvidenceSettings(Stanza):
    """How much the gateway waits for evidence."""

    durability: Literal["stored", "log"] = "stored"
    """`stored`: no request reaches an upstream without a stored intent. `log` is not in this version."""

    @field_validator("durability")
    @classmethod
    def _is_there(cls, durability: str) -> str:
        if durability == "log":
            raise ValueError('`"log"` is not part of this version: take it out')
        return durability


class Deployment(StackOptions):
    """The gateway itself."""

    name: str = Field(default="penstock", pattern=r"^[a-z][a-z0-9-]{1,19}$")
    """Prefix of every resource's name; not `…-plugin…`, since names of a deployment's plugins begin so."""
    gate_budget_ms: GateBudget = GateBudget()
    """How long each gate may take."""
    body_limit_bytes: int = Field(default=4_000_000, ge=1024, le=4_500_000)
    """The largest request body. Lambda's 6 MB count the escaped event, hence the upper bound."""
    addresses: tuple[Network, ...] = ()
    """Networks that requests may come from; none given admits every address."""
    evidence: EvidenceSettings = EvidenceSettings()
    """How evidence is kept."""
    mcp: McpDeployment | None = None
    """Serve MCP servers too."""

    @field_validator("name")
    @classmethod
    def _is_no_plugins(cls, name: str) -> str:
        """`a-plugin-gateway` would be the gateway of `a-plugin`, and the plugin `gateway` of `a`."""
        if "plugin" in name.split("-")[1:]:
            raise ValueError("`plugin` after a hyphen would give resources the names of another deployment's")
        return name


class ScopeNames(Stanza):
    """Names, with `*` for any run of characters. AND between keys, OR within one."""

    organisation: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Organisations."""
    team: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Teams."""
    user: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Users."""
    api_key: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """API keys, by id."""
    tenant: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Tenants."""
    model: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Models, as callers name them."""
    mcp_server: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """MCP servers."""
    dialect: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Wire formats, as `openai`."""
    route: tuple[Pattern, ...] | None = Field(default=None, min_length=1)
    """Path templates, as `/v1/chat/completions`."""

    def table(self) -> dict[str, tuple[str, ...]]:
        """Dimension → patterns, of what is given."""
        given = self.model_dump(exclude_none=True)
        return {name: tuple(patterns) for name, patterns in given.items() if name != "except"}


class ScopeStanza(ScopeNames):
    """Where a plugin applies. An id that a request does not have matches nothing, not even `*`."""

    model_config = ConfigDict(populate_by_name=True)

    exceptions: tuple[ScopeNames, ...] = Field(default=(), alias="except")
    """Tables of the same keys; a request that matches all of one of them is left out."""

    def table(self) -> dict[str, tuple[str, ...]]:
        return {name: patterns for name, patterns in super().table().items() if name != "exceptions"}


class MomentGrant(Stanza):
    """What a plugin is given at one moment; never more than its manifest asks for."""

    reads: tuple[str, ...] = ()
    """Fields that it sees."""
    writes: tuple[str, ...] = ()
    """Fields that it may change."""
    effects: tuple[Effect, ...] = ()
    """What it may do: block, transform, respond, record, emit."""


class EmailGrant(Stanza):
    """E-mail by Amazon SES: the role of the plugin's function admits this sender and these recipients."""

    model_config = ConfigDict(populate_by_name=True)

    sender: Annotated[str, StringConstraints(pattern=ADDRESS)] = Field(alias="from")
    """The address that it sends from. SES must have verified it, or exactly its domain, in the gateway's
    account and region."""
    to: tuple[Annotated[str, StringConstraints(pattern=RECIPIENTS)], ...] = Field(min_length=1, max_length=20)
    """Whom it may write to: addresses, with `*` for any run of characters before the `@`."""


class Grant(Stanza):
    """All that a plugin is given. What is not here is denied."""

    before_upstream: MomentGrant | None = None
    """With this table, it has a placement before the upstream."""
    after_upstream: MomentGrant | None = None
    """With this table, it has a placement after the upstream."""
    after_response: MomentGrant | None = None
    """With this table, it gets each evidence record from its queue."""
    hosts: tuple[HostPort, ...] = ()
    """host:port that it may call."""
    secrets: tuple[Code, ...] = ()
    """Secrets that it may read, by the names in its manifest."""
    storage: bool = False
    """Its own key-value space, which no other plugin has a way into."""
    email: EmailGrant | None = None
    """Sending e-mail where it may `emit`."""
    exports: bool = False
    """Leaving objects in the exports bucket, below its own name, where it may `emit`."""
    workflow: bool = False
    """Starting runs of its own workflow, whose steps stand in its `workflow.toml`."""


class PluginStanza(Stanza):
    """One installed plugin."""

    name: PluginName
    """As its manifest says."""
    path: str | None = None
    """Its folder, relative to this file; left out for a built-in plugin, and for one in `penstock.lock`."""
    order: int = Field(default=0, ge=-1000, le=1000)
    """Place among the ordered plugins of a gate; ties go by name."""
    after: tuple[PluginName, ...] = ()
    """Plugins that must have run before, besides those that its manifest names."""
    mode: Literal["off", "shadow", "enforce"] = "enforce"
    """The most that it does. Overrides only go down from here."""
    host: Literal["in_process", "function"] | None = None
    """Where its code runs before and after the upstream. Default: `in_process` for built-ins, `function` for
    all others, and for who is granted hosts or secrets. `in_process` written out is your statement that you
    trust the code with all that the gateway may do. At `after_response` every plugin has a function of its
    own, whatever stands here."""
    rollout: PerCent = 100
    """Per cent of API keys for which it enforces; the others are shadowed."""
    sample: Annotated[int, Field(ge=1, le=100)] = 100
    """Per cent of requests that it runs on; independent plugins only."""
    on_error: Literal["block", "allow"] | None = None
    """What becomes of a request when it fails. Default: what its manifest says, else `block` for ordered
    and `allow` for independent plugins."""
    timeout_ms: int | None = Field(default=None, ge=1, le=900_000)
    """Milliseconds for one call. Default: what its manifest says, else 100 in process; in a function 1500, or
    more if its manifest says more: the way there counts, and its cold start."""
    wait: bool = False
    """After the response: call it before the last byte, not from its queue. No answer without it then, unless
    `on_error = "allow"`; `timeout_ms` is 10 s at most, and its code in a function of its own."""
    required: bool = False
    """Overrides cannot lower it, except by break-glass, which is recorded."""
    uninspected: Policy | dict[str, Policy] = "refuse"
    """What becomes of parts that it cannot see while it reads content: one policy, or one for each kind
    (image, audio, file, video, opaque, unlisted, key; body: all that passes through a `[[route]]`) or field,
    with `default`."""
    scope: ScopeStanza = ScopeStanza()
    """Where it applies; everywhere when not given."""
    secrets: dict[Code, SecretName] = Field(default={})
    """Each granted secret's name or ARN in Secrets Manager."""
    config: dict[str, Any] = Field(default={})
    """Its own settings; its README lists them."""
    grant: Grant = Grant()
    """What it is given."""

    def policies(self) -> dict[str, Policy]:
        """`uninspected` as one policy for each kind."""
        return {"default": self.uninspected} if isinstance(self.uninspected, str) else dict(self.uninspected)

    @model_validator(mode="after")
    def _has_known_policies(self) -> Self:
        known = {"default", *UNSEEN_KINDS, *fields.CONTENT_FIELDS}
        for kind, policy in self.policies().items():
            if kind not in known:
                raise ValueError(
                    f"uninspected: {kind!r} is neither a content field nor one of {UNSEEN_KINDS}"
                )
            if policy == "drop" and kind in fields.CONTENT_FIELDS and kind != DROPPABLE:
                raise ValueError(
                    f"uninspected: {kind!r} cannot be dropped; of the fields, only {DROPPABLE} can"
                )
        return self


class Organisation(Stanza):
    """A company or a division: the root of every principal."""

    id: Name
    """What keys, scopes and evidence call it."""
    name: str | None = Field(default=None, max_length=200)
    """What people call it."""
    addresses: tuple[Network, ...] = ()
    """Networks that its keys may be used from; none given means any."""


class Team(Stanza):
    """A team of an organisation."""

    id: Name
    """What keys, scopes and evidence call it."""
    organisation: Name
    """The organisation that it belongs to."""
    name: str | None = Field(default=None, max_length=200)
    """What people call it."""


class User(Stanza):
    """A person or an application of an organisation."""

    id: Name
    """What keys, scopes and evidence call it."""
    organisation: Name
    """The organisation that it belongs to."""
    team: Name | None = None
    """The team that it belongs to."""
    name: str | None = Field(default=None, max_length=200)
    """What people call it."""


class Model(Stanza):
    """A model as callers name it."""

    id: Name
    """What callers say as `model`."""
    provider: Name
    """Who runs it."""
    upstream_model: Name | None = None
    """What its provider calls it; the same when not given."""
    input_price_nanousd_per_token: int | None = Field(default=None, ge=0, le=10**9)
    """Billionths of a US dollar per input token: $2.50 per million tokens is 2500."""
    output_price_nanousd_per_token: int | None = Field(default=None, ge=0, le=10**9)
    """The same per output token."""
    cached_price_nanousd_per_token: int | None = Field(default=None, ge=0, le=10**9)
    """The same per input token that the provider had cached; as any input when not given."""

    @model_validator(mode="after")
    def _has_both_prices(self) -> Self:
        if (self.input_price_nanousd_per_token is None) != (self.output_price_nanousd_per_token is None):
            raise ValueError("give both prices, for input and output, or none")
        return self


class AccessGrant(Stanza):
    """Who may use which models, MCP servers and opened routes: by exact names, nothing else."""

    api_keys: tuple[Name, ...] = ()
    """API keys, by id."""
    users: tuple[Name, ...] = ()
    """Users: all of their keys."""
    teams: tuple[Name, ...] = ()
    """Teams: all of their keys."""
    organisations: tuple[Name, ...] = ()
    """Organisations: all of their keys."""
    models: tuple[Name, ...] = ()
    """Models that they may use."""
    mcp_servers: tuple[ServerName, ...] = ()
    """MCP servers that they may use."""
    routes: tuple[RouteName, ...] = ()
    """Opened routes that they may use."""
    allowed_tools: tuple[ToolPattern, ...] | None = None
    """Of these servers' tools, those that they may use; all that the servers allow when not given."""
    blocked_tools: tuple[ToolPattern, ...] = ()
    """Of these servers' tools, those that they may not use, whatever else allows them."""

    @model_validator(mode="after")
    def _is_of_something_for_somebody(self) -> Self:
        if not (self.api_keys or self.users or self.teams or self.organisations):
            raise ValueError("give `api_keys`, `users`, `teams` or `organisations`")
        if not (self.models or self.mcp_servers or self.routes):
            raise ValueError("give `models`, `mcp_servers` or `routes`")
        if (self.allowed_tools is not None or self.blocked_tools) and not self.mcp_servers:
            raise ValueError("allowed_tools and blocked_tools are for the tools of `mcp_servers`: give these")
        return self

    def subjects(self) -> list[tuple[str, str]]:
        """(kind, name) of all that it is for; the kinds are those of `penstock.adapters.keys.grants_key`."""
        kinds = {
            "api_key": self.api_keys,
            "user": self.users,
            "team": self.teams,
            "organisation": self.organisations,
        }
        return [(kind, name) for kind, names in kinds.items() for name in names]


class GatewayFile(Stanza):
    """The whole of gateway.toml."""

    deployment: Deployment = Deployment()
    """Deployed: the gateway itself."""
    plugin: tuple[PluginStanza, ...] = ()
    """Deployed: one stanza for each plugin."""
    route: tuple[RouteStanza, ...] = ()
    """Deployed: one stanza for each path that is passed on unread."""
    organisation: tuple[Organisation, ...] = ()
    """Applied."""
    team: tuple[Team, ...] = ()
    """Applied."""
    user: tuple[User, ...] = ()
    """Applied."""
    provider: tuple[Provider, ...] = ()
    """Applied."""
    model: tuple[Model, ...] = ()
    """Applied."""
    mcp_server: tuple[McpServer, ...] = ()
    """Applied."""
    grant: tuple[AccessGrant, ...] = ()
    """Applied: access to models, MCP servers and opened routes."""
