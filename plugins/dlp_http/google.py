"""The format `google`: Google's Sensitive Data Protection, `content.inspect` (its REST reference, v2).

All texts are one table of one column, so that one request has them all. Numbers of 64 bits come as strings,
and members that are 0 or empty are left out ("ProtoJSON Format").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from .segments import Verdict
from .service import Direction, Finding, MalformedError, Policy, encoded, kind_of, listed, member

COLUMN: Final = "text"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


class Google(NamedTuple):
    """`service.Service`. No `kinds`: the types that Google chooses, which it advises against."""

    policy: Policy
    least_likelihood: str
    kinds: tuple[str, ...] = ()

    def body(self, texts: Sequence[str], direction: Direction) -> bytes:
        rows = [{"values": [{"stringValue": text}]} for text in texts]
        wanted = {"infoTypes": [{"name": kind} for kind in self.kinds]} if self.kinds else {}
        return encoded(
            {
                "item": {"table": {"headers": [{"name": COLUMN}], "rows": rows}},
                "inspectConfig": {"minLikelihood": self.least_likelihood, "includeQuote": False, **wanted},
            }
        )

    def verdicts(self, answer: Any, texts: Sequence[str]) -> list[Verdict]:
        result = member(answer, "result")
        if member(result, "findingsTruncated"):
            raise MalformedError("it found more than it tells (3,000 a request): send it less at once")
        by_row: list[list[Finding]] = [[] for _ in texts]
        for item in listed(result.get("findings", []), "the findings"):
            row = _row(item)
            if row >= len(texts):
                raise MalformedError("a finding is in a row that was not sent")
            by_row[row].append(_finding(item))
        return [self.policy.verdict(text, found) for text, found in zip(texts, by_row, strict=True)]


def _finding(tree: Any) -> Finding:
    place = member(member(tree, "location"), "codepointRange")
    kind = kind_of(member(member(tree, "infoType"), "name"))
    return Finding(kind, _number(member(place, "start")), _number(member(place, "end")))


def _row(tree: Any) -> int:
    """In which row it is. A finding outside of the table's cells, in a header, is none of ours."""
    places = listed(member(member(tree, "location"), "contentLocations"), "the places of a finding")
    if len(places) != 1:
        raise MalformedError("a finding has not one place")
    return _number(member(member(member(places[0], "recordLocation"), "tableLocation"), "rowIndex"))


def _number(value: Any) -> int:
    if value is None:
        return 0
    if type(value) is int and value >= 0:
        return value
    if type(value) is str and _NUMBER.fullmatch(value):
        return int(value)
    raise MalformedError("a place is no number")
