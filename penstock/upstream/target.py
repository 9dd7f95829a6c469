"""What the gateway must know of a provider to call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Auth = Literal["bearer", "api-key", "x-api-key", "aws", "none"]


@dataclass(frozen=True, slots=True)
class Target:
    """One provider, by base URL: OpenAI, vLLM, Ollama, Mistral, Azure, Anthropic, Bedrock, `echo`.

    `auth` says how the key travels: `Authorization: Bearer` for most, an `api-key` header for Azure,
    `x-api-key` for Anthropic. Bedrock's key is a bearer's, at the OpenAI endpoint and at the Anthropic one.
    With `aws` there is no key: each request is signed with the function's role, for `aws_service` in
    `aws_region`.
    `query` is added to every URL (Azure's `api-version`). Times are milliseconds: `connect_timeout_ms` to
    open a connection, `read_timeout_ms` between two pieces of an answer, `total_timeout_ms` for all of it.
    """

    provider: str
    base_url: str
    auth: Auth = "bearer"
    secret: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    connect_timeout_ms: int = 2_000
    read_timeout_ms: int = 60_000
    total_timeout_ms: int = 120_000
    max_response_bytes: int = 5_500_000
    """Lambda returns 6 MB at most (Lambda quotas), and the event around the body needs some of it."""
    aws_service: str | None = None
    aws_region: str | None = None

    def url(self, path: str) -> str:
        """Where `path` (as `/chat/completions`) is at this provider."""
        return self.base_url.rstrip("/") + path
