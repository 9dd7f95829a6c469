"""The tables against OpenAI's own types: every text that its client can send or read is known to them."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union

import pytest
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import BaseModel
from typing_extensions import is_typeddict

from penstock.dialects.openai import paths

# Texts that no field carries, so that a guard refuses them: a provider's own sentence about a failed
# moderation.
RESPONSE_GAPS = {"moderation.input.message", "moderation.output.message"}


def samples(kind: Any) -> Any:
    """Values of a type that together take every branch of it once."""
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin in {Union, types.UnionType}:
        return [value for branch in inside for value in samples(branch)]
    if origin is Literal:
        return list(inside[:1])
    if is_typeddict(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return objects(kind)
    if origin is dict or kind is dict:
        return [{"hate": value} for value in (samples(inside[1]) if inside else ["x"])]
    if inside and origin not in {None, type}:  # a list, an iterable, Required, Annotated
        values = samples(inside[0])
        return [values] if is_many(origin) else values
    return {str: ["x"], int: [1], float: [0.5], bool: [True], type(None): [None], object: [{}]}[kind]


def is_many(origin: Any) -> bool:
    return isinstance(origin, type) and hasattr(origin, "__iter__")


def objects(kind: Any) -> list[Any]:
    """Objects with every member, which between them take every value of every member."""
    columns = {name: samples(of) for name, of in members(kind)}
    rows = max(map(len, columns.values()), default=1)
    return [
        {name: values[min(row, len(values) - 1)] for name, values in columns.items()} for row in range(rows)
    ]


def members(kind: Any) -> Iterator[tuple[str, Any]]:
    if is_typeddict(kind):
        yield from typing.get_type_hints(kind).items()
    else:
        yield from ((field.alias or name, field.annotation) for name, field in kind.model_fields.items())


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
