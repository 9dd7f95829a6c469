from __future__ import annotations

import pytest

from plugins.secret_scanner.beside import NEAR_CHARS, PAIRS, Pair, beside
from tests.plugins.secret_scanner.corpus import AWS_SECRET, HEX32, HEX40, KEY_ID

AWS, TWILIO = PAIRS[0], PAIRS[-1]
ACCOUNT = "AC" + HEX32


def secrets(pair: Pair, text: str) -> list[str]:
    return [text[start:end] for start, end in beside(pair, text)]


@pytest.mark.parametrize(("pair", "known", "secret"), [(AWS, KEY_ID, AWS_SECRET), (TWILIO, ACCOUNT, HEX32)])
def test_a_secret_is_found_on_either_side_and_as_far_as_near_is(pair: Pair, known: str, secret: str) -> None:
    for gap in (" ", ",", "\n", '": "', "." * (NEAR_CHARS - len(secret) - 1) + " "):
        assert secrets(pair, f"{known}{gap}{secret}") == [secret]
        assert secrets(pair, f"{secret}{gap}{known}") == [secret]
    assert secrets(pair, f"{known}{'.' * NEAR_CHARS} {secret}") == []


def test_a_digest_beside_an_access_key_id_is_left() -> None:
    assert secrets(AWS, f"{KEY_ID} {HEX40}") == []
    assert secrets(AWS, f"{KEY_ID} {AWS_SECRET}a") == []


def test_without_an_id_there_is_none() -> None:
    assert secrets(AWS, AWS_SECRET) == []
    assert secrets(TWILIO, f"AC {HEX32}") == []


def test_the_id_is_not_its_own_secret() -> None:
    assert secrets(TWILIO, f"{ACCOUNT} and {ACCOUNT}") == []
