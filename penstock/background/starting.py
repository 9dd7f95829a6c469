"""What `ctx.workflow` is in a plugin's function: the plugin's own workflow, started for the request at hand.

The record that `after_response` is given stays in the plugin's own partition of the storage table until the
run is over: so a step has it again, and no role needs to read the evidence of other requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from penstock.adapters.workflows import Runs
from penstock.errors import FieldNotGrantedError
from penstock.evidence import layout
from penstock.sdk.storage import ABSENT, Storage
from penstock.sdk.workflow import checked_start

IDENTITY: Final = "identity"  # the field that says whose request it is
# Before the names of what plugins keep there themselves.
_KEPT: Final = "penstock#run/"
# A redelivered message may start a run again, a day after its record was taken away.
MARGIN_S: Final = 24 * 3600


class Origin(NamedTuple):
    """The request for which a run is started. `organisation`: None of one that has none."""

    request_id: str
    organisation: str | None
    record: Mapping[str, Any] | None = None
    """The evidence, where the plugin is given it."""


@dataclass(frozen=True, slots=True)
class Workflows:
    """A plugin's workflow. `kept`: its own storage; `lasting_s`: how long a run may take."""

    runs: Runs
    kept: Storage
    lasting_s: int

    def record_of(self, run_id: str) -> Mapping[str, Any] | None:
        """The evidence that the run was started with."""
        found = self.kept.get(f"{_KEPT}{run_id}")
        record: Mapping[str, Any] | None = found.value if found else None
        return record

    def keep(self, run_id: str, record: Mapping[str, Any]) -> None:
        """The first record that a run is started with stays its own."""
        self.kept.put(f"{_KEPT}{run_id}", record, ttl_s=self.lasting_s + MARGIN_S, expected=ABSENT)


class GrantedWorkflow:
    """One run's `penstock.sdk.workflow.Workflow`. `origin`: None where nothing says whose request it is."""

    def __init__(self, workflows: Workflows, origin: Origin | None) -> None:
        self._workflows = workflows
        self._origin = origin
        self.refused = False
        """Whether a run was asked for where nothing says whose request it is."""

    def start(self, run_id: str | None = None, *, reference: str = "") -> None:
        origin = self._origin
        if origin is None:
            self.refused = True
            raise FieldNotGrantedError(IDENTITY)
        started = checked_start(run_id, origin.request_id, reference)
        if origin.record is not None:
            self._workflows.keep(started.run_id, origin.record)
        key = layout.terminal_key(origin.organisation, origin.request_id)
        self._workflows.runs.start(started, key)
