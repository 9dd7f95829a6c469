"""`[deployment.*]`: what the stack is made with and no function is told. The stacks read it, nobody else."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.configuration.stanza import Stanza

# What CloudWatch Logs takes (API reference, PutRetentionPolicy).
LogDays = Literal[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
]
VpcEndpoint = Annotated[str, StringConstraints(pattern=r"^vpce-[0-9a-f]{8,17}$")]
DomainLabel = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"


BedrockService = Literal["bedrock-mantle", "bedrock"]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,8}(-[a-z0-9]+)+-[0-9]{1,2}$")]
# As Bedrock's model ids are (API reference, InvokeModel, `modelId`), without what would be a pattern to IAM.
BedrockModel = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]{0,127}$")]


class BedrockAccess(Stanza):
    """What the gateway's role may ask of Bedrock, for providers with `auth = "aws"`. No more is allowed."""

    service: BedrockService
    """`bedrock-mantle`: at `bedrock-mantle.<region>.api.aws`. `bedrock`: at
    `bedrock-runtime.<region>.amazonaws.com`."""
    regions: tuple[Region, ...] = Field(min_length=1)
    """Regions of the endpoints."""
    models: tuple[BedrockModel, ...] = ()
    """Ids of models, as `anthropic.claude-opus-4-6`."""
    inference_profiles: tuple[BedrockModel, ...] = ()
    """Of `bedrock`: ids of inference profiles, as `eu.anthropic.claude-opus-4-6-v1`: through them, and only
    so, the model of that name in whichever region the profile leads to."""
    project: str = Field(default="default", pattern=r"^(proj_[A-Za-z0-9]{1,64}|default)$")
    """Of `bedrock-mantle`: the project that calls are made in."""

    def admits(self, service: str, region: str, model: str | None) -> bool:
        """Whether a call to `model` is allowed; None for a call whose model is not known."""
        there = service == self.service and region in self.regions
        return there and (model is None or model in {*self.models, *self.inference_profiles})

    @model_validator(mode="after")
    def _names_what_may_be_called(self) -> Self:
        if not (self.models or self.inference_profiles):
            raise ValueError("models: name at least one, or one of `inference_profiles`")
        if self.inference_profiles and self.service != "bedrock":
            raise ValueError('inference_profiles: these are of service = "bedrock"')
        if any("." not in profile for profile in self.inference_profiles):
            raise ValueError("inference_profiles: give ids as `eu.anthropic.claude-opus-4-6-v1`")
        return self


class FunctionOptions(Stanza):
    """The gateway's function."""

    memory_mb: int = Field(default=1769, ge=512, le=10_240)
    """Memory, and with it processor: 1769 MB are one whole vCPU (Lambda, "Configure function memory")."""
    reserved_concurrency: int | None = Field(default=None, ge=1, le=100_000)
    """How many requests it serves at once, at most and guaranteed; without it, the account's common pool."""
    snapstart: bool = False
    """Start environments from a snapshot. Together with response streaming this is unproven: measure it."""


class ApiOptions(Stanza):
    """What API Gateway lets pass, over all callers; what is more gets a 429."""

    requests_per_second: int = Field(default=500, ge=1, le=10_000)
    """On average."""
    burst: int = Field(default=1000, ge=1, le=5000)
    """At once."""


class Firewall(Stanza):
    """With this table, a WAF stands before the API. It looks at no body: prompts are full of code."""

    requests_per_5_minutes: int = Field(default=2000, ge=10, le=2_000_000_000)
    """From one address; what is more gets a 403."""


class Domain(Stanza):
    """With this table, the API has a name of your own, and its first one no longer answers."""

    name: str = Field(pattern=rf"^({DomainLabel}\.)+[a-z]{{2,63}}$", max_length=253)
    """Where callers find it, as `ai.example.com`."""
    certificate: str = Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[a-f0-9-]+$")
    """ARN of its certificate in Certificate Manager, in the region of the deployment."""
    hosted_zone: str | None = Field(default=None, pattern=r"^Z[A-Z0-9]{1,31}$")
    """Id of the Route 53 zone that gets the record; without it, you make the record."""


class PrivateEndpoint(Stanza):
    """With this table, the API answers in your VPCs only."""

    vpc_endpoints: tuple[VpcEndpoint, ...] = Field(min_length=1)
    """Interface endpoints of `execute-api` through which callers come."""


class Retention(Stanza):
    """How long things are kept."""

    log_days: LogDays = 30
    """Days of logs, which hold no content."""
    evidence_days: int = Field(default=365, ge=1, le=36_500)
    """Days for which evidence can be removed only by who may bypass governance."""


class SecretKey(Stanza):
    """A KMS key of your own, under which secrets that you name in this file are encrypted.

    Whoever is given one of them may decrypt with it, through Secrets Manager and for that secret alone. The
    key's policy must let the account's IAM decide, or name these roles.
    """

    kms_key: str = Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")
    """ARN of the key; of an alias would not do, since policies know keys by their ids."""
    secrets: tuple[str, ...] = Field(min_length=1)
    """These secrets: names or ARNs, written as elsewhere in this file."""


class StackOptions(Stanza):
    """What [deployment] says to the stack alone."""

    function: FunctionOptions = FunctionOptions()
    """The gateway's function."""
    api: ApiOptions = ApiOptions()
    """How much passes."""
    firewall: Firewall | None = None
    """A WAF."""
    domain: Domain | None = None
    """A name of your own."""
    private: PrivateEndpoint | None = None
    """Only in your VPCs."""
    retention: Retention = Retention()
    """How long things are kept."""
    encryption: Literal["customer_managed", "aws_owned"] = "customer_managed"
    """Under whose keys tables, evidence, queues and secrets are encrypted. `customer_managed`: two keys of
    this account, which the data stack makes, turns over each year and never deletes. `aws_owned`: keys of
    AWS, which cost nothing and which nobody here can disable. Choose before the first deployment: see
    [deploy.md](deploy.md#keys)."""
    secret_key: tuple[SecretKey, ...] = ()
    """Keys of your own for secrets that exist already."""
    egress: Literal["library", "enforced"] = "library"
    """What holds plugins' functions to the hosts that they are granted. `library`: checks in their own
    process. `enforced`: a network without a route out besides, for about $15 a month and endpoint: see
    [egress.md](egress.md)."""
    egress_concurrency: int | None = Field(default=None, ge=1, le=100_000)
    """How many requests of plugins leave at once, under `egress = "enforced"`: reserved of the account's
    concurrency, and no more. Without it they share what the account has with everything else."""
    bedrock: tuple[BedrockAccess, ...] = ()
    """What may be asked of Bedrock without a key; nothing when not given."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.private and self.domain:
            raise ValueError(
                "private: a private endpoint has no `domain` in this version: remove one of them"
            )
        if self.egress_concurrency is not None and self.egress != "enforced":
            raise ValueError('egress_concurrency: it bounds what only `egress = "enforced"` has: remove it')
        return self
