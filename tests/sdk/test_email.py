from __future__ import annotations

from typing import Any

import pytest

from penstock.sdk.email import MAX_BODY_BYTES, MAX_RECIPIENTS, MAX_SUBJECT_CHARS, checked_message, may_receive

TO = ["soc@acme.example"]


def test_a_message_within_the_bounds_is_as_it_was_given_with_each_recipient_once() -> None:
    message = checked_message([*TO, *TO], "Über alles", "text", "<p>text</p>")
    assert message == (("soc@acme.example",), "Über alles", "text", "<p>text</p>")


@pytest.mark.parametrize(
    "to",
    [
        [],
        "soc@acme.example",
        ["soc"],
        ["soc@acme.example, other@evil.example"],
        ["soc@acme.example\r\nBcc: other@evil.example"],
        ["soc@acme.example\n"],
        ["Soc <soc@acme.example>"],
        ['"a b"@acme.example'],
        ["sóc@acme.example"],
        [None],
        ["a@b.example"] * (MAX_RECIPIENTS + 1),
    ],
)
def test_recipients_that_are_more_than_plain_addresses_are_refused(to: Any) -> None:
    with pytest.raises(ValueError, match="recipient"):
        checked_message(to, "subject", "text")


@pytest.mark.parametrize(
    "subject", ["", "a\nb", "a\r\nBcc: x@y", "a\x00", "a\u2028b", "x" * (MAX_SUBJECT_CHARS + 1)]
)
def test_a_subject_that_is_no_single_line_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="subject"):
        checked_message(TO, subject, "text")


def test_text_and_markup_have_their_bound_together() -> None:
    half = "x" * (MAX_BODY_BYTES // 2)
    checked_message(TO, "s", half, half)
    with pytest.raises(ValueError, match="bytes"):
        checked_message(TO, "s", half, half + "x")


@pytest.mark.parametrize(
    ("address", "pattern", "may"),
    [
        ("soc@acme.example", "soc@acme.example", True),
        ("soc@ACME.example", "soc@acme.example", True),
        ("soc@acme.example", "*@acme.example", True),
        ("team-a@acme.example", "team-*@acme.example", True),
        ("Soc@acme.example", "soc@acme.example", False),
        ("soc@evil.example", "*@acme.example", False),
        ("soc@sub.acme.example", "*@acme.example", False),
        ("a@evil.example@acme.example", "*@evil.example", False),
        ("soc@acme.example", "*@*", False),
        ("soc@acme.example", "*", False),
        ("soc@acme.example", "", False),
    ],
)
def test_a_grant_names_recipients_exactly_or_by_a_star_before_the_at(
    address: str, pattern: str, may: bool
) -> None:
    assert may_receive(address, [pattern]) is may
