"""Nothing unseen under a guard: what a placement that reads content cannot see, and what is done about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from penstock.content import Content, Unseen
from penstock.evidence.record import Uninspected
from penstock.gates.exchange import Exchange
from penstock.gates.placement import Placement, reads_content
from penstock.sdk.fields import BEFORE


@dataclass(slots=True)
class Inspection:
    """What one placement cannot see of the body at its moment."""

    entries: list[Uninspected] = field(default_factory=list)
    dropped: list[Unseen] = field(default_factory=list)
    dropped_fields: list[str] = field(default_factory=list)
    part: str = "request"

    @property
    def refused(self) -> bool:
        """Whether the body may not pass."""
        return any(entry.policy == "refuse" for entry in self.entries)

    def refusing(self) -> Inspection:
        """The same with every drop turned into a refusal, for a body that cannot go on without the part."""
        entries = [
            Uninspected(e.path, e.kind, "refuse" if e.policy == "drop" else e.policy, e.plugin)
            for e in self.entries
        ]
        return Inspection(entries, part=self.part)

    def drop_from(self, exchange: Exchange) -> None:
        """Take out what is to be dropped.

        Raises ValueError, with nothing changed, when the body cannot go on without it.
        """
        content = exchange.request if self.part == "request" else exchange.response
        if content is None or self.refused or not (self.dropped or self.dropped_fields):
            return
        if self.dropped:
            content = content.without(self.dropped)
        for name in self.dropped_fields:
            content = content.without_field(name)
        exchange.dropped(content, self.part)

    def message(self, plugin: str) -> str:
        """The sentence for the caller: kinds, never content."""
        kinds = ", ".join(sorted({entry.kind for entry in self.entries if entry.policy == "refuse"}))
        return f"The {self.part} carries parts that {plugin} cannot inspect: {kinds}."


NOTHING_UNSEEN: Final = Inspection()


def inspect(placement: Placement, exchange: Exchange) -> Inspection:
    """What `placement` cannot see. Nothing, for one that does not read content."""
    content = exchange.request if placement.moment == BEFORE else exchange.response
    if content is None or not reads_content(placement):
        return NOTHING_UNSEEN
    hidden = content.present.difference(placement.reads)
    if not hidden and not content.unseen:
        return NOTHING_UNSEEN
    return _judged(placement, content, sorted(hidden))


def _judged(placement: Placement, content: Content, hidden: list[str]) -> Inspection:
    found = Inspection(part="request" if placement.moment == BEFORE else "response")
    for unseen in content.unseen:
        policy = placement.policy(unseen.kind)
        found.entries.append(Uninspected(unseen.path, unseen.kind, policy, placement.plugin))
        if policy == "drop":
            found.dropped.append(unseen)
    for name in hidden:
        policy = placement.policy(name)
        found.entries.append(Uninspected("*", name, policy, placement.plugin))
        if policy == "drop":
            found.dropped_fields.append(name)
    return found
