"""What the formats of DLPs have in common: how texts become a request, and its answer verdicts.

    format      request                         answer
    penstock    segments with opaque ids        a verdict for each id        contract.py
    presidio    a list of texts                 findings for each            presidio.py
    google      a table of one column           findings with their row      google.py

An answer that is not exactly what its format says raises MalformedError: nothing of it is used.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, Protocol

from penstock.sdk import Replace

from .segments import Verdict

Direction = Literal["request", "response"]
Action = Literal["mask", "block", "allow"]

MAX_FINDINGS: Final = 100_000  # in one answer of at most a megabyte
_KIND: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")


class MalformedError(Exception):
    """The answer is none of its format. Says what is wrong, in our words: the answer's may be content."""


class Service(Protocol):
    """One format."""

    def body(self, texts: Sequence[str], direction: Direction) -> bytes:
        """The request about `texts`."""

    def verdicts(self, answer: Any, texts: Sequence[str]) -> list[Verdict]:
        """What the answer, as JSON, says of each of `texts`. Raises MalformedError."""


class Finding(NamedTuple):
    """A piece of one text, in code points, and what it is."""

    kind: str
    start: int
    end: int


class Policy(NamedTuple):
    """What to do with a finding, by its kind."""

    by_kind: Mapping[str, Action]
    otherwise: Action

    def verdict(self, text: str, findings: Sequence[Finding]) -> Verdict:
        """Raises MalformedError for what is no piece of `text`. Pieces that overlap become one."""
        if not all(0 <= found.start < found.end <= len(text) for found in findings):
            raise MalformedError("a finding lies outside of its text")
        actions = [self.by_kind.get(found.kind, self.otherwise) for found in findings]
        if "block" in actions:
            return Verdict(block=True)
        masks = [found for found, action in zip(findings, actions, strict=True) if action == "mask"]
        return Verdict(spans=_joined(masks))


def encoded(tree: Any) -> bytes:
    """Compact JSON. Raises ValueError for half of a character, which no request holds."""
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()


def listed(value: Any, what: str) -> list[Any]:
    """`value`, which must be a list of objects or of lists, and no more of them than can be. Exact types."""
    if type(value) is not list or len(value) > MAX_FINDINGS:
        raise MalformedError(f"{what} are no list, or too many")
    return value


def member(tree: Any, name: str) -> Any:
    """`tree[name]`; None when it is absent. Raises MalformedError when `tree` is no object."""
    if type(tree) is not dict:
        raise MalformedError(f"what should hold {name!r} is no object")
    return tree.get(name)


def kind_of(value: Any) -> str:
    """The name of what was found. It stands in a placeholder, so it is a name and nothing else."""
    if type(value) is not str or not _KIND.fullmatch(value):
        raise MalformedError("a finding has no name")
    return value


def _joined(findings: Sequence[Finding]) -> tuple[Replace, ...]:
    """One replacement for each stretch that findings cover, named after the longest of them."""
    spans: list[Finding] = []
    longest = 0
    for found in sorted(findings, key=lambda one: (one.start, -one.end)):
        if not spans or found.start >= spans[-1].end:
            spans.append(found)
            longest = found.end - found.start
            continue
        last, length = spans[-1], found.end - found.start
        spans[-1] = Finding(
            found.kind if length > longest else last.kind, last.start, max(last.end, found.end)
        )
        longest = max(longest, length)
    return tuple(Replace(found.start, found.end, f"<{found.kind.lower()}>") for found in spans)
