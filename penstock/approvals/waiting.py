"""What Step Functions tells the approvals function when a step begins to wait for a human."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from penstock.approvals.store import Waiting
from penstock.evidence import layout
from penstock.evidence.record import RequestId

EVENT: Final = "penstock_approval"


class Begun(NamedTuple):
    """Which step of which run waits."""

    plugin: str
    run_id: str
    step: str
    waiting: Waiting


def decode_waiting(event: Mapping[str, Any]) -> Begun:
    """What `event` tells (`penstock.configuration.workflow`). Raises ValueError, which repeats nothing of it.

    Any role that may start the plugin's workflow chooses ids and keys in it: of the key only the organisation
    counts, and the request's id has to be one.
    """
    try:
        told = event[EVENT]
        entered_at = datetime.fromisoformat(str(told["entered_at"]))
        waiting = Waiting(
            token=str(told["token"]),
            until_s=int(entered_at.timestamp()) + int(told["timeout_s"]),
            request_id=TypeAdapter(RequestId).validate_python(told["request_id"]),
            organisation=layout.organisation_of(f"{str(told['evidence_key']).partition('/')[0]}/"),
        )
        return Begun(str(told["plugin"]), str(told["run_id"]), str(told["step"]), waiting)
    except (KeyError, TypeError, ValueError, ValidationError):
        raise ValueError("no step that waits for an approval") from None
