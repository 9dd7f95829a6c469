"""Splunk's indexer acknowledgement: an event that was taken is asked for until it is indexed.

    POST …/services/collector/event  + X-Splunk-Request-Channel   →  {"code": 0, "ackId": 7}
    POST …/services/collector/ack?channel=…  {"acks": [7]}        →  {"acks": {"7": true}}

("About HTTP Event Collector Indexer Acknowledgment", Splunk: Getting Data In.) Splunk forgets what it has
once called true. Numbers are of one channel and one indexer: behind a load balancer its cookies must stick,
and the client of one delivery keeps them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from penstock.sdk import UndeliverableError
from penstock.sdk.delivery import Answer, heals

CHANNEL: Final = "x-splunk-request-channel"
COLLECTOR: Final = "/services/collector"
READ_BYTES: Final = 16_384  # of an answer of some fifty bytes
MAX_ID: Final = 2**63
FIRST_PAUSE_S, MAX_PAUSE_S = 0.25, 4.0


def ack_url(url: str, channel: str) -> str:
    """Where is asked, by the collector's `url`."""
    base, _, _ = url.partition(COLLECTOR)
    return f"{base}{COLLECTOR}/ack?channel={channel}"


def ack_id(answer: Answer) -> int:
    """The number in the answer to an event. Raises UndeliverableError when the token gives none.

    The event was taken then: to send it again would only double it.
    """
    found = _decoded(answer.body).get("ackId")
    if type(found) is not int or not 0 <= found < MAX_ID:
        raise UndeliverableError(
            "the collector took the event and gave no ackId: turn on indexer acknowledgement for the token, "
            "or set `acknowledge = false`"
        )
    return found


def is_indexed(answer: Answer, number: int) -> bool:
    """Whether an answer says so. Raises UndeliverableError when such an answer will never come."""
    if answer.status != 200:
        if not heals(answer.status):
            raise UndeliverableError(
                f"the collector took the event and answers {answer.status} when asked for it: turn on "
                "indexer acknowledgement for the token, or set `acknowledge = false`"
            )
        return False
    acks = _decoded(answer.body).get("acks")
    return isinstance(acks, dict) and acks.get(str(number)) is True


def pauses(wait_s: float, clock: Callable[[], float]) -> Iterator[float]:
    """Seconds to wait before each question, twice as long each time, until `wait_s` have gone."""
    end, pause_s = clock() + wait_s, FIRST_PAUSE_S
    while clock() + pause_s <= end:
        yield pause_s
        pause_s = min(MAX_PAUSE_S, 2 * pause_s)


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
