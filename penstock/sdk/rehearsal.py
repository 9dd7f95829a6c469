"""Goes through a workflow's steps as Step Functions would, at once and in this process: for tests.

Nothing waits and nothing is tried twice: `do` says what a step comes to, `answers` what a human says. An
approval without an answer times out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from penstock.sdk.steps import FAILED, Step, Steps

# Far above what any workflow here has; a circle through a wait would never end.
MAX_STEPS_RUN = 200

Do = Callable[[Step, Mapping[str, str]], str | None]
"""Runs one `do` step, given the outcomes so far: its outcome. Raises StepFailedError when it fails."""


class StepFailedError(Exception):
    """A step has failed for good."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """How a run went. `path`: the steps in the order in which they ran."""

    path: tuple[str, ...]
    outcomes: Mapping[str, str]
    failed: bool = False
    """Whether a step without `on_failure` failed, and the run with it."""


def rehearse(steps: Steps, do: Do, answers: Mapping[str, str] | None = None) -> Rehearsed:
    """One run from the first step to its end. Raises RuntimeError when it goes in circles."""
    path: list[str] = []
    outcomes: dict[str, str] = {}
    name: str | None = steps.step[0].name
    while name is not None:
        step = steps.named(name)
        if step is None or len(path) == MAX_STEPS_RUN:
            raise RuntimeError(f"the run has not ended after {len(path)} steps")
        path.append(name)
        try:
            name = _onward(steps, step, do, answers or {}, outcomes)
        except StepFailedError:
            if step.on_failure is None:
                return Rehearsed(tuple(path), outcomes, failed=True)
            outcomes[step.name], name = FAILED, step.on_failure
    return Rehearsed(tuple(path), outcomes)


def _onward(
    steps: Steps, step: Step, do: Do, answers: Mapping[str, str], outcomes: dict[str, str]
) -> str | None:
    """Run one step: the name of the next."""
    if step.kind == "choose":
        return step.cases.get(outcomes.get(step.choose or "", ""), step.otherwise)
    outcome: str | None = None
    if step.kind == "do":
        outcome = do(step, dict(outcomes))
    elif step.kind == "approval":
        outcome = answers.get(step.name, step.on_timeout)
    if outcome is not None:
        outcomes[step.name] = outcome
    return steps.after(step)
