from __future__ import annotations

import pytest

from plugins.pii_redactor.emails import MAX_WIDTH, find_emails


def emails(text: str, *allowed: str) -> list[str]:
    return [text[start:end] for start, end in find_emails(text, frozenset(allowed))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a@b.co", "a@b.co"),
        ("a@b.com-based", "a@b.com"),
        ("a@b.com.", "a@b.com"),
        ("a@b.com..", "a@b.com"),
        ("a@b..com", None),
        ("a@-b.com", None),
        ("a@b.c", None),
        ("a@b.123", None),
        ("a@1.2.3.4", None),
        ("a@163.com", "a@163.com"),
        ("@b.com", None),
        ("...@b.com", None),
        ("o'neil@b.com", "o'neil@b.com"),
        ("a@b.com@c.org", "a@b.com"),
        ("a@" + "b" * 63 + ".com", "a@" + "b" * 63 + ".com"),
        ("a@" + "b" * 64 + ".com", None),
    ],
)
def test_an_address_begins_and_ends_where_it_should(text: str, found: str | None) -> None:
    assert emails(text)[:1] == ([found] if found else [])


def test_a_local_part_of_more_than_64_characters_loses_its_tail() -> None:
    assert emails("x" * 70 + "@b.com") == ["x" * 64 + "@b.com"]


@pytest.mark.parametrize(
    "text", ["a (at) b (dot) c (dot) com", "a[at]b[dot]c.com", "a {at} b.c {dot} com", "a%40b.c.com"]
)
def test_spelt_out_signs_count(text: str) -> None:
    assert emails(text) == [text]


def test_allowed_domains_stay_and_no_others() -> None:
    text = "a@x.com b@y.com c@X.com d@sub.x.com e (at) x (dot) com"
    assert emails(text, "x.com") == ["b@y.com", "d@sub.x.com"]


def test_an_address_is_no_wider_than_it_says() -> None:
    domain = ".".join(["b" * 63] * 3 + ["c" * 57 + ".com"])
    widest = f"{'a' * 64} (at) {domain}"
    assert max(map(len, emails(widest))) <= MAX_WIDTH
