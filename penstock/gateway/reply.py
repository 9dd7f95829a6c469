"""What the caller gets: replies, and the headers that every response carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.evidence.record import Outcome
from penstock.gates.exchange import Exchange

# Statuses of an upstream that tell the caller about its own request; any other failure is ours to report.
# Not 401 and 403: they would make the caller doubt its own key, and the provider's key is the operator's.
PASSED_ON: Final = frozenset({400, 404, 409, 413, 422, 429})
# What an upstream says beside its body and a client may use; not `openai-organization`, the operator's.
PASSED_HEADERS: Final = frozenset({"retry-after", "openai-processing-ms", "openai-version"})
PASSED_PREFIX: Final = "x-ratelimit-"
NOTE_PREFIX: Final = "x-penstock-meta-"
RETRY: Final = "x-should-retry"  # the OpenAI clients honour it (openai-python, `_should_retry`)
CLIENT_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")  # behaviour.md, section 4


@dataclass(slots=True)
class Reply:
    """A response and what the record says of it. `code` is None for an answer."""

    status: int
    body: bytes
    outcome: Outcome
    code: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def common_headers(request_id: str, client_request_id: str | None) -> dict[str, str]:
    """On every response, errors included."""
    headers = {"content-type": "application/json", "x-request-id": request_id}
    return headers | ({"x-client-request-id": client_request_id} if client_request_id else {})


def client_request_id(headers: Mapping[str, str]) -> str | None:
    """The caller's own id for the request, when it sent one that is fit to be sent back."""
    given = headers.get("x-request-id", "")
    return given if CLIENT_ID.fullmatch(given) else None


def passed_headers(upstream: Mapping[str, str], exchange: Exchange) -> dict[str, str]:
    """The upstream's headers that go on, then what plugins set, then their notes."""
    passed = {
        name: value
        for name, value in upstream.items()
        if name in PASSED_HEADERS or name.startswith(PASSED_PREFIX)
    }
    notes = {NOTE_PREFIX + name: value for name, value in exchange.notes.items()}
    return passed | exchange.response_headers | notes
