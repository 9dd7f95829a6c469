"""What a caller is told when a placement ends the request: the same words for unary answers and streams."""

from __future__ import annotations

from typing import Final

from penstock.denial import Denial
from penstock.errors import PluginError
from penstock.gates.placement import Mode, Placement

UNINSPECTABLE: Final = "uninspectable_content"
APPROVAL_REQUIRED: Final = "approval_required"


def referred(placement: Placement, reason: str, reference: str) -> Denial:
    """Somebody has to approve the request first; `reference` names it to them, and to who repeats it."""
    return Denial(APPROVAL_REQUIRED, placement.reasons[reason], 403, "plugin_blocked", reference)


def blocked(placement: Placement, reason: str) -> Denial:
    """The plugin's own verdict, in the sentence of its manifest."""
    return Denial(f"{placement.plugin}.{reason}", placement.reasons[reason], 403, "plugin_blocked")


def uninspectable(message: str) -> Denial:
    """Something that the placement cannot see; `message` names kinds."""
    return Denial(UNINSPECTABLE, message, 403, "plugin_blocked")


def not_taken(placement: Placement) -> Denial:
    """The evidence of a request did not reach a plugin without which no answer leaves."""
    message = f"The plugin {placement.plugin} did not take the record of this request, so its answer is kept."
    return Denial(PluginError.code, message, PluginError.status, "plugin_unavailable")


def for_error(placement: Placement, mode: Mode) -> Denial | None:
    """What a failure of `placement` does to the request; None when it goes on without it."""
    if mode is not Mode.ENFORCE or placement.on_error != "block" or placement.style != "ordered":
        return None
    message = f"The plugin {placement.plugin} could not check this request, so it was stopped."
    return Denial(PluginError.code, message, PluginError.status, "plugin_unavailable")
