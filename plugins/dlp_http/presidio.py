"""The format `presidio`: Presidio's analyzer, `POST /analyze` (its OpenAPI page, "Analyze Text").

A list of texts is one request since the release that merged "Support batch processing over the REST API"
(pull request 1806, December 2025); an older analyzer answers it with 500. What it finds is masked here: its
anonymizer would be a second request with the same words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .segments import Verdict
from .service import Direction, Finding, MalformedError, Policy, encoded, kind_of, listed, member


class Presidio(NamedTuple):
    """`service.Service`. No `kinds`: whatever the analyzer knows."""

    policy: Policy
    language: str
    least_score: float
    kinds: tuple[str, ...] = ()

    def body(self, texts: Sequence[str], direction: Direction) -> bytes:
        asked = {"text": list(texts), "language": self.language, "score_threshold": self.least_score}
        return encoded({**asked, **({"entities": list(self.kinds)} if self.kinds else {})})

    def verdicts(self, answer: Any, texts: Sequence[str]) -> list[Verdict]:
        found = listed(answer, "the results")
        if len(found) != len(texts):
            raise MalformedError("there is not one list of findings for each text")
        return [
            self.policy.verdict(text, [_finding(item) for item in listed(items, "the findings")])
            for text, items in zip(texts, found, strict=True)
        ]


def _finding(tree: Any) -> Finding:
    """Python's own places in a text: code points."""
    start, end = member(tree, "start"), member(tree, "end")
    if type(start) is not int or type(end) is not int:
        raise MalformedError("a finding has no start or no end")
    return Finding(kind_of(tree.get("entity_type")), start, end)
