"""What the caller gets: replies, and the headers that every response carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.denial import Denial
from penstock.dialects import Dialect
from penstock.errors import ConfigurationError, PenstockError, RequestError, StorageError, UpstreamError
from penstock.evidence.record import Outcome

# Statuses of an upstream that tell the caller about its own request; any other failure is ours to report.
# Not 401 and 403: they would make the caller doubt its own key, and the provider's key is the operator's.
PASSED_ON: Final = frozenset({400, 404, 409, 413, 422, 429})
# What an upstream says beside its body and a client may use; not `openai-organization`, the operator's.
PASSED_HEADERS: Final = frozenset({"retry-after", "openai-processing-ms", "openai-version"})
RATE_LIMIT: Final = re.compile(r"(?:x|anthropic)-ratelimit-[a-z-]{1,40}")
MAX_RATE_LIMITS: Final = 32  # API Gateway carries 10 KB of headers in all
# Numbers, times and dates. Guards do not see headers, so nothing that could be a sentence passes in one.
PASSED_VALUE: Final = re.compile(
    r"-?[0-9]{1,13}(?:\.[0-9]{1,6})?"
    r"|(?:[0-9]{1,6}(?:\.[0-9]{1,9})?(?:ms|[smhd])){1,5}"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z)?"
    r"|[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
)
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
    cause: str | None = None
    """What the gateway knows beyond the code, as what exactly an upstream did."""
    is_stream: bool = False
    """Whether the body is events."""


def refusal(dialect: Dialect, why: Denial | PenstockError, request_id: str) -> Reply:
    """A denial or a failure in the dialect's error shape.

    What the caller did wrong, or may not do, is `blocked`; what broke is `failed`. That something of ours is
    not there or not as it must be is told to nobody but the log.
    """
    why = shown(why) if isinstance(why, PenstockError) else why
    rendered = dialect.render(why, request_id)
    return Reply(
        rendered.status,
        rendered.body,
        "blocked" if _is_callers(why) else "failed",
        why.code,
        dict(rendered.headers),
        why.outcome if isinstance(why, UpstreamError) else None,
    )


def shown(error: PenstockError) -> PenstockError:
    """The error as a caller is told of it."""
    is_ours = isinstance(error, ConfigurationError)
    return StorageError("reach the gateway's own resources") if is_ours else error


def _is_callers(why: Denial | PenstockError) -> bool:
    return why.kind != "plugin_unavailable" if isinstance(why, Denial) else isinstance(why, RequestError)


def common_headers(
    dialect: Dialect, request_id: str, client_request_id: str | None, *, is_stream: bool = False
) -> dict[str, str]:
    """On every response, errors included."""
    headers = {"content-type": "application/json", **dict.fromkeys(dialect.id_headers, request_id)}
    headers |= {"content-type": "text/event-stream", "cache-control": "no-cache"} if is_stream else {}
    return headers | ({"x-client-request-id": client_request_id} if client_request_id else {})


def client_request_id(headers: Mapping[str, str]) -> str | None:
    """The caller's own id for the request, when it sent one that is fit to be sent back."""
    given = headers.get("x-request-id", "")
    return given if CLIENT_ID.fullmatch(given) else None


def passed_headers(upstream: Mapping[str, str]) -> dict[str, str]:
    """The upstream's headers that go on to the caller."""
    rate_limits = [name for name in upstream if RATE_LIMIT.fullmatch(name)][:MAX_RATE_LIMITS]
    return {
        name: upstream[name]
        for name in (*PASSED_HEADERS.intersection(upstream), *rate_limits)
        if PASSED_VALUE.fullmatch(upstream[name])
    }


def noted(notes: Mapping[str, str]) -> dict[str, str]:
    """Plugins' notes to the caller, as headers."""
    return {NOTE_PREFIX + name: value for name, value in notes.items()}
