"""HTTP as the gateway sees it, whatever carried it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. Header names are in lower case; of a repeated header the last value counts."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    front_request_id: str | None = None
    """What API Gateway calls it, a UUID; its own error responses carry this id and no other."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes
