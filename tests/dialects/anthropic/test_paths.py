"""The tables against Anthropic's own types: every text that its client can send or read is known to them."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import Message, MessageCountTokensParams, MessageTokensCount
from anthropic.types.beta import BetaMessage, BetaMessageTokensCount
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams as BetaCountParams
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming as BetaParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming

from penstock.dialects.anthropic import paths
from tests.dialects.type_samples import samples

# A word in place of the list, which `anthropic.shape` refuses: a provider would choose among its models.
DEFAULT_FALLBACKS = {"fallbacks"}


@pytest.mark.parametrize(
    ("kind", "matcher", "known_gaps"),
    [
        (MessageCreateParamsNonStreaming, paths.request_matcher, set()),
        (BetaParams, paths.request_matcher, DEFAULT_FALLBACKS),
        (MessageCountTokensParams, paths.request_matcher, set()),
        (BetaCountParams, paths.request_matcher, set()),
        (Message, paths.response_matcher, set()),
        (BetaMessage, paths.response_matcher, set()),
        (MessageTokensCount, paths.response_matcher, set()),
        (BetaMessageTokensCount, paths.response_matcher, set()),
    ],
)
def test_every_string_of_anthropics_types_is_listed(kind: Any, matcher: Any, known_gaps: set[str]) -> None:
    unlisted = {
        part.path
        for tree in samples(kind)
        for part in matcher().unseen(tree, matcher().classify(tree))
        if part.kind in {"unlisted", "key"}
    }
    assert unlisted == known_gaps


@pytest.mark.parametrize("pattern", sorted(paths.PATTERNS))
@pytest.mark.parametrize(
    "value", ["jane@example.com", "two words", "4111 1111 1111 1111", "a\n", "é", "x" * 129]
)
def test_what_says_nothing_has_no_room_for_a_sentence(pattern: str, value: str) -> None:
    assert not paths.PATTERNS[pattern].fullmatch(value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("token", "toolu_01A09q90qw90lq917835lq9"),
        ("token", "application/pdf"),
        ("model", "claude-sonnet-4-5-20250929"),
        ("model", "us.anthropic.claude-opus-4-6-v1:0"),
        ("time", "2026-11-22T21:13:24.739741+00:00"),
        ("place", "messages[1].content[0]"),
    ],
)
def test_what_providers_send_matches(pattern: str, value: str) -> None:
    assert paths.PATTERNS[pattern].fullmatch(value)


def test_a_path_stands_in_a_table_once() -> None:
    for table in (list(paths.request_table()), list(paths.response_table())):
        known = [path for path, _rule in table]
        assert sorted(known) == sorted(set(known))
