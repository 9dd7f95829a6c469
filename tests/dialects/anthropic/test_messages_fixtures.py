"""What holds for every listed fixture: unedited bytes, fields as a slow oracle sees them, no string lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from anthropic.types import Message
from anthropic.types.beta import BetaMessage
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming
from pydantic import BaseModel, TypeAdapter, ValidationError

from penstock.dialects.anthropic.messages import MessagesRequest, MessagesResponse
from penstock.dialects.json_content import JsonContent
from penstock.sdk.anthropic_paths import PATHS
from penstock.sdk.views import Texts
from tests.dialects.anthropic import oracle
from tests.fixtures.anthropic.catalogue import fixtures
from tests.fixtures.openai.catalogue import Fixture

ALL = pytest.mark.parametrize("fixture", fixtures(), ids=str)
CANARY = "a canary, planted here"
EMPTY = ("", "{}")


def bodies(fixture: Fixture) -> list[tuple[str, bytes, JsonContent]]:
    return [
        ("request", fixture.request, MessagesRequest.decode(fixture.request)),
        ("response", fixture.response, MessagesResponse.decode(fixture.response)),
    ]


def fields_of(part: str) -> list[str]:
    return [name for name in PATHS if name.startswith(part + ".")]


def marked(text: str) -> str:
    return text + "·"


@ALL
def test_an_unedited_body_is_the_bytes_that_came(fixture: Fixture) -> None:
    for _part, body, content in bodies(fixture):
        assert content.present is not None
        assert content.unseen is not None
        assert content.edited([]) is content
        assert content.encoded() is body


@ALL
def test_what_is_hidden_is_what_the_list_says(fixture: Fixture) -> None:
    hidden = [
        (part, each.kind, each.path) for part, _body, content in bodies(fixture) for each in content.unseen
    ]
    assert hidden == list(fixture.hidden)


@ALL
def test_an_edit_of_every_text_of_a_field_is_what_the_oracle_says(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        for field in fields_of(part):
            before, expected = oracle.parse(body), oracle.parse(body)
            oracle.edit(expected, field, marked)
            oracle.drop_forged(before, expected)
            edited = content.edited([Texts(field, content.texts(field).texts).map(marked)])
            after = oracle.parse(edited.encoded())
            assert after == expected, field
            assert list(after) == list(expected)


@ALL
def test_an_edit_of_one_text_changes_that_string_alone(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        for field in fields_of(part):
            texts = Texts(field, content.texts(field).texts)
            for index, text in enumerate(texts):
                edited = content.edited([texts.set(index, "A new one.")])
                if len(edited.texts(field).texts) < len(texts):
                    continue  # it was sealed
                pairs = zip(strings(body), strings(edited.encoded()), strict=True)
                assert [pair for pair in pairs if pair[0] != pair[1]] == [(text, "A new one.")]


@ALL
def test_texts_are_those_of_the_oracle(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        for field in fields_of(part):
            found: list[str] = []
            oracle.edit(oracle.parse(body), field, lambda text, kept=found: kept.append(text) or text)  # type: ignore[misc]  # append gives None
            assert sorted(content.texts(field).texts) == sorted(found)
            assert (field in content.present) == any(found)


@ALL
def test_no_text_can_be_planted_that_is_neither_in_a_field_nor_unseen(fixture: Fixture) -> None:
    for part, _body, content in bodies(fixture):
        for path in leaves(content.tree):
            tree = copy.deepcopy(content.tree)
            at(tree, path[:-1])[path[-1]] = CANARY
            planted = type(content)(json.dumps(tree), tree)
            texts = [text for field in fields_of(part) for text in planted.texts(field).texts]
            is_unseen = any(unseen.at == path and unseen.kind != "key" for unseen in planted.unseen)
            assert (CANARY in texts) + is_unseen == 1, path


@ALL
def test_what_is_unseen_can_be_dropped(fixture: Fixture) -> None:
    for _part, _body, content in bodies(fixture):
        left = content.without(content.unseen)
        assert left.unseen == ()
        assert left.edited([]).encoded() == left.encoded()
        assert_the_api_would_take(left, content)


@ALL
def test_a_field_that_is_dropped_is_no_longer_present(fixture: Fixture) -> None:
    for _part, _body, content in bodies(fixture):
        for field in content.present:
            left = without_field(content, field)
            if left is None:
                continue
            assert not [text for text in left.texts(field).texts if text not in EMPTY], field
            assert left.present <= content.present - {field}
            assert_the_api_would_take(left, content)


@ALL
def test_an_answer_that_was_edited_or_lost_parts_is_still_one_to_the_client(fixture: Fixture) -> None:
    content = MessagesResponse.decode(fixture.response)
    kinds = [kind for kind in (Message, BetaMessage) if reads_as(kind, content)]
    if not kinds:
        assert fixture.name in {"count", "error", "unknown_everywhere"}
    for kind in kinds:
        for field in content.present:
            edit = Texts(field, content.texts(field).texts).map(str.upper)
            assert reads_as(kind, content.edited([edit])), field
            assert reads_as(kind, content.without_field(field)), field
        assert reads_as(kind, content.without(content.unseen))
        assert reads_as(kind, content.replaced("x"))


# Bodies that are none to the client's types to begin with.
NO_REQUESTS = ("count", "unknown_everywhere")


@pytest.mark.parametrize("fixture", [each for each in fixtures() if each.name not in NO_REQUESTS], ids=str)
def test_a_request_that_was_edited_or_lost_parts_is_still_one_to_the_client(fixture: Fixture) -> None:
    content = MessagesRequest.decode(fixture.request)
    validate_request(content)
    validate_request(content.without(content.unseen))
    for field in content.present:
        edit = Texts(field, content.texts(field).texts).map(lambda text: text)
        validate_request(content.edited([edit]))
        left = without_field(content, field)
        if left is not None:
            validate_request(left)


@cache
def request_type() -> TypeAdapter[Any]:
    return TypeAdapter(MessageCreateParamsNonStreaming)


def validate_request(content: JsonContent) -> None:
    """The types in lists are checked when the lists are gone through: the validator must live that long."""
    exhaust(request_type().validate_python(json.loads(content.encoded())))


def exhaust(value: Any) -> None:
    if isinstance(value, dict):
        value = value.values()
    if not isinstance(value, str) and hasattr(value, "__iter__"):
        for each in value:
            exhaust(each)


def without_field(content: JsonContent, field: str) -> JsonContent | None:
    """None when the body is nothing without it: a request whose every message is the user's."""
    try:
        return content.without_field(field)
    except ValueError:
        tree = content.tree
        assert field == "request.messages.user"
        assert {message["role"] for message in tree["messages"]} <= {"user", "system", "critic"}
        return None


def assert_the_api_would_take(left: JsonContent, content: JsonContent) -> None:
    """Every result has its use and every use its result; no message has become empty."""
    tree = left.tree
    is_request = "messages" in tree
    messages = tree["messages"] if is_request else [tree]
    blocks = [
        block for message in messages for block in message.get("content") or () if isinstance(block, dict)
    ]
    results = {block["tool_use_id"] for block in blocks if "tool_use_id" in block}
    uses = {block["id"] for block in blocks if block["type"].endswith("tool_use")}
    assert results <= uses
    if is_request:  # in an answer the use of a caller's own tool has no result yet
        assert uses <= results
        assert empty(messages) <= empty(content.tree["messages"])


def empty(messages: list[Any]) -> int:
    return sum(not message["content"] for message in messages)


def reads_as(kind: type[BaseModel], content: JsonContent) -> bool:
    try:
        kind.model_validate_json(content.encoded())
    except ValidationError:
        return False
    return True


def strings(body: bytes) -> list[str]:
    tree = json.loads(body, parse_int=str, parse_float=str)
    return [at(tree, path) for path in leaves(tree)]


def leaves(tree: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(tree, str):
        yield above
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in pairs:
        yield from leaves(value, (*above, step))


def at(tree: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def test_every_fixture_of_the_list_has_its_own_name_and_says_what_it_proves() -> None:
    assert len({fixture.name for fixture in fixtures()}) == len(fixtures())
    assert all(fixture.proves.endswith(".") for fixture in fixtures())
