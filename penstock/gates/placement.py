"""A placement: one enabled plugin at one moment, compiled and frozen. A request discovers nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Literal

from penstock.errors import ConfigurationError
from penstock.gates.scope import Scope
from penstock.sdk import fields
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.fields import BEFORE, LATER, Moment

Style = Literal["ordered", "independent", "background"]
HostKind = Literal["in_process", "function"]
Policy = Literal["refuse", "drop", "allow"]
OnError = Literal["block", "allow"]


class Mode(IntEnum):
    """`off` < `shadow` < `enforce`: an override may only go down."""

    OFF = 0
    SHADOW = 1
    ENFORCE = 2

    @cached_property
    def label(self) -> Literal["off", "shadow", "enforce"]:
        """The mode as configuration and evidence write it."""
        return _LABELS[self]


_LABELS: tuple[Literal["off", "shadow", "enforce"], ...] = ("off", "shadow", "enforce")  # by number


@dataclass(frozen=True, slots=True)
class Placement:
    """All that the engine needs to run one plugin at one moment."""

    plugin: str
    version: str
    digest: str
    moment: Moment
    style: Style
    host: HostKind
    timeout_ms: int
    on_error: OnError
    order: int = 0
    after: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    mode: Mode = Mode.ENFORCE
    rollout: int = 100
    """Per cent of API keys for which it enforces; the others are shadowed."""
    sample: int = 100
    """Per cent of requests on which an independent placement runs."""
    reads: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    reasons: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[str, RecordSpec] = field(default_factory=dict)
    uninspected: Mapping[str, Policy] = field(default_factory=dict)
    """Kind of unseen thing, or field → policy; `default` for the rest (else `refuse`)."""
    required: bool = False
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once"
    wait: bool = False
    """In the background: the gateway calls it before the last byte, and its `on_error` counts."""
    stream: Literal["buffer", "window"] | None = None
    window_chars: int | None = None
    max_hold_chars: int | None = None

    @property
    def name(self) -> str:
        """How people and logs call it."""
        return f"{self.plugin}@{self.moment}"

    def policy(self, kind: str) -> Policy:
        """What to do about something unseen of `kind`."""
        return self.uninspected.get(kind) or self.uninspected.get("default") or "refuse"


def derived_style(
    moment: Moment, effects: frozenset[str], reads: tuple[str, ...], after: tuple[str, ...]
) -> Style:
    """The style of a placement, from what it may do; it is never declared."""
    if moment == LATER:
        return "background"
    steers = effects & {"block", "transform", "respond"}
    return "ordered" if steers or "decisions" in reads or after else "independent"


def reads_content(placement: Placement) -> bool:
    """Whether it looks at words of its moment's body, so that nothing there may pass it unseen."""
    return is_content_read(placement.moment, placement.reads)


def is_content_read(moment: Moment, reads: Iterable[str]) -> bool:
    """Whether `reads` names content of the body at `moment`: after the upstream, that is the response's."""
    part = "request." if moment == BEFORE else "response."
    return any(name.startswith(part) for name in fields.CONTENT_FIELDS.intersection(reads))


def in_order(placements: list[Placement]) -> tuple[Placement, ...]:
    """Ordered placements of one moment, by `after`, then `order`, then name; the others follow by name.

    Raises ConfigurationError when `after` names nobody, or runs in a circle.
    """
    ordered = sorted((p for p in placements if p.style == "ordered"), key=lambda p: (p.order, p.plugin))
    others = sorted((p for p in placements if p.style != "ordered"), key=lambda p: p.plugin)
    names = {p.plugin for p in ordered}
    for placement in ordered:
        for wanted in placement.after:
            if wanted not in names:
                raise ConfigurationError(
                    f"plugin {placement.plugin!r}",
                    f"`after` names {wanted!r}, which is no ordered plugin at {placement.moment}.",
                )
    done: list[Placement] = []
    while ordered:
        placed = {p.plugin for p in done}
        ready = next((p for p in ordered if placed.issuperset(p.after)), None)
        if ready is None:
            circle = ", ".join(p.plugin for p in ordered)
            raise ConfigurationError(f"plugins {circle}", "`after` runs in a circle.", "Remove one of them.")
        ordered.remove(ready)
        done.append(ready)
    return (*done, *others)


def bucket(plugin: str, subject: str) -> int:
    """A stable number from 0 to 99 for `subject` (an API key or a request id), another for every plugin."""
    digest = hashlib.sha256(f"{plugin}\0{subject}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % 100
