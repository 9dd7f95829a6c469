"""What a plugin may answer. A denial is a value here; a failure is an exception.

    Allow()                         go on
    Block("reason")                 stop, with a reason that the manifest declares
    Block("reason", refer=True)     stop until somebody has approved the same request
    Transform(edit, …)              go on with these edits
    Respond.text("…")               answer in the caller's dialect, instead of the upstream or its answer

Each is a frozen value; the gateway checks it against the grant before it does anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from penstock.sdk.edits import Edit, Span


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on unchanged."""


@dataclass(frozen=True, slots=True)
class Block:
    """Stop the request.

    `reason` is a code from the manifest's `[reasons]`; `at` says where, on a windowed stream. With `refer`
    the caller is told `approval_required`, the reason's sentence, and `request.reference`, which the plugin
    must read: what it may ask a person about. Nothing else of the plugin's reaches the caller.
    """

    reason: str
    at: Span | None = None
    refer: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Transform:
    """Go on with edits. Edits that change nothing count as `Allow`."""

    edits: tuple[Edit, ...]

    def __init__(self, *edits: Edit) -> None:
        object.__setattr__(self, "edits", edits)


@dataclass(frozen=True, slots=True)
class Respond:
    """Answer with a text of the plugin's own. Make it with `Respond.text("…")`."""

    content: str

    @classmethod
    def text(cls, content: str) -> Respond:
        """An answer whose text is `content`, in whatever dialect the caller speaks."""
        return cls(content)


Decision = Allow | Block | Transform | Respond
