"""What a control says when it refuses: the denial for the caller and the line for the evidence."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.denial import Denial, DenialKind
from penstock.evidence.record import ControlRecord
from penstock.governance.principal import Principal


@dataclass(frozen=True, slots=True)
class Denied:
    """A refusal. `principal` is there once a key was recognised, so that its record can name it."""

    denial: Denial
    record: ControlRecord
    principal: Principal | None = None


def deny(
    stage: str,
    code: str,
    status: int,
    message: str,
    *,
    kind: DenialKind = "access_denied",
    limit: int | None = None,
    principal: Principal | None = None,
) -> Denied:
    """A refusal by the control `stage`; `limit` is the bound that was exceeded, in the unit of its code."""
    denial = Denial(code, message, status, kind)
    return Denied(denial, ControlRecord(stage, "deny", code, limit=limit), principal)
