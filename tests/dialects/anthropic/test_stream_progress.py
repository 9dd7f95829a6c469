from __future__ import annotations

from typing import Any

import pytest

from penstock.dialects.anthropic.stream_progress import Progress
from penstock.errors import UpstreamError
from penstock.evidence.record import Usage


def read(*kinds: str) -> Progress:
    progress = Progress()
    for kind in kinds:
        progress.read({"type": kind})
    return progress


@pytest.mark.parametrize(
    ("kinds", "has_ended", "is_done"),
    [
        ((), False, False),
        (("message_start", "content_block_start", "ping"), False, False),
        (("message_start", "message_delta"), True, False),
        (("message_delta", "ping", "tomorrow"), True, False),
        (("message_delta", "content_block_start"), False, False),
        (("message_start", "message_stop"), True, True),
        (("message_delta", "message_stop", "ping"), True, True),
    ],
)
def test_an_answer_has_ended_with_the_reason_why_and_is_whole_with_its_stop(
    kinds: tuple[str, ...], has_ended: bool, is_done: bool
) -> None:
    progress = read(*kinds)
    assert (progress.has_ended, progress.is_done) == (has_ended, is_done)
    if is_done:
        progress.require_whole()
        return
    with pytest.raises(UpstreamError) as caught:
        progress.require_whole()
    assert caught.value.outcome == "cut"


@pytest.mark.parametrize(
    "failure", [{"type": "error", "error": {"message": "x"}}, {"error": "x"}, {"type": "error"}]
)
def test_an_upstream_that_says_that_it_failed_was_not_cut(failure: Any) -> None:
    progress = read("message_start")
    progress.read(failure)
    progress.require_whole()
    assert progress.has_failed


def test_only_what_is_said_of_the_answer_before_its_end_is_saying() -> None:
    progress = Progress()
    kinds = ("message_start", "content_block_start", "content_block_delta", "content_block_stop")
    assert all(progress.read({"type": kind}) for kind in kinds)
    assert not any(
        progress.read({"type": kind}) for kind in ("ping", "message_delta", "error", "message_stop")
    )


def test_a_count_that_is_not_said_again_stays() -> None:
    progress = Progress()
    assert progress.usage is None
    progress.read(
        {"message": {"usage": {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 1}}}
    )
    progress.read({"usage": {"output_tokens": 5, "input_tokens": None, "cache_read_input_tokens": 4}})
    assert progress.usage == Usage(13, 5, 4, 0)


@pytest.mark.parametrize(
    "tree", [{}, {"type": None}, {"type": ["x"]}, {"message": 1, "usage": [], "type": "x"}]
)
def test_what_is_of_another_shape_says_nothing(tree: Any) -> None:
    progress = Progress()
    assert not progress.read(tree)
    assert (progress.usage, progress.has_failed) == (None, False)
