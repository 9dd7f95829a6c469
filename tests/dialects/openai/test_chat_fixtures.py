"""What holds for every listed fixture: unedited bytes, fields as a slow oracle sees them, no string lost."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from pydantic import ValidationError

from penstock.dialects.json_content import JsonContent
from penstock.dialects.openai.chat import ChatRequest, ChatResponse
from penstock.sdk.fields import CHAT, FIELDS
from penstock.sdk.views import Texts
from tests.dialects.openai import oracle
from tests.fixtures.openai.catalogue import Fixture, fixtures

ALL = pytest.mark.parametrize("fixture", fixtures(), ids=str)
CANARY = "a canary, planted here"
REPEATS = ("logprobs", "prompt_logprobs")


def bodies(fixture: Fixture) -> list[tuple[str, bytes, JsonContent]]:
    return [
        ("request", fixture.request, ChatRequest.decode(fixture.request)),
        ("response", fixture.response, ChatResponse.decode(fixture.response)),
    ]


def content_fields(part: str) -> list[str]:
    return [
        f.name for f in FIELDS.values() if f.content and CHAT in f.paths and f.name.startswith(part + ".")
    ]


@ALL
def test_an_unedited_body_is_the_bytes_that_came(fixture: Fixture) -> None:
    for _part, body, content in bodies(fixture):
        assert content.present
        assert content.unseen is not None
        assert content.edited([]) is content
        assert content.encoded() is body


@ALL
def test_what_is_hidden_is_what_the_list_says(fixture: Fixture) -> None:
    hidden = [
        (part, unseen.kind, unseen.path)
        for part, _body, content in bodies(fixture)
        for unseen in content.unseen
    ]
    assert hidden == list(fixture.hidden)


@ALL
def test_an_edit_of_every_text_of_a_field_is_what_the_oracle_says(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        for field in content_fields(part):
            edit = Texts(field, content.texts(field).texts).map(lambda text: text + "·")
            before, expected = oracle.parse(body), oracle.parse(body)
            oracle.edit(expected, field, lambda text: text + "·")
            if part == "response":
                oracle.forget_repeats(before, expected)
            after = oracle.parse(content.edited([edit]).encoded())
            assert after == expected, field
            assert list(after) == list(expected)


@ALL
def test_a_field_is_present_when_the_oracle_finds_a_text_of_it(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        found = {field for field in content_fields(part) if any(oracle_texts(body, field))}
        assert content.present == found


@ALL
def test_texts_are_those_of_the_oracle(fixture: Fixture) -> None:
    for part, body, content in bodies(fixture):
        for field in content_fields(part):
            assert sorted(content.texts(field).texts) == sorted(oracle_texts(body, field))


def oracle_texts(body: bytes, field: str) -> list[str]:
    texts: list[str] = []

    def keep(text: str) -> str:
        texts.append(text)
        return text

    oracle.edit(oracle.parse(body), field, keep)
    return texts


@ALL
def test_no_text_can_be_planted_that_is_neither_in_a_field_nor_unseen(fixture: Fixture) -> None:
    for part, _body, content in bodies(fixture):
        for path in leaves(content.tree):
            tree = copy.deepcopy(content.tree)
            owner = at(tree, path[:-1])
            owner[path[-1]] = CANARY
            planted = type(content)(json.dumps(tree), tree)
            texts = [text for field in content_fields(part) for text in planted.texts(field).texts]
            is_unseen = any(unseen.at == path and unseen.kind != "key" for unseen in planted.unseen)
            is_repeat = any(step in REPEATS for step in path) and "response.text" in planted.present
            assert (CANARY in texts) + is_unseen + is_repeat == 1, path


@ALL
def test_what_is_unseen_can_be_dropped_or_the_body_says_that_it_cannot(fixture: Fixture) -> None:
    for _part, _body, content in bodies(fixture):
        assert content.without(content.unseen).unseen == ()


@ALL
def test_a_field_that_is_dropped_is_no_longer_present(fixture: Fixture) -> None:
    for _part, _body, content in bodies(fixture):
        for field in content.present:
            left = content.without_field(field)
            texts = [text for text in left.texts(field).texts if text not in {"", "{}"}]
            assert not texts, field
            assert left.present <= content.present - ({field} if field != "request.tool_calls" else set())


@ALL
def test_an_answer_that_was_edited_or_lost_parts_is_still_one_to_the_openai_client(fixture: Fixture) -> None:
    content = ChatResponse.decode(fixture.response)
    if not reads_as_completion(content):
        pytest.skip("what this upstream sends is no strict completion to begin with")
    for field in content.present:
        edit = Texts(field, content.texts(field).texts).map(str.upper)
        assert reads_as_completion(content.edited([edit]))
        assert reads_as_completion(content.without_field(field))
    assert reads_as_completion(content.without(content.unseen))
    assert reads_as_completion(content.replaced("x"))


def reads_as_completion(content: JsonContent) -> bool:
    try:
        ChatCompletion.model_validate_json(content.encoded())
    except ValidationError:
        return False
    return True


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
