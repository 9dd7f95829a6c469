"""One request to the DLP while a caller waits: within the deadline, of bounded size, asked twice at most."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import httpx

from penstock.sdk import Context
from penstock.sdk.delivery import RESERVE_S, Answer, attempted, post

# The gateway's own bounds for a plugin's requests and answers are 1 MiB (docs/capabilities.md).
MAX_BODY_BYTES: Final = 1_000_000
MAX_ANSWER_BYTES: Final = 1_000_000


class DlpError(Exception):
    """The DLP has not said what it thinks. Holds a status, no words."""


def asked(
    ctx: Context[Any], url: str, header: str, body: bytes, sleep: Callable[[float], None]
) -> tuple[Any, int]:
    """The answer as JSON, and how many requests it took. Raises DlpError or httpx's errors.

    A token that is refused is read anew, once; a short `Retry-After` is heeded, once; a connection that was
    gone before it was used, as after an hour's rest, is made anew, once: to ask again changes nothing there.
    """
    count = 0

    def send(fresh: bool) -> Answer:
        nonlocal count
        count += 1
        token = ctx.secret("token", fresh=fresh).get_secret_value().strip()
        credential = f"Bearer {token}" if header == "authorization" else token
        headers = {header: credential, "content-type": "application/json", "x-request-id": ctx.request_id}
        return post(ctx, url, body, headers, read_bytes=MAX_ANSWER_BYTES + 1)

    def sent(fresh: bool) -> Answer:
        try:
            return send(fresh)
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            if ctx.remaining_ms < 2 * RESERVE_S * 1000:
                raise
            return send(fresh)

    return _tree(attempted(sent, lambda: ctx.remaining_ms, sleep)), count


def _tree(answer: Answer) -> Any:
    if answer.status != 200:
        raise DlpError(f"the DLP answered {answer.status}: see to its url, its token, or its own log")
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise DlpError(f"the DLP answered with more than {MAX_ANSWER_BYTES} bytes: lower batch_bytes")
    try:
        return json.loads(answer.body, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise DlpError("the DLP's answer is no JSON: see whether `url` leads to it") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Each member once: of two verdicts in one place nobody knows which is meant (RFC 8259, section 4)."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is named twice")
    return members
