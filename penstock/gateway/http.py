"""HTTP as the gateway sees it, whatever carried it here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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
    query: tuple[tuple[str, str], ...] = ()
    """Names and values, unescaped. Only what nobody reads has one: no dialect looks at it."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One whole response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpStream:
    """A response whose body is made while it is sent.

    `chunks` is run a chunk at a time, only as fast as the caller reads, and is closed, as a generator is,
    when the caller has gone: that is its moment to leave the record. An empty chunk is not sent; it is only
    seen whether the caller is there. `cancel` may be called from another thread when the caller goes while a
    chunk is waited for.
    """

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]
    cancel: Callable[[], None]
