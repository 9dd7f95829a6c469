from __future__ import annotations

from typing import Any

import pytest

from penstock.sdk import Replace
from plugins.dlp_http.google import Google
from plugins.dlp_http.service import MalformedError, Policy

GOOGLE = Google(Policy({}, "mask"), "POSSIBLE")
TEXTS = ["hello there", "you"]


def finding(place: Any, table: Any, kind: Any = "NAME") -> dict[str, Any]:
    contents = [{"recordLocation": {"tableLocation": table}}]
    return {"infoType": {"name": kind}, "location": {"codepointRange": place, "contentLocations": contents}}


def test_numbers_come_as_texts_and_noughts_not_at_all() -> None:
    findings = [finding({"end": "5"}, {}), finding({"start": "1", "end": "3"}, {"rowIndex": "1"})]
    first, second = GOOGLE.verdicts({"result": {"findings": findings}}, TEXTS)
    assert (first.spans, second.spans) == ((Replace(0, 5, "<name>"),), (Replace(1, 3, "<name>"),))
    assert [verdict.spans for verdict in GOOGLE.verdicts({"result": {}}, TEXTS)] == [(), ()]


@pytest.mark.parametrize(
    "item",
    [
        finding({"end": "12"}, {}),
        finding({"end": "4"}, {"rowIndex": "1"}),
        finding({"end": "1"}, {"rowIndex": "2"}),
        finding({"end": "1"}, {"rowIndex": "-1"}),
        finding({"end": "1"}, None),
        finding(None, {}),
        finding({"start": "3"}, {}),
        finding({"end": "1e1"}, {}),
        finding({"end": True}, {}),
        finding({"end": "9" * 4000}, {}),
        finding({"end": "1"}, {}, None),
        finding({"end": "1"}, {}, "<script>"),
        {"infoType": {"name": "A"}, "location": {"codepointRange": {"end": "1"}, "contentLocations": []}},
        {},
        [],
        "finding",
    ],
    ids=lambda one: str(one)[:60],
)
def test_a_finding_of_nowhere_is_refused(item: Any) -> None:
    with pytest.raises(MalformedError):
        GOOGLE.verdicts({"result": {"findings": [item]}}, TEXTS)


@pytest.mark.parametrize(
    "answer", [{}, [], None, {"result": []}, {"result": {"findings": {}}}, {"error": {"code": 200}}]
)
def test_what_is_no_result_is_refused(answer: Any) -> None:
    with pytest.raises(MalformedError):
        GOOGLE.verdicts(answer, TEXTS)
