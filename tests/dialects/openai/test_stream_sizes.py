from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.openai.stream_sizes import added_chars, size_chars


@pytest.mark.parametrize(
    ("value", "chars"),
    [
        ("abc", 3),
        (None, 0),
        (True, 0),
        (7, 8),
        (0.5, 8),
        ([], 8),
        ({}, 8),
        (["ab", {"x": "c", "y": [1]}], 8 + 2 + 8 + 1 + 8 + 8),
        ({"id": "abc", "type": "d", "index": 1, "role": "e", "format": "f", "text": "g"}, 8 + 1),
    ],
)
def test_words_count_and_what_is_said_once_for_all_does_not(value: Any, chars: int) -> None:
    assert size_chars(value) == chars


def test_of_a_chunk_only_what_its_choices_add_counts() -> None:
    choice = {"index": 0, "delta": {"content": "ab"}, "text": "c", "logprobs": {"content": ["de"]}}
    around = {"id": "x" * 99, "usage": {"n": 1}, "obfuscation": "x" * 99}
    expected = 8 + 2 + 1 + 8 + 8 + 2
    assert added_chars({"choices": [choice | {"finish_reason": "stop"}], **around}) == expected
    assert added_chars({"choices": None}) == added_chars({}) == 0
