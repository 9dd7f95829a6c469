from __future__ import annotations

from penstock.dialects.openai.stream_docs import stream_page
from penstock.dialects.openai.stream_paths import chunk_table


def row_of(path: str) -> str:
    [row] = [line for line in stream_page().splitlines() if f"`{path}`" in line and line.startswith("|")]
    return row.split("|")[1]


def test_every_text_of_a_chunk_is_said_to_be_treated_in_one_way() -> None:
    for path, rule in chunk_table():
        if rule.kind == "field" and ".annotations[" not in path:
            assert row_of(path)


def test_what_grows_what_is_whole_and_what_is_held_are_told_apart() -> None:
    assert "grows" in row_of("choices[*].delta.content")
    assert "grows" in row_of("choices[*].delta.content[type=thinking].thinking[*].text")
    assert "grows" in row_of("choices[*].text")
    assert "whole in its chunk" in row_of("citations[*]")
    assert "whole in its chunk" in row_of("choices[*].delta.context.**")
    assert "fragment" in row_of("choices[*].delta.tool_calls[*].function.arguments")
    assert "gone if it was edited" in row_of("choices[*].logprobs")


def test_the_bounds_are_those_of_the_code() -> None:
    assert "| 5,500,000 bytes |" in stream_page()
    assert "{" not in stream_page()
