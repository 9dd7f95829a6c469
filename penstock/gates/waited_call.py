"""What crosses to a plugin's function that is waited for after the response, and what it may say.

    call      waited: {plugin, digest, terms, request_id, remaining_ms}; message: a DeliveryMessage, as text
    answer    plugin, digest, request_id; failure: a class, or null

The message is what the plugin's queue would bring, so that the plugin sees the same either way. What it did
is in its own record of the delivery; of the answer only the class of a failure is believed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from penstock.errors import FailureClass, PluginError
from penstock.gates.placement import Placement

WAITED: Final = "waited"  # what an event of this kind has, and no other
MAX_ANSWER_BYTES: Final = 4096
# Of itself a function may say anything but what only the gateway knows.
CLAIMS: Final = frozenset(FailureClass) - {FailureClass.CIRCUIT_OPEN}


class WaitedCall(NamedTuple):
    """One call, as the function reads it. `message`: a `penstock.evidence.messages.DeliveryMessage`."""

    plugin: str
    digest: str
    terms: str
    request_id: str
    remaining_ms: float
    message: str


def encode_waited(placement: Placement, terms: str, request_id: str, seconds: float, message: bytes) -> bytes:
    """The call as it is sent."""
    told = {
        "plugin": placement.plugin,
        "digest": placement.digest,
        "terms": terms,
        "request_id": request_id,
        "remaining_ms": round(seconds * 1000, 3),
    }
    return json.dumps({WAITED: told, "message": message.decode()}, ensure_ascii=False).encode()


def decode_waited(event: Mapping[str, Any]) -> WaitedCall:
    """The call that `event` holds. Raises ValueError when it holds none."""
    try:
        told = event[WAITED]
        return WaitedCall(
            plugin=str(told["plugin"]),
            digest=str(told["digest"]),
            terms=str(told["terms"]),
            request_id=str(told["request_id"]),
            remaining_ms=float(told["remaining_ms"]),
            message=str(event["message"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("no call") from error


def encode_taken(call: WaitedCall, failure: FailureClass | None) -> dict[str, Any]:
    """The answer as the function returns it, for Lambda to write as JSON."""
    return {
        "plugin": call.plugin,
        "digest": call.digest,
        "request_id": call.request_id,
        "failure": None if failure is None else failure.value,
    }


def check_taken(raw: bytes, placement: Placement, request_id: str) -> None:
    """Return when the function says that the plugin took it. Raises PluginError for all else."""
    try:
        answer: Any = json.loads(raw) if len(raw) <= MAX_ANSWER_BYTES else None
        names = (answer["plugin"], answer["digest"], answer["request_id"])
        claim = answer["failure"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PluginError(FailureClass.CONTRACT, "the function's answer is none") from None
    if names != (placement.plugin, placement.digest, request_id):
        raise PluginError(FailureClass.CONTRACT, "the function answered another call")
    if claim is None:
        return
    known = type(claim) is str and claim in CLAIMS
    raise PluginError(FailureClass(claim) if known else FailureClass.CONTRACT, "the plugin failed")
