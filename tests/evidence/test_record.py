from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from penstock.evidence.record import Name, impersonal, timestamp

NAMES = TypeAdapter(Name)


@pytest.mark.parametrize(
    "name",
    [
        "acme",
        "gpt-4o-2024-08-06",
        "publishers/anthropic/models/claude-3-5-sonnet@20240620",
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.x",
        "cc-4711",
    ],
)
def test_names_that_people_give_to_things_are_names(name: str) -> None:
    assert NAMES.validate_python(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "jane.doe@example.com",
        "jane@mail.example.org",
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "card_4111111111111111",
        "378282246310005",
        "two words",
        "Umlaut-ü",
        "",
        "x" * 129,
    ],
)
def test_what_names_a_person_or_says_something_is_no_name(text: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        NAMES.validate_python(text)
    message = refusal.value.errors(include_input=False)[0]["msg"]
    assert not text or text not in message


@given(st.from_regex(r"[0-9]{13,19}", fullmatch=True), st.sampled_from(["", "-", ".", " "]))
def test_a_card_number_is_seen_however_it_is_grouped(digits: str, separator: str) -> None:
    for size in (1, 3, 4):
        grouped = separator.join(re.findall(f".{{1,{size}}}", digits))
        with pytest.raises(ValueError, match="card number"):
            impersonal(f"x{grouped}y")


@pytest.mark.parametrize(
    ("unix_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_338_900_123, "2026-11-22T09:15:00.123Z"),
        (1_795_338_899_999, "2026-11-22T09:14:59.999Z"),
    ],
)
def test_a_time_is_utc_to_the_millisecond(unix_ms: int, text: str) -> None:
    assert timestamp(unix_ms) == text
