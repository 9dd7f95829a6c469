from __future__ import annotations

import typing

import pytest
from anthropic.types import AnthropicBetaParam

from penstock.dialects.anthropic.headers import VERSION, forwarded_headers


def listed(kind: object) -> list[str]:
    inside = [value for each in typing.get_args(kind) for value in (typing.get_args(each) or [each])]
    return [value for value in inside if isinstance(value, str)]


FEATURES = [*listed(AnthropicBetaParam), "claude-code-20250219", "oauth-2025-04-20"]


def test_a_version_is_always_sent() -> None:
    assert forwarded_headers({}) == {"anthropic-version": VERSION}
    assert forwarded_headers({"anthropic-version": "2027-01-01"}) == {"anthropic-version": "2027-01-01"}
    for odd in ("latest", "2023-06-01 and jane", "", "2023-06-01\n"):
        assert forwarded_headers({"anthropic-version": odd}) == {"anthropic-version": VERSION}


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_that_the_client_knows_passes(feature: str) -> None:
    assert forwarded_headers({"anthropic-beta": feature})["anthropic-beta"] == feature


def test_several_features_pass_and_what_is_none_is_left_out() -> None:
    given = "context-1m-2025-08-07, jane.doe@example.com,,mcp-client-2025-11-20 ,A-2025-01-01"
    expected = "context-1m-2025-08-07,mcp-client-2025-11-20"
    assert forwarded_headers({"anthropic-beta": given})["anthropic-beta"] == expected
    many = ",".join(f"{letter}-2025-01-01" for letter in "abcdefghijklmnopqrstuvwxyz")
    assert forwarded_headers({"anthropic-beta": many})["anthropic-beta"].count(",") == 15


@pytest.mark.parametrize(
    "value",
    [
        "4111-1111-1111-1111-2025-01-01",
        "card-4111-1111-1111-2025-01-01",
        "card-4111111111111111-2025-01-01",
        "four words are too many for one name here-2025-01-01",
        "a-b-c-d-e-f-g-h-2025-01-01",
        "no-date",
        "x-2025-01-01\r\nx-evil: 1",
    ],
)
def test_what_could_say_something_does_not_pass(value: str) -> None:
    assert "anthropic-beta" not in forwarded_headers({"anthropic-beta": value})


def test_no_header_passes_that_chooses_among_what_is_the_operators() -> None:
    sent = {"anthropic-workspace-id": "w", "anthropic-user-profile-id": "u", "x-api-key": "k"}
    assert set(forwarded_headers(sent)) == {"anthropic-version"}
