"""Opened paths: exact matches, and no other spelling of a path that a dialect understands."""

from __future__ import annotations

import pytest

from penstock.dialects.opened.route import ending, match, meet, shadowed, spans
from penstock.dialects.routes import ROUTES, dialect_for, opened_route
from penstock.errors import RequestError

AUDIO = opened_route("audio", "POST", "/v1/audio/transcriptions", "openai", "openai", 1000)
FILE = opened_route("file", "GET", "/v1/files/{file}/content", "openai", "openai", 1000)


def test_an_opened_path_leads_to_its_provider_below_the_base_url() -> None:
    found = dialect_for("POST", "/v1/audio/transcriptions", {}, [AUDIO]).route
    assert (found.operation, found.upstream_path) == ("opened", "/audio/transcriptions")
    assert found.dialect.name == "openai"


def test_a_path_that_a_dialect_understands_is_its_own_whatever_is_opened() -> None:
    opened = opened_route("chat", "POST", "/v1/chat/completions", "openai", "openai", 1000)
    assert dialect_for("POST", "/v1/chat/completions", {}, [opened]).route.operation == "generate"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/audio/transcriptions"),
        ("POST", "/v1/audio/transcriptions/"),
        ("POST", "/v1//audio/transcriptions"),
        ("POST", "/v1/Audio/transcriptions"),
        ("POST", "/v1/audio/%74ranscriptions"),
        ("POST", "/v1/audio/transcriptions\n"),
        ("POST", "/v1/audio/../audio/transcriptions"),
        ("GET", "/v1/files/../content"),
        ("GET", "/v1/files/./content"),
        ("GET", "/v1/files/a%2Fb/content"),
        ("GET", "/v1/files/a/b/content"),
        ("GET", "/v1/files/a;b/content"),
        ("GET", f"/v1/files/{'a' * 129}/content"),
        ("GET", "/v1/files//content"),
    ],
)
def test_other_spellings_are_refused(method: str, path: str) -> None:
    with pytest.raises(RequestError) as refused:
        dialect_for(method, path, {}, [AUDIO, FILE])
    assert refused.value.code == "unknown_route"


def test_a_part_that_varies_is_one_plain_word() -> None:
    assert match([AUDIO, FILE], "GET", "/v1/files/file-a.b_C9/content") is not None


@pytest.mark.parametrize(
    "template",
    [
        "/v1/chat/completions",
        "/v1/chat/completions/",
        "/v1//chat/completions",
        "/v1/Chat/COMPLETIONS",
        "/v1/{any}/completions",
        "/v1/chat/{any}",
        "/v1/{any}",
        "/v1/{any}/{other}",
        "/v1/responses",
        "/v1/messages/count_tokens",
        "/v1/messages/{id}",
        "/v1/models/gpt-5",
        "/v1/models/a/b/c",
        "/mcp/github",
    ],
)
def test_a_template_that_could_be_a_dialects_path_is_found(template: str) -> None:
    assert shadowed(template, ROUTES) is not None


@pytest.mark.parametrize(
    "template",
    [
        "/v1/audio/transcriptions",
        "/v1/moderations",
        "/v1/images/generations",
        "/v1/files",
        "/v1/files/{file}",
        "/v1/threads/{thread}/messages",
        "/v1/messages/batches/{id}/results",
    ],
)
def test_a_template_of_its_own_is_none_of_theirs(template: str) -> None:
    assert shadowed(template, ROUTES) is None


def test_two_templates_meet_where_one_path_could_be_of_both() -> None:
    assert meet("/v1/files/{file}", "/v1/files/mine")
    assert not meet("/v1/files/{file}", "/v1/files")


@pytest.mark.parametrize(
    ("base", "path", "found"),
    [
        ("/v1/chat", "/completions", "/chat/completions"),
        ("/v1/Chat/", "/completions", "/chat/completions"),
        ("/v1/chat", "/{any}", "/chat/completions"),
        ("/v1", "/completions", None),
        ("/v1", "/threads/{thread}/messages", None),
    ],
)
def test_a_base_url_cannot_begin_what_an_opened_path_ends(base: str, path: str, found: str | None) -> None:
    assert spans(base, path, ROUTES) == found


@pytest.mark.parametrize(
    ("template", "door"),
    [
        ("/v1/x/{y}/chat/completions", "/v1/chat/completions"),
        ("/v1/openai/deployments/{name}/Chat/completions", "/v1/chat/completions"),
        ("/v1/x/chat/{y}", "/v1/chat/completions"),
        ("/v1/x/{y}/{z}", "/v1/chat/completions"),
        ("/v1/x/{y}/completions", "/v1/chat/completions"),
        ("/v1/x/responses", "/v1/responses"),
        ("/v1/x/{y}", "/v1/responses"),
        ("/v1/x/embeddings", "/v1/embeddings"),
        ("/v1/threads/{thread}/messages", "/v1/messages"),
        ("/v1/anthropic/v1/messages/count_tokens", "/v1/messages/count_tokens"),
        ("/v1/x/mcp", "/mcp/{server}"),
        ("/v1/x/mcp/github", "/mcp/{server}"),
    ],
)
def test_a_template_that_ends_like_a_door_or_can_is_found(template: str, door: str) -> None:
    assert ending(template, "POST", ROUTES) == door
    assert shadowed(template, ROUTES) is None, "it is not this rule that would have refused it"


@pytest.mark.parametrize(
    "template",
    [
        "/v1/audio/transcriptions",
        "/v1/batches/{batch}/cancel",
        "/v1/completions",
        "/v1/x/chat/completions/{id}/cancel",
        "/v1/x/mychat/completions",
    ],
)
def test_a_template_that_ends_otherwise_is_no_door(template: str) -> None:
    assert ending(template, "POST", ROUTES) is None


def test_what_lists_or_deletes_takes_no_conversation() -> None:
    assert ending("/v1/files/{file}", "GET", ROUTES) is None
    assert ending("/v1/x/mcp", "DELETE", ROUTES) is None
