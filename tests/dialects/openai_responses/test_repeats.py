from __future__ import annotations

from typing import Any

from penstock.dialects.json_content import Change
from penstock.dialects.openai_responses.repeats import moved_annotations, part_at, repeats
from penstock.dialects.splicing import Drop, Put
from penstock.sdk.edits import Replace


def tree(**part: Any) -> dict[str, Any]:
    return {"output": [{"content": [{"text": "to jane now", **part}]}], "output_text": "to jane now"}


AT = ("output", 0, "content", 0)


def test_what_repeats_a_part_goes_once_whatever_of_it_changes() -> None:
    places = [(*AT, "text"), (*AT, "annotations", 0, "title")]
    gone = repeats(tree(logprobs=[{"token": "to"}]), places)
    assert gone == [Put((*AT, "logprobs"), []), Drop(("output_text",))]
    assert repeats({"input": [{"content": [{"text": "x"}]}]}, [("input", 0, "content", 0, "text")]) == []
    assert repeats(tree(), [("metadata", "a")]) == []


def test_a_part_is_an_element_of_the_content_of_an_item() -> None:
    assert part_at((*AT, "text")) == AT
    assert part_at(AT) is None
    assert part_at(("output", 0, "summary", 0, "text")) is None
    assert part_at(("input", 0, "content")) is None


def test_positions_move_with_the_text_and_other_members_stay() -> None:
    cited = {"start_index": 3, "end_index": 7, "title": "t"}
    body = tree(annotations=[cited, "x", {"index": 3}])
    change = Change((*AT, "text"), (Replace(0, 2, "for"),), "for jane now", "response.text", 0)
    place = (*AT, "annotations", 0)
    assert moved_annotations(body, [change]) == [
        Put((*place, "start_index"), 4),
        Put((*place, "end_index"), 8),
    ]
    title = Change((*place, "title"), (Replace(0, 1, "u"),), "u", "response.text", 1)
    assert moved_annotations(body, [title]) == []
    assert moved_annotations(tree(), [change]) == []
