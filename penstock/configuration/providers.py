"""`[[provider]]`: who runs models, and how the gateway shows them who it is."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, StringConstraints, model_validator

from penstock.configuration.deployment import BedrockService, Region
from penstock.configuration.stanza import Stanza
from penstock.evidence.record import Name
from penstock.sdk import fields
from penstock.sdk.contract import HEADER_VALUE

SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_+=.@:-]{1,512}$")]
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# Bedrock's own hosts, or an endpoint's in a VPC (Bedrock user guide, "Endpoints supported by Amazon Bedrock",
# "Use interface VPC endpoints"), in AWS's domains as both SDKs know them; and the service that each is to a
# signature: `DEFAULT_SERVICE_NAME` of Anthropic's `AnthropicBedrockMantle`, `signingName` of botocore's model
# of bedrock-runtime. Other hosts of these domains may be anybody's: an API, a load balancer, a bucket.
_BEDROCK: Final = re.compile(
    r"(?:vpce-[a-z0-9-]+\.)?bedrock-(mantle|runtime)(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?"
    r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.(?:com\.cn|eu))"
)
_SERVICES: Final = {"mantle": "bedrock-mantle", "runtime": "bedrock"}


class Provider(Stanza):
    """Who runs models: OpenAI, Anthropic, vLLM, Ollama, Mistral, Azure, Bedrock's endpoints of both kinds."""

    id: Name
    """What models and evidence call it."""
    kind: Literal["openai", "anthropic", "both"] = "openai"
    """The wire format that it speaks; `both` below one base URL, as vLLM, Ollama and OpenRouter do."""
    base_url: str = Field(max_length=512)
    """Where it is, up to and including the version, as `https://api.openai.com/v1` or
    `https://api.anthropic.com/v1`."""
    auth: Literal["bearer", "api-key", "x-api-key", "aws", "none"] = "bearer"
    """How its key travels: as `Authorization: Bearer`, as a header `api-key` (Azure) or `x-api-key`
    (Anthropic), or not at all. `aws`: there is no key; the gateway's role signs each request (SigV4), and
    `[[deployment.bedrock]]` must allow it."""
    secret: SecretName | None = None
    """Name or ARN in Secrets Manager of the secret that holds its key."""
    aws_service: BedrockService | None = None
    """With `auth = "aws"`, what is signed for: `bedrock-mantle` at `bedrock-mantle.<region>.api.aws`,
    `bedrock` at `bedrock-runtime.<region>.amazonaws.com`."""
    aws_region: Region | None = None
    """With `auth = "aws"`, the region of its endpoint."""
    headers: dict[str, str] = Field(default={})
    """Headers that every request to it gets."""
    query: dict[str, str] = Field(default={})
    """What every URL gets, as Azure's `api-version`."""
    connect_timeout_ms: int = Field(default=2_000, ge=100, le=10_000)
    """Milliseconds to open a connection."""
    read_timeout_ms: int = Field(default=60_000, ge=100, le=300_000)
    """Milliseconds between two pieces of an answer."""
    total_timeout_ms: int = Field(default=120_000, ge=100, le=840_000)
    """Milliseconds for the whole answer; under Lambda's 15 minutes."""
    max_response_bytes: int = Field(default=5_500_000, ge=1024, le=5_500_000)
    """The largest answer. Lambda returns 6 MB, with what surrounds the body."""
    stream_usage: Literal["leave", "ask"] = "leave"
    """Tokens of a streamed answer. `leave`: counted where the provider or the caller brings them.
    `ask`: the gateway asks for a usage chunk, and keeps it from a caller who did not."""

    @model_validator(mode="after")
    def _can_be_called_safely(self) -> Self:
        url = urlsplit(self.base_url)
        is_whole = url.scheme in {"http", "https"} and url.hostname
        if not is_whole or url.username or url.query or url.fragment:
            raise ValueError("base_url: give https://host/path, without user, query or fragment")
        if url.scheme == "http" and (self.secret or self.auth == "aws") and url.hostname not in _LOOPBACK:
            raise ValueError("base_url: a key is not sent over plain http; give an https URL")
        for name, value in self.headers.items():
            if name.lower() in fields.FORBIDDEN_HEADERS or not HEADER_VALUE.fullmatch(value):
                raise ValueError(f"headers: {name!r} cannot be set here")
        self._check_signing(url)
        return self

    def _check_signing(self, url: SplitResult) -> None:
        signs = self.auth == "aws"
        if signs and self.secret:
            raise ValueError('secret: with auth = "aws" there is none; take it out')
        if (signs, signs) != (self.aws_service is not None, self.aws_region is not None):
            raise ValueError(
                'auth: "aws", `aws_service` and `aws_region` are given together, or none of them'
            )
        host = url.hostname or ""
        if not signs or host in _LOOPBACK:
            return
        found = _BEDROCK.fullmatch(host)
        if found is None:
            raise ValueError(
                "base_url: what the role signs goes to Bedrock alone; give a host as "
                "bedrock-mantle.<region>.api.aws or bedrock-runtime.<region>.amazonaws.com"
            )
        service, region = _SERVICES[found[1]], found[2]
        if (service, region) != (self.aws_service, self.aws_region):
            raise ValueError(
                f'base_url: this host is aws_service = "{service}" in aws_region = "{region}"; write that'
            )
