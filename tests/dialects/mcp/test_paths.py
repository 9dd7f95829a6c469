"""The tables of MCP: a path stands once, and what is taken out leaves a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from penstock.dialects.mcp import paths
from penstock.dialects.mcp.content import ClientMessage, ServerMessage
from tests.dialects.mcp import bodies


@pytest.mark.parametrize("table", [paths.request_table, paths.response_table])
def test_no_path_stands_twice(table: object) -> None:
    listed = [path for path, _ in table()]  # type: ignore[operator]  # one of two functions
    assert len(listed) == len(set(listed))


def test_what_a_message_cannot_go_on_without_is_not_taken_out() -> None:
    message = ServerMessage.decode(bodies.result(resultType="input_required", requestState="c2VhbA=="))
    with pytest.raises(ValueError, match="cannot go on"):
        message.without(message.unseen)


@pytest.mark.parametrize(
    "word",
    [
        *(
            "2.0",
            "tools/call",
            "2025-11-25",
            "DRAFT-2026-v1",
            "info",
            "input_required",
            "endTurn",
            "",
            "none",
        ),
        *(
            "text/plain",
            "text/html;profile=mcp-app",
            "audio/L16; rate=44100",
            "image/svg+xml",
            "ref/resource",
        ),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ],
)
def test_a_word_of_the_protocol_is_one(word: str) -> None:
    assert paths.PATTERNS["word"].fullmatch(word)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "4242424242424242",
            "2012345678",
            "4242-4242/4242",
            "text/4242424242424242",
            "+4915112345678",
            "NO9386011117947",
        ),
        *(
            "AKIA" + "IOSFODNN7QRSTUVW",
            "gh" + "p_aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56",
            "DE89370400440532013000",
        ),
        *("alice@corp.test", "two\nlines", "x" * 97, "größe"),
    ],
)
def test_a_value_that_a_guard_looks_for_is_no_word(value: str) -> None:
    assert not paths.PATTERNS["word"].fullmatch(value)


@pytest.mark.parametrize(
    "token", ["1", "1762430000123", "786512e2-9e0d-44bd-8f29-789f320fe840", "read_file", ""]
)
def test_ids_and_names_are_tokens(token: str) -> None:
    assert paths.PATTERNS["token"].fullmatch(token)


@pytest.mark.parametrize("token", ["4242424242424242", "4242-4242-4242-4242", "a b", "alice@corp.test"])
def test_a_long_number_is_no_token_even_as_a_string(token: str) -> None:
    assert not paths.PATTERNS["token"].fullmatch(token)


def test_what_a_server_calls_itself_is_a_text_of_its_answer() -> None:
    named = {"io.modelcontextprotocol/serverInfo": {"name": "a server"}}
    message = ServerMessage.decode(bodies.result(_meta=named))
    assert message.texts("response.mcp.result").texts == ("a server",)


PICTURE = {"type": "image", "data": "aGVsbG8=", "mimeType": "image/png"}
TEXT = {"type": "text", "text": "hi"}
TOOL_RESULT = {"type": "tool_result", "toolUseId": "t", "content": [PICTURE]}


def sampling(content: Any) -> bytes:
    return bodies.request("sampling/createMessage", "e1", messages=[{"role": "user", "content": content}])


@pytest.mark.parametrize(
    ("came", "left"),
    [
        (bodies.result(content=[PICTURE, TEXT]), bodies.result(content=[TEXT])),
        (bodies.result(content=[PICTURE]), bodies.result(content=[])),
        (sampling([PICTURE, TEXT]), sampling([TEXT])),
        (sampling([TOOL_RESULT, TEXT]), sampling([TEXT])),
    ],
)
def test_a_block_goes_whole(came: bytes, left: bytes) -> None:
    message = ServerMessage.decode(came)
    assert json.loads(message.without(message.unseen).encoded()) == json.loads(left)


@pytest.mark.parametrize(
    "came",
    [
        sampling(PICTURE),
        sampling([PICTURE]),
        bodies.result(messages=[{"role": "user", "content": PICTURE}]),
        bodies.result(contents=[{"uri": "x://a", "blob": "aGVsbG8="}]),
        bodies.result(inputRequests={"a": {"params": {"messages": [{"role": "user", "content": PICTURE}]}}}),
    ],
)
def test_what_would_leave_no_message_is_not_taken_out(came: bytes) -> None:
    message = ServerMessage.decode(came)
    assert message.unseen
    with pytest.raises(ValueError, match="cannot go on"):
        message.without(message.unseen)


@pytest.mark.parametrize(
    "came",
    [
        bodies.result("e1", role="assistant", model="m", content=PICTURE),
        bodies.result("e1", role="assistant", model="m", content=[PICTURE]),
        bodies.request("tools/call", name="a", inputResponses={"a": {"content": PICTURE}}),
    ],
)
def test_what_a_client_answers_is_not_left_without_its_picture(came: bytes) -> None:
    message = ClientMessage.decode(came)
    assert message.unseen
    with pytest.raises(ValueError, match="cannot go on"):
        message.without(message.unseen)
