"""Where a path is at a provider."""

from __future__ import annotations

import pytest

from penstock.upstream.target import Target


@pytest.mark.parametrize("base_url", ["https://api.example/v1", "https://api.example/v1/"])
def test_a_slash_at_the_end_of_the_base_url_makes_no_difference(base_url: str) -> None:
    assert Target("p", base_url).url("/chat/completions") == "https://api.example/v1/chat/completions"
