from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import ChatCompletionChunk

from penstock.dialects.openai import paths
from penstock.dialects.openai.stream_paths import chunk_matcher, chunk_removals, chunk_table
from tests.dialects.openai.test_paths import RESPONSE_GAPS
from tests.dialects.type_samples import samples


def unseen(tree: Any) -> list[tuple[str, str]]:
    return [(part.kind, part.path) for part in chunk_matcher().unseen(tree, chunk_matcher().classify(tree))]


def test_every_string_of_openais_type_of_a_chunk_is_listed() -> None:
    trees = samples(ChatCompletionChunk)
    assert len(trees) > 1
    unlisted = {path for tree in trees for kind, path in unseen(tree) if kind in {"unlisted", "key"}}
    assert unlisted == RESPONSE_GAPS


def test_a_chunk_is_known_as_far_as_a_response_is() -> None:
    known = {path.replace("delta", "message") for path, _rule in chunk_table()}
    assert known == {path.removesuffix("!") for path, _rule in paths.response_table()} | {"obfuscation"}
    assert len(list(chunk_table())) == len(known)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "x"},
        {"refusal": "x"},
        {"content": [{"type": "text", "text": "x"}]},
        {"audio": {"transcript": "x"}},
    ],
)
def test_what_an_answer_says_is_its_text(delta: Any) -> None:
    tree = {"choices": [{"delta": delta}]}
    assert chunk_matcher().classify(tree).fields["response.text"].values == ["x"]
    assert unseen(tree) == []


@pytest.mark.parametrize(
    "delta", [{"reasoning_content": "x"}, {"reasoning": "x"}, {"reasoning_details": [{"text": "x"}]}]
)
def test_what_a_model_thinks_is_reasoning(delta: Any) -> None:
    tree = {"choices": [{"delta": delta}]}
    assert chunk_matcher().classify(tree).fields["response.reasoning"].values == ["x"]


@pytest.mark.parametrize("fragment", ['{"ci', '{"city": "Köln"}', '"whole"', ""])
def test_a_fragment_of_arguments_is_one_text_whatever_it_looks_like(fragment: str) -> None:
    tree = {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": fragment}}]}}]}
    assert chunk_matcher().classify(tree).fields["response.tool_calls"].values == [fragment]


def test_what_no_table_lists_and_media_are_unseen() -> None:
    delta = {"note": "x", "audio": {"data": "UklG"}, "role": "the assistant"}
    assert unseen(
        {"choices": [{"delta": delta, "message": {"content": "x"}}], "obfuscation": "jane@x.de"}
    ) == [
        ("unlisted", "choices[*].delta.?"),
        ("audio", "choices[*].delta.audio.data"),
        ("unlisted", "choices[*].delta.role"),
        ("unlisted", "choices[*].message.content"),
        ("unlisted", "obfuscation"),
    ]


def test_a_fragment_that_is_taken_out_leaves_no_second_object() -> None:
    tree = {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": '{"a'}}]}}]}
    [splice] = chunk_removals().plan(
        tree, [("choices", 0, "delta", "tool_calls", 0, "function", "arguments")]
    )
    assert getattr(splice, "value", None) == ""
