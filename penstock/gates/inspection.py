"""Nothing unseen under a guard: what a placement that reads content cannot see, and what is done about it.

No deadline is over this, and the caller decides how much there is: so only so much is described, and what is
over that is counted by kind, at `*`. All of it is refused, dropped or allowed, described or not.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from penstock.content import Content
from penstock.evidence.record import Uninspected
from penstock.gates.exchange import Exchange
from penstock.gates.placement import Placement, is_content_read
from penstock.sdk.fields import BEFORE

MAX_DESCRIBED = 256  # of each kind: some milliseconds of work for all kinds together
MAX_PLACES = 64  # more than any client's body has; a body made for it fills no record


@dataclass(slots=True)
class Inspection:
    """What one placement cannot see of the body at its moment."""

    entries: list[Uninspected] = field(default_factory=list)
    dropped_kinds: set[str] = field(default_factory=set)
    dropped_fields: list[str] = field(default_factory=list)
    part: str = "request"

    @property
    def refused(self) -> bool:
        """Whether the body may not pass."""
        return any(entry.policy == "refuse" for entry in self.entries)

    def refusing(self) -> Inspection:
        """The same with every drop turned into a refusal, for a body that cannot go on without the part."""
        entries = [replace(e, policy="refuse") if e.policy == "drop" else e for e in self.entries]
        return Inspection(entries, part=self.part)

    def drop_from(self, exchange: Exchange) -> None:
        """Take out what is to be dropped.

        Raises ValueError, with nothing changed, when the body cannot go on without it.
        """
        content = exchange.request if self.part == "request" else exchange.response
        if content is not None and (left := self.dropped_from(content)) is not content:
            exchange.dropped(left, self.part)

    def dropped_from(self, content: Content) -> Content:
        """`content` without what is to be dropped; itself when nothing is, or when it is refused anyway.

        Raises ValueError when it cannot go on without it.
        """
        if self.refused:
            return content
        if self.dropped_kinds:
            content = content.without([part for part in content.unseen if part.kind in self.dropped_kinds])
        for name in self.dropped_fields:
            content = content.without_field(name)
        return content

    def message(self, plugin: str) -> str:
        """The sentence for the caller: kinds, never content."""
        kinds = ", ".join(sorted({entry.kind for entry in self.entries if entry.policy == "refuse"}))
        return f"The {self.part} carries parts that {plugin} cannot inspect: {kinds}."


NOTHING_UNSEEN: Final = Inspection()


def inspect(placement: Placement, exchange: Exchange) -> Inspection:
    """What `placement` cannot see. Nothing, for one that does not read content."""
    content = exchange.request if placement.moment == BEFORE else exchange.response
    # Most guards of a gate read the same of the same body: it is looked through for them once.
    if (
        content is None
        or exchange.is_plain_to(placement.reads, content)
        or not _reads_content(placement.moment, placement.reads)
    ):
        return NOTHING_UNSEEN
    found = inspect_content(placement, content)
    if found is NOTHING_UNSEEN:
        exchange.remember_plain(placement.reads, content)
    return found


_reads_content = cache(is_content_read)  # one for each placement at most: configuration bounds them


def inspect_content(placement: Placement, content: Content) -> Inspection:
    """What `placement`, which reads content, cannot see of its moment's body, or of a part of it."""
    hidden = content.present.difference(placement.reads)
    if not hidden and not content.unseen_kinds:
        return NOTHING_UNSEEN
    return _judged(placement, content, sorted(hidden))


def _judged(placement: Placement, content: Content, hidden: list[str]) -> Inspection:
    found = Inspection(part="request" if placement.moment == BEFORE else "response")
    for (path, kind), count in _places(content).items():
        policy = placement.policy(kind)
        found.entries.append(Uninspected(path, kind, policy, placement.plugin, count))
        if policy == "drop":
            found.dropped_kinds.add(kind)
    for name in hidden:
        policy = placement.policy(name)
        found.entries.append(Uninspected("*", name, policy, placement.plugin))
        if policy == "drop":
            found.dropped_fields.append(name)
    return found


def _places(content: Content) -> Counter[tuple[str, str]]:
    """(path, kind) → how many parts, in the order in which they come first."""
    places: Counter[tuple[str, str]] = Counter()
    left = Counter(content.unseen_kinds)
    for part in content.some_unseen(MAX_DESCRIBED):
        place = (part.path, part.kind)
        if place in places or len(places) < MAX_PLACES:
            places[place] += 1
            left[part.kind] -= 1
    places.update({("*", kind): count for kind, count in left.items() if count})
    return places
