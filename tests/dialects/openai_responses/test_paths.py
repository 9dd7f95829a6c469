"""The tables against OpenAI's own types: every text that its client can send or read is known to them."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from penstock.dialects.openai_responses import paths
from tests.dialects.type_samples import samples


@pytest.mark.parametrize(
    ("kind", "matcher", "known_gaps"),
    [
        (ResponseCreateParamsNonStreaming, paths.request_matcher, set()),
        (Response, paths.response_matcher, set()),
    ],
)
def test_every_string_of_openais_types_is_listed(kind: Any, matcher: Any, known_gaps: set[str]) -> None:
    trees = samples(kind)
    assert len(trees) > 5
    unlisted = {
        part.path
        for tree in trees
        for part in matcher().unseen(tree, matcher().classify(tree))
        if part.kind in {"unlisted", "key"}
    }
    assert unlisted == known_gaps


def test_a_path_stands_in_a_table_once() -> None:
    for table in (list(paths.request_table()), list(paths.response_table())):
        known = [path for path, _rule in table]
        assert sorted(known) == sorted(set(known))
