"""The page on OpenAI's responses says what is: its stanzas are read, its fields and its refusals exist."""

from __future__ import annotations

import re
import tomllib

import pytest

from penstock.configuration.references import check_references
from penstock.dialects import dialect_for
from penstock.dialects.openai_responses.responses import ResponsesRequest
from penstock.errors import RequestError
from penstock.sdk.fields import FIELDS
from tests import tree
from tests.configuration import files

PAGE = (tree.ROOT / "docs" / "openai-responses.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)


def test_the_stanzas_of_the_page_are_read() -> None:
    providers, policy = (text for kind, text in BLOCKS if kind == "toml")
    source = files.source(providers)
    check_references(source)
    assert [provider.auth for provider in source.file.provider] == ["bearer", "api-key", "bearer"]
    assert tomllib.loads(policy) == {"uninspected": {"opaque": "allow"}}


def test_every_field_of_the_page_is_one() -> None:
    named = set(re.findall(r"\| `((?:request|response)\.[a-z_.]+)` \|\n", PAGE))
    assert named
    assert named <= FIELDS.keys()


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /v1/responses/resp_1", 404),
        ("DELETE /v1/responses/resp_1", 404),
        ("POST /v1/responses/resp_1/cancel", 404),
        ("GET /v1/responses/resp_1/input_items", 404),
        ("POST /v1/conversations", 404),
        ("POST /v1/responses/compact", 404),
        ("POST /v1/responses/input_tokens", 404),
    ],
)
def test_what_the_page_says_is_no_route_is_none(request_line: str, status: int) -> None:
    method, path = request_line.split()
    with pytest.raises(RequestError) as caught:
        dialect_for(method, path)
    assert caught.value.status == status


def test_answers_in_the_background_are_refused() -> None:
    with pytest.raises(RequestError, match="background are not served"):
        ResponsesRequest.decode(b'{"model": "gpt", "input": "hi", "background": true}')
