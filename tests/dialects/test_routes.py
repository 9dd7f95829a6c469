from __future__ import annotations

import subprocess
import sys

import pytest

from penstock.dialects import DEFAULT, DIALECTS, ROUTES, dialect_for, spoken
from penstock.errors import RequestError


@pytest.mark.parametrize(
    ("method", "path", "operation", "parameters"),
    [
        ("POST", "/v1/chat/completions", "generate", {}),
        ("POST", "/v1/responses", "generate", {}),
        ("POST", "/v1/embeddings", "generate", {}),
        ("GET", "/v1/models", "list_models", {}),
        ("GET", "/v1/models/gpt-4o", "show_model", {"model": "gpt-4o"}),
        ("GET", "/v1/models/org/model:7b", "show_model", {"model": "org/model:7b"}),
        ("GET", "/v1/models/org%2Fmodel", "show_model", {"model": "org/model"}),
    ],
)
def test_a_path_finds_its_route(method: str, path: str, operation: str, parameters: dict[str, str]) -> None:
    route, found = dialect_for(method, path)
    assert (route.dialect.name, route.operation, found) == (DEFAULT.name, operation, parameters)


ANTHROPIC = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize("headers", [{}, ANTHROPIC])
@pytest.mark.parametrize(
    ("path", "upstream_path"),
    [("/v1/messages", "/messages"), ("/v1/messages/count_tokens", "/messages/count_tokens")],
)
def test_messages_and_their_counts_are_anthropics(
    path: str, upstream_path: str, headers: dict[str, str]
) -> None:
    route, _found = dialect_for("POST", path, headers)
    assert (route.dialect.name, route.operation, route.upstream_path) == (
        "anthropic",
        "generate",
        upstream_path,
    )


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/claude-opus-4-6"])
def test_models_are_listed_in_the_words_of_the_caller(path: str) -> None:
    assert dialect_for("GET", path, ANTHROPIC).route.dialect.name == "anthropic"
    assert dialect_for("GET", path, {"anthropic-beta": "x"}).route.dialect.name == "openai"
    assert dialect_for("POST", "/v1/chat/completions", ANTHROPIC).route.dialect.name == "openai"
    assert (spoken(ANTHROPIC).name, spoken({})) == ("anthropic", DEFAULT)


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_an_mcp_server_is_one_path_for_all_that_its_transport_does(method: str) -> None:
    route, found = dialect_for(method, "/mcp/files")
    assert (route.dialect.name, route.operation, found) == ("mcp", "mcp", {"server": "files"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/chat/completions"),
        ("POST", "/chat/completions"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "/v1/chat/completions\n"),
        ("GET", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/messages"),
        ("POST", "/v1/messages/batches"),
        ("POST", "/v1/complete"),
        ("DELETE", "/v1/models/gpt-4o"),
        ("GET", "/v1/models/"),
        ("GET", "/"),
    ],
)
def test_a_path_that_no_dialect_understands_is_refused(method: str, path: str) -> None:
    with pytest.raises(RequestError) as caught:
        dialect_for(method, path)
    assert (caught.value.code, caught.value.status) == ("unknown_route", 404)
    assert "POST /v1/chat/completions" in str(caught.value)


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/responses/resp_1"), ("DELETE", "/v1/responses/x")])
def test_stored_responses_are_refused_in_words_of_their_own(method: str, path: str) -> None:
    with pytest.raises(RequestError, match="stored at a provider are not read"):
        dialect_for(method, path)


def test_every_route_belongs_to_a_dialect_that_is_listed() -> None:
    assert {route.dialect.name for route in ROUTES} == {dialect.name for dialect in DIALECTS}


STREAMS = """
import sys
from penstock.dialects import ROUTES, import_streams

def streaming():
    return {name for name in sys.modules if name.startswith("penstock.dialects") and "stream" in name}

assert not streaming(), streaming()
import_streams()
before = set(sys.modules)
for route in ROUTES:
    if route.operation == "generate" and not route.template.endswith("embeddings"):
        route.dialect.streaming()
        route.dialect.collecting()
assert set(sys.modules) == before, set(sys.modules) - before
"""


def test_what_speaks_streams_is_imported_when_one_is_streamed_or_all_at_once() -> None:
    done = subprocess.run([sys.executable, "-c", STREAMS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
