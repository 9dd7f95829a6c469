from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic.usage import counted
from penstock.evidence.record import MAX_COUNT, Usage


def test_input_is_all_that_was_read_cached_or_not() -> None:
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 3000}
    assert counted({**usage, "output_tokens": 7}) == Usage(3210, 7, 3000, 0)


def test_thinking_is_a_part_of_the_output() -> None:
    usage = {"input_tokens": 1, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 40}}
    assert counted(usage) == Usage(1, 50, 0, 40)


def test_work_on_the_side_counts_and_the_models_own_turns_count_once() -> None:
    each = {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 1000}
    kinds = ("message", "compaction", "advisor_message", "fallback_message", "tomorrow")
    usage = {"input_tokens": 5, "output_tokens": 6, "iterations": [{**each, "type": kind} for kind in kinds]}
    assert counted(usage) == Usage(5 + 2 * 1100, 6 + 2 * 10, 2 * 1000, 0)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        [],
        {},
        {"input_tokens": None, "output_tokens": "5"},
        {"input_tokens": -1, "output_tokens": True, "cache_read_input_tokens": 1.5},
        {"output_tokens_details": [], "iterations": {"type": "compaction"}},
        {"iterations": [None, {"type": "compaction"}], "input_tokens": MAX_COUNT + 1},
    ],
)
def test_what_is_not_said_or_said_wrongly_is_nothing(usage: Any) -> None:
    assert counted(usage) == Usage()


def test_a_sum_is_bounded_as_its_parts_are() -> None:
    most = {"input_tokens": MAX_COUNT, "cache_read_input_tokens": MAX_COUNT, "output_tokens": MAX_COUNT}
    assert counted({**most, "iterations": [{**most, "type": "compaction"}]}) == Usage(
        MAX_COUNT, MAX_COUNT, MAX_COUNT, 0
    )
