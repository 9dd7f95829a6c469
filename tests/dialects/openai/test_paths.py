"""The tables against OpenAI's own types: every text that its client can send or read is known to them."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming

from penstock.dialects.openai import paths
from tests.dialects.type_samples import samples

# Texts that no field carries, so that a guard refuses them: a provider's own sentence about a failed
# moderation.
RESPONSE_GAPS = {"moderation.input.message", "moderation.output.message"}


@pytest.mark.parametrize(
    ("kind", "matcher", "known_gaps"),
    [
        (CompletionCreateParamsNonStreaming, paths.request_matcher, set()),
        (ChatCompletion, paths.response_matcher, RESPONSE_GAPS),
    ],
)
def test_every_string_of_openais_types_is_listed(kind: Any, matcher: Any, known_gaps: set[str]) -> None:
    trees = samples(kind)
    assert len(trees) > 1
    unlisted = {
        part.path
        for tree in trees
        for part in matcher().unseen(tree, matcher().classify(tree))
        if part.kind in {"unlisted", "key"}
    }
    assert unlisted == known_gaps


@pytest.mark.parametrize(
    "value", ["jane@example.com", "two words", "4111 1111 1111 1111", "a\n", "é", "x" * 129, "a,b"]
)
def test_a_token_has_no_room_for_a_sentence(value: str) -> None:
    assert not paths.PATTERNS["token"].fullmatch(value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("token", "chatcmpl-9Q"),
        ("token", "functions.get_weather:0"),
        ("token", ""),
        ("label", "Google AI Studio"),
        ("model", "ft:gpt-4o:acme::id"),
        ("model", "@cf/meta/llama-3.1-8b"),
        ("model", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.meta.llama3"),
    ],
)
def test_what_providers_send_matches(pattern: str, value: str) -> None:
    assert paths.PATTERNS[pattern].fullmatch(value)


def test_a_path_stands_in_a_table_once() -> None:
    for table in (list(paths.request_table()), list(paths.response_table())):
        known = [path for path, _rule in table]
        assert sorted(known) == sorted(set(known))
