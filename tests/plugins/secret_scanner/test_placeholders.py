from __future__ import annotations

from base64 import b64encode, urlsafe_b64encode

import pytest

from plugins.secret_scanner.placeholders import is_basic, is_mixed, is_placeholder, is_random, is_varied
from tests.plugins.secret_scanner.corpus import A200, AWS_SECRET, HEX40


@pytest.mark.parametrize(
    "value",
    [
        *("password", "PASSWORD", "${X}", "$DB_PASS", "{pw}", "<pw>", "[redacted]", "%(pw)s", "%PW%"),
        *("****", "xx", "your-password", "my_api_key", "YOUR_DB_PASSWORD_HERE"),
    ],
)
def test_what_documentation_writes_is_no_password(value: str) -> None:
    assert is_placeholder(value)


@pytest.mark.parametrize("value", ["hunter2", "$ecret1", "passw0rd", "myhorse", "abc", "100%sure"])
def test_what_people_choose_is_one(value: str) -> None:
    assert not is_placeholder(value)


def test_a_few_signs_again_and_again_are_no_token() -> None:
    assert not is_varied("ghp_" + "x" * 36)
    assert not is_varied("AKIA" + "X" * 16)
    assert is_varied("AKIA" + "QWERTZUIOP234567")


def test_what_is_told_of_a_long_value_is_told_by_its_first_characters() -> None:
    """A stream has let go of the rest by then, or not seen it yet."""
    for tell, size in ((is_varied, 32), (is_mixed, 100)):
        for first in ("a" * size, A200[:size]):
            assert tell(first) == tell(first + A200) == tell(first + "a" * 200)


def test_a_secret_has_letters_of_both_cases_and_digits() -> None:
    assert is_mixed(AWS_SECRET)
    assert not is_mixed(HEX40)


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (b"backup:n0t-a-real-0ne", True),
        (b"user:password", False),
        (b"admin:admin", False),
        (b"nothing", False),
        (b"user:", False),
        ("jörg:gehe1m".encode(), True),
    ],
)
def test_basic_credentials_are_a_user_and_a_password(credentials: bytes, expected: bool) -> None:
    for encoded in (b64encode(credentials), urlsafe_b64encode(credentials)):
        assert is_basic(encoded.decode()) is expected
        assert is_basic(encoded.decode().rstrip("=")) is expected


@pytest.mark.parametrize("size", range(1, 9))
def test_what_is_cut_is_read_as_far_as_it_goes(size: int) -> None:
    whole = b64encode(b"a:h3x0").decode()
    assert is_basic(whole[:size]) is (size >= 7)


def test_entropy_tells_chance_from_words() -> None:
    assert is_random("x7Kp-2Lq9.Zr4")
    assert not is_random("aaaaaaaaaaaa1")
    assert not is_random("correcthorsebattery")
    assert not is_random("8417320561")
