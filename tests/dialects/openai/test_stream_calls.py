from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai.stream_calls import Calls, deltas, response_of
from penstock.dialects.openai.stream_chunk import CallPart
from penstock.errors import UpstreamError
from penstock.sdk.views import Texts


def part(arguments: str = "", index: int | None = None, choice: int = 0, **members: Any) -> CallPart:
    name = members.pop("name", None)
    function = {"name": name, "arguments": arguments} if name else {"arguments": arguments}
    return CallPart(choice, index, {"index": index, **members, "function": function})


def calls(*parts: CallPart) -> Calls:
    held = Calls()
    for each in parts:
        held.add(each)
    return held


def arguments(held: Calls, choice: int = 0) -> list[str]:
    return [call["function"]["arguments"] for call in held.of(choice)["tool_calls"]]


def test_fragments_go_to_the_call_of_their_number() -> None:
    held = calls(part("a", 1), part("b", 0), part("c", 1), part("d", 0))
    assert arguments(held) == ["bd", "ac"]
    assert all("index" not in call for call in held.of(0)["tool_calls"])


def test_choices_have_calls_of_their_own() -> None:
    held = calls(part("a", 0, choice=0), part("b", 0, choice=1))
    assert (arguments(held, 0), arguments(held, 1), held.of(2)) == (["a"], ["b"], {})


@pytest.mark.parametrize(
    "parts",
    [
        [part("a", name="f", id="1"), part("b", name="g", id="2")],
        [part("a", name="f", id=""), part("b", name="f", id="")],
        [part("a", id="1"), part("b", id="2")],
    ],
)
def test_without_numbers_a_name_or_another_id_begins_a_new_call(parts: list[CallPart]) -> None:
    assert arguments(calls(*parts)) == ["a", "b"]


def test_without_numbers_anything_else_goes_on_with_the_last_call() -> None:
    parts = [part("a", name="f", id="1"), part("b", id="1"), part("c")]
    assert arguments(calls(*parts)) == ["abc"]


def test_the_older_call_is_one_for_each_choice() -> None:
    fragments = ({"name": "f", "arguments": "{"}, {"arguments": "}"})
    held = calls(*(CallPart(0, None, fragment, is_legacy=True) for fragment in fragments))
    assert held.of(0) == {"function_call": {"name": "f", "arguments": "{}"}}


def test_calls_that_are_taken_are_a_response_with_fields_and_are_forgotten() -> None:
    held = calls(part('{"who": "\\u00', 0, name="f"), part('fc"}', 0), part("{}", 0, choice=1, name="g"))
    response = held.take(0)
    assert response is not None
    assert response.texts("response.tool_calls").texts == ("ü",)
    assert (held.of(0), held.take(0), bool(held)) == ({}, None, True)
    assert held.take(1) is not None
    assert not held


def test_calls_can_be_edited_and_said_again_whole() -> None:
    response = calls(part('{"who":"ja', 0, id="1", name="f"), part('ne"}', 0)).take(0)
    assert response is not None
    edit = Texts("response.tool_calls", response.texts("response.tool_calls").texts).map(str.upper)
    [delta] = deltas(response.edited([edit]).tree["choices"][0]["message"])
    assert delta == {
        "tool_calls": [{"index": 0, "id": "1", "function": {"name": "f", "arguments": '{"who":"JANE"}'}}]
    }


def test_a_number_that_json_cannot_say_is_the_upstreams_failure() -> None:
    with pytest.raises(UpstreamError, match="out of range") as caught:
        response_of({"a": float("inf")})
    assert caught.value.outcome == "malformed"
