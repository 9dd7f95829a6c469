from __future__ import annotations

from typing import Any

import pytest

from penstock.sdk import Replace
from plugins.dlp_http.presidio import Presidio
from plugins.dlp_http.service import MalformedError, Policy

PRESIDIO = Presidio(Policy({}, "mask"), "en", 0.5)
TEXTS = ["hello there", "you"]


def finding(start: Any, end: Any, kind: Any = "PERSON") -> dict[str, Any]:
    return {"entity_type": kind, "start": start, "end": end, "score": 0.85, "analysis_explanation": None}


def test_findings_are_of_the_text_at_their_place() -> None:
    first, second = PRESIDIO.verdicts([[finding(0, 5)], []], TEXTS)
    assert (first.spans, second.spans) == ((Replace(0, 5, "<person>"),), ())


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        {"error": "No text provided"},
        [],
        [[]],
        [[], [], []],
        [finding(0, 5), finding(0, 5)],
        [[finding(0, 12)], []],
        [[finding(-1, 2)], []],
        [[finding(0, "5")], []],
        [[finding(0, True)], []],
        [[finding(0, 5, None)], []],
        [["finding"], []],
    ],
    ids=lambda one: str(one)[:60],
)
def test_what_is_no_list_of_findings_for_each_text_is_refused(answer: Any) -> None:
    with pytest.raises(MalformedError):
        PRESIDIO.verdicts(answer, TEXTS)
