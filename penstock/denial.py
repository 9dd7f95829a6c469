"""A denial is a value: what a control or a plugin refused, ready to be rendered in any dialect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DenialKind = Literal["plugin_blocked", "plugin_unavailable", "access_denied", "invalid_request"]


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal. `message` is safe to show: a sentence of ours or of a manifest, never content.

    `kind` becomes the error's type; `code` is stable across dialects; `reference` is an id that the gateway
    minted, for approvals; `retry_after_s` becomes `Retry-After`.
    """

    code: str
    message: str
    status: int
    kind: DenialKind
    reference: str | None = None
    retry_after_s: int | None = None
