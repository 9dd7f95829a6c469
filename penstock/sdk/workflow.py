"""How a plugin starts its workflow, and what a step of it is given.

    class Gate(Plugin):
        def before_upstream(self, request: Request, ctx: Context) -> Decision:
            ctx.workflow.start(request.reference, reference=request.reference)
            return Block("needs_approval")

        def step_tell(self, run: Run, ctx: Context) -> str | None:
            ctx.email.send(["boss@acme.example"], "May they?", run.approval_url("decide"))
            return "told"

Which steps there are, and in which order, stands in `workflow.toml` (`penstock.sdk.steps`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from penstock.errors import FieldNotGrantedError

# Step Functions takes 80 characters for an execution's name; these are safe in it, and in a URL.
RUN_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{0,80}")


class Workflow(Protocol):
    """Starts runs of the plugin's own workflow. Raises StorageError when the service does not answer."""

    def start(self, run_id: str | None = None, *, reference: str = "") -> None:
        """Begin one run; returns when it is sure to happen.

        `run_id` (default: the request's id) is what makes it that one run: whoever starts it again starts
        nothing, for 90 days. It and `reference` are 1 to 80 of `[A-Za-z0-9_-]`, and may be read by who
        operates the account: put no word of a request into them. Raises ValueError for others.
        """


@dataclass(frozen=True, slots=True)
class Run:
    """What one step is given of the run that it belongs to. Holds no content."""

    run_id: str
    request_id: str
    """Of the request that started it."""
    reference: str = ""
    """As it was started with."""
    outcomes: Mapping[str, str] = field(default_factory=dict)
    """What each step came to that has run before: by its name, a declared code."""
    evidence: Mapping[str, Any] | None = None
    """The record that `after_response` was given when it started the run; None of one started at a gate."""
    link: Callable[[str, str], str] | None = field(default=None, repr=False, compare=False)
    """Makes the signed link of an approval; the host's."""

    def approval_url(self, step: str, approver: str = "") -> str:
        """The signed link under which `approver` answers the approval `step`, until that times out.

        Whoever has the link can decide: send it to the approver and leave it nowhere else. Raises
        FieldNotGrantedError where no link can be made: the workflow has no such approval.
        """
        if self.link is None:
            raise FieldNotGrantedError("workflow.approval_url")
        return self.link(step, approver)


class Started(NamedTuple):
    """One run as it was asked for."""

    run_id: str
    request_id: str
    reference: str


def checked_start(run_id: str | None, request_id: str, reference: str) -> Started:
    """A start within the bounds. Raises ValueError, which repeats nothing of it."""
    chosen = request_id if run_id is None else run_id
    if type(chosen) is not str or not RUN_ID.fullmatch(chosen):
        raise ValueError("run_id is 1 to 80 of the letters, digits, `-` and `_`")
    if type(reference) is not str or not REFERENCE.fullmatch(reference):
        raise ValueError("reference is at most 80 of the letters, digits, `-` and `_`")
    return Started(chosen, request_id, reference)
