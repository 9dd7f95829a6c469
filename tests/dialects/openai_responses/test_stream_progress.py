from __future__ import annotations

import pytest

from penstock.dialects.openai_responses.stream_progress import Progress
from penstock.errors import UpstreamError


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_an_answer_is_whole_with_the_event_that_holds_all_of_it(kind: str) -> None:
    progress = Progress()
    progress.read({"type": "response.created", "response": {"usage": None}})
    assert (progress.is_done, progress.usage) == (False, None)
    with pytest.raises(UpstreamError, match="before its answer"):
        progress.require_whole()
    progress.read({"type": f"response.{kind}", "response": {"usage": {"input_tokens": 3}}})
    progress.require_whole()
    assert (progress.is_done, progress.has_failed) == (True, kind == "failed")
    assert progress.usage is not None
    assert progress.usage.input_tokens == 3


@pytest.mark.parametrize("tree", [{"type": "error", "message": "x"}, {"error": {"message": "x"}}])
def test_an_upstream_that_fails_says_so_outside_of_an_answer_too(tree: dict[str, object]) -> None:
    progress = Progress()
    progress.read(tree)
    progress.require_whole()
    assert (progress.is_done, progress.has_failed) == (False, True)
