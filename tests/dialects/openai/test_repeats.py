from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.openai import repeats
from penstock.dialects.openai.chat import ChatResponse
from penstock.sdk.edits import Edit, Replace, SpanEdit, TextEdit

TEXT = "Mail jane@example.com. News (news.example.com), says Jane."
START, END = TEXT.index("(news"), TEXT.index("),") + 1


def response(**message: Any) -> ChatResponse:
    citation = {"start_index": START, "end_index": END, "title": "t", "url": "u"}
    annotations = [{"type": "url_citation", "url_citation": citation}, {"type": "other"}, None]
    tree = {
        "choices": [
            {
                "message": {"role": "assistant", "content": TEXT, "annotations": annotations, **message},
                "logprobs": {"content": [{"token": TEXT}]},
            }
        ],
        "prompt_logprobs": [None, {"1": {"decoded_token": "Mail"}}],
    }
    return ChatResponse.decode(json.dumps(tree).encode())


def edited(edit: Edit, **message: Any) -> Any:
    return json.loads(response(**message).edited([edit]).encoded())


def cited(tree: Any) -> str:
    message = tree["choices"][0]["message"]
    citation = message["annotations"][0]["url_citation"]
    return str(message["content"][citation["start_index"] : citation["end_index"]])


def test_what_repeats_an_edited_text_goes_with_it() -> None:
    audio = {"id": "a", "data": "UklGR", "transcript": "spoken"}
    tree = edited(TextEdit("response.text", ((0, "new"),)), audio=audio, parsed={"mail": "jane@example.com"})
    choice = tree["choices"][0]
    assert choice["logprobs"] is tree["prompt_logprobs"] is None
    assert choice["message"]["audio"] == {"id": "a", "data": "", "transcript": "spoken"}
    assert "parsed" not in choice["message"]


def test_a_text_that_only_its_log_probabilities_say_is_present() -> None:
    assert "response.text" in response(content=None, annotations=None).present


def test_an_edit_of_reasoning_or_arguments_drops_log_probabilities_too() -> None:
    tree = edited(TextEdit("response.reasoning", ((0, "new"),)), reasoning="old")
    assert tree["choices"][0]["logprobs"] is None


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([Replace(5, 21, "<email>")], "(news.example.com)"),
        ([Replace(5, 21, "<a much longer one than it was>"), Replace(53, 57, "J")], "(news.example.com)"),
        ([Replace(START + 1, END - 1, "<host>")], "(<host>)"),
        ([Replace(START, END, "<host>")], "<host>"),
        ([Replace(START - 5, START + 6, "<x>")], "<x>example.com)"),
        ([Replace(END - 4, END + 4, "<x>")], "(news.example.<x>"),
        ([Replace(0, len(TEXT), "<all>")], "<all>"),
    ],
)
def test_a_citation_still_points_to_what_it_cited(spans: list[Replace], expected: str) -> None:
    assert cited(edited(SpanEdit("response.text", ((0, tuple(spans)),)))) == expected


def test_a_text_that_is_set_as_a_whole_moves_citations_as_its_difference_does() -> None:
    new = TEXT.replace("jane@example.com", "<email>")
    assert cited(edited(TextEdit("response.text", ((0, new),)))) == "(news.example.com)"


@given(st.text("ab (news.example)", max_size=40))
def test_a_citation_never_points_outside_of_the_text(new: str) -> None:
    tree = edited(TextEdit("response.text", ((0, new),)))
    citation = tree["choices"][0]["message"]["annotations"][0]["url_citation"]
    assert 0 <= citation["start_index"] <= citation["end_index"] <= len(new)


def test_replacements_are_added_up_once_however_many_citations_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sums: list[int] = []

    def counting(growth: Iterable[int]) -> Iterator[int]:
        sums.append(1)
        return accumulate(growth)

    monkeypatch.setattr(repeats, "accumulate", counting)
    citation = {"type": "url_citation", "url_citation": {"start_index": START, "end_index": END}}
    edit = SpanEdit("response.text", ((0, (Replace(5, 21, "<email>"),)),))
    assert cited(edited(edit, annotations=[citation] * 20)) == "(news.example.com)"
    assert len(sums) == 1


def test_annotations_of_another_shape_are_left_alone() -> None:
    for others in ({"no": "list"}, [{"url_citation": {"start_index": "5", "end_index": True}}], "text"):
        after = edited(TextEdit("response.text", ((0, "new"),)), annotations=others)
        assert after["choices"][0]["message"]["annotations"] == others
