from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.sdk import Replace
from plugins.dlp_http.contract import Contract
from plugins.dlp_http.segments import Verdict
from plugins.dlp_http.service import MalformedError

TEXTS = ["hello there", "\U0001f469 you"]
ALLOW = {"id": "1", "verdict": "allow"}


def said(first: Any) -> list[Verdict]:
    return Contract().verdicts({"segments": [ALLOW, first]}, TEXTS)


def mask(*spans: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "0", "verdict": "mask", "spans": list(spans), **more}


def test_each_verdict_is_read() -> None:
    assert said({"id": "0", "verdict": "allow", "more": 1}) == [Verdict(), Verdict()]
    assert said({"id": "0", "verdict": "block"})[0].block
    whole = said({"id": "0", "verdict": "mask", "text": "gone"})[0]
    assert whole.spans == (Replace(0, 11, "gone"),)
    spans = said(mask({"start": 0, "end": 5}, {"start": 5, "end": 11, "text": "x"}))[0].spans
    assert spans == (Replace(0, 5, ""), Replace(5, 11, "x"))


def test_a_request_is_what_the_readme_says() -> None:
    body = json.loads(Contract().body(TEXTS, "response"))
    segments = [{"id": "0", "text": TEXTS[0]}, {"id": "1", "text": TEXTS[1]}]
    assert body == {"version": 1, "direction": "response", "segments": segments}


@pytest.mark.parametrize(
    "first",
    [
        {},
        [],
        None,
        "allow",
        {"id": "0"},
        {"id": 0, "verdict": "allow"},
        {"id": "1", "verdict": "allow"},
        {"id": "2", "verdict": "allow"},
        {"id": "0", "verdict": "ALLOW"},
        {"id": "0", "verdict": "allow", "spans": [{"start": 0, "end": 5}]},
        {"id": "0", "verdict": "allow", "text": "gone"},
        {"id": "0", "verdict": True},
        {"id": "0", "verdict": "mask"},
        {"id": "0", "verdict": "mask", "text": 1},
        {"id": "0", "verdict": "mask", "text": "\ud800"},
        mask(),
        mask({"start": 0, "end": 5}, text="both"),
        mask({"start": -1, "end": 5}),
        mask({"start": 5, "end": 5}),
        mask({"start": 0, "end": 12}),
        mask({"start": 4, "end": 8}, {"start": 0, "end": 2}),
        mask({"start": 0, "end": 8}, {"start": 7, "end": 9}),
        mask({"start": False, "end": True}),
        mask({"start": 0.0, "end": 5.0}),
        mask({"start": "0", "end": "5"}),
        mask({"start": 0}),
        mask({"start": 0, "end": 5, "text": None}),
        {"id": "0", "verdict": "mask", "spans": {"start": 0, "end": 5}},
    ],
    ids=str,
)
def test_what_is_no_verdict_is_refused_and_not_repeated(first: Any) -> None:
    with pytest.raises(MalformedError) as raised:
        said(first)
    assert "hello" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"segments": None},
        {"segments": []},
        {"segments": [ALLOW]},
        {"segments": [{"id": "0", "verdict": "allow"}, ALLOW, ALLOW]},
        {"segments": [{"id": "0", "verdict": "allow"}, ALLOW, {"id": "2", "verdict": "allow"}]},
        {"segments": [ALLOW] * 100_001},
    ],
    ids=lambda one: str(one)[:40],
)
def test_an_answer_without_one_verdict_for_each_segment_is_refused(answer: Any) -> None:
    with pytest.raises(MalformedError):
        Contract().verdicts(answer, TEXTS)
