"""One delivery to a receiver: sent, answered, and what the answer means for the next try.

    answer = attempted(lambda fresh: post(ctx, url, body, headers(fresh)), lambda: ctx.remaining_ms)
    answer.expect_taken()

A receiver's refusal is of one of two kinds. What may heal (it is down, busy, or its credential was changed)
raises what the queue tries again. What will not (the request itself is wrong) raises UndeliverableError.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import StringConstraints

from penstock.errors import UndeliverableError

if TYPE_CHECKING:
    import httpx

    from penstock.sdk.context import Context

REFUSED: Final = frozenset({401, 403})
BUSY: Final = frozenset({429, 503})
# Redirects that do not last (RFC 9110, section 15.4); credentials, which are rotated; time-outs and limits.
HEALING: Final = frozenset({302, 303, 307, 401, 403, 408, 425, 429})
MAX_WAIT_S: Final = 5.0  # for `Retry-After` within one try: the function is paid while it sleeps
MAX_POST_S: Final = 10.0  # of a receiver that says nothing; as long as `Context.deliver` waits
RESERVE_S: Final = 0.5  # kept of the deadline, so that a receiver's silence is told from a plugin that hangs
Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[a-z0-9.-]{1,253}(:[0-9]{1,5})?(/[!-~]{0,1023})?$")
]
"""A setting that says where to send.

Plain http is for a receiver on this machine; the gateway's own check decides where that is allowed.
"""
_SECONDS: Final = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver said. `body` holds as many bytes as were asked for, of however many came."""

    status: int
    retry_after_s: float | None = None
    """None when the receiver named no time, or a date."""
    body: bytes = b""

    def expect_taken(self) -> None:
        """Return for 2xx. Raises UndeliverableError, or httpx.HTTPStatusError for what may heal."""
        if 200 <= self.status < 300:
            return
        if not heals(self.status):
            raise UndeliverableError(
                f"the receiver answered {self.status}, as it will again: mend the url, the settings or the "
                "receiver, then `penstock plugin redrive`"
            )
        raise _status_error(self.status)


def compact_json(value: Mapping[str, Any]) -> bytes:
    """`value` in UTF-8 without blanks, evidence too: what is signed is what is sent, byte for byte."""
    return json.dumps(dict(value), default=dict, ensure_ascii=False, separators=(",", ":")).encode()


def heals(status: int) -> bool:
    """Whether a later try of the same request may be answered otherwise."""
    return status in HEALING or status >= 500


def post(
    ctx: Context[Any], url: str, content: bytes, headers: Mapping[str, str], *, read_bytes: int = 0
) -> Answer:
    """POST `content` once, within what is left of the deadline. Raises httpx's errors when nobody answers.

    Of the answer's body `read_bytes` are read at most, none by default; no redirect is followed.
    """
    seconds = min(MAX_POST_S, max(0.001, ctx.remaining_ms / 1000 - RESERVE_S))
    with ctx.http.stream(
        "POST", url, content=content, headers=headers, timeout=seconds, follow_redirects=False
    ) as answer:
        body = _beginning(answer.iter_bytes(), read_bytes) if read_bytes else b""
        return Answer(answer.status_code, _retry_after_s(answer.headers.get("retry-after", "")), body)


def attempted(
    send: Callable[[bool], Answer],
    remaining_ms: Callable[[], float],
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """The answer to one try of a delivery, in which `send` is called three times at most.

    `send(True)` is to read the credential anew: once, when the known one was refused. A receiver that is busy
    and names a time, of five seconds at most and within the deadline, is asked once more after it.
    """
    answer = send(False)
    if answer.status in REFUSED:
        answer = send(True)
    wait_s = answer.retry_after_s
    if answer.status not in BUSY or wait_s is None or wait_s > MAX_WAIT_S:
        return answer
    if (wait_s + 2 * RESERVE_S) * 1000 >= remaining_ms():
        return answer
    sleep(wait_s)
    return send(False)


def _beginning(chunks: Iterator[bytes], most_bytes: int) -> bytes:
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) >= most_bytes:
            break
    return body[:most_bytes]


def _retry_after_s(text: str) -> float | None:
    return float(text) if _SECONDS.fullmatch(text) else None


def _status_error(status: int) -> httpx.HTTPStatusError:
    """By its status the host knows `throttled` from `denied` and `unavailable`. Without the url."""
    import httpx  # noqa: PLC0415  # 150 ms that only plugins with hosts need; here they have it

    request = httpx.Request("POST", "https://receiver.invalid/")
    said = f"the receiver answered {status}; the queue brings the record again"
    return httpx.HTTPStatusError(said, request=request, response=httpx.Response(status, request=request))
