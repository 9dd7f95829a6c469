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


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes
