"""Errors in the words of the dialect that is spoken; headers that are no sentences; bytes."""

from __future__ import annotations

import json

import pytest

from penstock.dialects.opened.dialect import OpenedDialect, media_type
from penstock.dialects.routes import DIALECTS
from penstock.errors import RequestError, UpstreamError

OPENAI, ANTHROPIC = (OpenedDialect(dialect) for dialect in DIALECTS[:2])


def test_errors_are_in_the_words_of_the_dialect_that_is_spoken() -> None:
    why = RequestError("No.", code="route_not_allowed", status=403)
    assert json.loads(OPENAI.render(why, "r1").body)["error"]["code"] == "route_not_allowed"
    assert json.loads(ANTHROPIC.render(why, "r1").body)["type"] == "error"
    assert b"error" in OPENAI.streaming().error(why, "r1")


def test_what_the_body_is_goes_on_and_credentials_do_not() -> None:
    kind = 'multipart/form-data; boundary="a b=c"'
    sent = {
        "content-type": kind,
        "accept": "*/*",
        "authorization": "Bearer pk_x",
        "x-api-key": "pk_x",
        "cookie": "a=b",
        "host": "gateway",
        "openai-organization": "org-1",
        "openai-beta": "assistants=v2",
        "x-http-method-override": "DELETE",
    }
    assert OPENAI.forwarded_headers(sent) == {
        "content-type": kind,
        "accept": "*/*",
        "openai-beta": "assistants=v2",
    }


@pytest.mark.parametrize(
    "said", ["", "text", "text/plain; a", "text/plain\r\nx: y", "a b/c", "x/y; a=" + "b" * 71]
)
def test_what_is_no_media_type_does_not_go_on(said: str) -> None:
    assert media_type({"content-type": said}) is None
    assert OPENAI.forwarded_headers({"content-type": said, "accept": "a sentence"}) == {}


@pytest.mark.parametrize(
    "said", ["audio/mpeg", "text/event-stream; charset=utf-8", "multipart/form-data; boundary=x"]
)
def test_a_media_type_goes_on(said: str) -> None:
    assert media_type({"content-type": said}) == said


def test_a_plugin_cannot_answer_in_the_upstreams_place() -> None:
    with pytest.raises(UpstreamError, match="what an answer looks like"):
        OPENAI.answer("hello", None, "r1", 0)


def test_nothing_that_reads_a_body_is_there() -> None:
    for ask in (OPENAI.collecting, OPENAI.as_stream):
        with pytest.raises(TypeError):
            ask()
