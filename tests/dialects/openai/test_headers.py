"""Which headers of a caller go on to an upstream that speaks OpenAI's dialect."""

from __future__ import annotations

import pytest

from penstock.dialects.openai.headers import forwarded_headers


@pytest.mark.parametrize("value", ["assistants=v2", "assistants=v2, realtime=v1", "web_sockets=2026-02-04"])
def test_features_that_a_caller_asks_for_go_on(value: str) -> None:
    assert forwarded_headers({"openai-beta": value, "x-other": "v1"}) == {"openai-beta": value}


@pytest.mark.parametrize(
    "value", ["", "alice@example.com", "4242424242424242", "a=v4242424242424242", "a=v1\r\nx: y", "\u540d=v1"]
)
def test_no_words_of_a_caller_go_on_in_a_header(value: str) -> None:
    assert forwarded_headers({"openai-beta": value}) == {}
