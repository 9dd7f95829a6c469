"""`plugin explain`: which placements would run for a request, in order, and for the others why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.gates.gate import disposition
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Mode, Placement

_WHY = {
    "off": "it is off",
    "killed": "an override has killed it",
    "sampled_out": "it runs on a part of the requests",
}


@dataclass(frozen=True, slots=True)
class Explained:
    """One placement: whether it runs for these facts, in which mode, and why it is so."""

    placement: Placement
    runs: bool
    mode: Mode
    why: str


def explain(
    placements: Sequence[Placement], facts: Mapping[str, str | None], overrides: Overrides
) -> list[Explained]:
    """What becomes of each of `placements`, in their order. Sampling is left to the single request."""
    return [_explained(placement, facts, overrides) for placement in placements]


def _explained(placement: Placement, facts: Mapping[str, str | None], overrides: Overrides) -> Explained:
    # Any request id will do: it only decides sampling, and sampling comes last but for the rollout.
    mode, skipped = disposition(placement, facts, "", overrides)
    if skipped == "sampled_out" or (skipped is None and placement.sample < 100):
        return Explained(placement, True, placement.mode, f"on {placement.sample} per cent of requests")
    if skipped == "out_of_scope":
        return Explained(placement, False, mode, _outside(placement, facts, overrides))
    if skipped is not None:
        return Explained(placement, False, mode, _WHY[skipped])
    return Explained(placement, True, mode, _reason(placement, mode, overrides))


def _outside(placement: Placement, facts: Mapping[str, str | None], overrides: Overrides) -> str:
    dimension = placement.scope.misses(facts)
    by = "its scope"
    if dimension is None:
        narrowed = overrides.of(placement).scope
        dimension = narrowed.misses(facts) if narrowed else None
        by = "an override's scope"
    if dimension == "except":
        return f"{by} excepts this request"
    value = facts.get(dimension or "")
    return (
        f"{by} does not admit {dimension} {value!r}"
        if value
        else f"the request has no {dimension}, {by} names one"
    )


def _reason(placement: Placement, mode: Mode, overrides: Overrides) -> str:
    override = overrides.of(placement)
    if mode < placement.mode and override.mode is not None and mode <= override.mode < placement.mode:
        return "an override has lowered its mode"
    if mode < placement.mode:
        return "this API key is outside its rollout"
    return "in scope"
