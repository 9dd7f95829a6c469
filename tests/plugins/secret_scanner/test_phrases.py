from __future__ import annotations

import pytest

from plugins.secret_scanner.detector import Detector
from plugins.secret_scanner.phrases import has_password
from plugins.secret_scanner.rules import RULES
from tests.plugins.secret_scanner.corpus import ASSIGNED, BODY, LEFT_ASSIGNED, PEM, Row, block

EVERY = Detector(RULES)


def found(text: str, rule: str) -> list[str]:
    return [find.value for find in EVERY.find(text) if find.rule == rule]


@pytest.mark.parametrize("row", ASSIGNED, ids=lambda row: row.text)
def test_a_value_that_looks_random_is_found_after_the_name_of_a_secret(row: Row) -> None:
    assert set(found(row.text, row.rule)) == {row.value}


@pytest.mark.parametrize(("text", "what"), LEFT_ASSIGNED, ids=[text for text, _ in LEFT_ASSIGNED])
def test_what_is_no_value_or_not_random_is_left(text: str, what: str) -> None:
    assert found(text, "assigned_secret") == []


def test_private_keys_end_at_their_own_end() -> None:
    assert found(f"a {PEM} b {PEM} c", "private_key") == [PEM, PEM]


def test_a_private_key_without_an_end_is_taken_as_far_as_it_can_be_one() -> None:
    cut = PEM.partition("\n-----END")[0]
    assert found(f"{cut}. And more", "private_key") == [cut]


def test_a_private_key_may_have_headers_and_be_long() -> None:
    body = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,0A1B2C3D4E5F60718293A4B5C6D7E8F9\n\n" + BODY * 80
    long = block("RSA " + "PRIVATE KEY", body)
    assert found(long, "private_key") == [long]


def test_a_service_account_is_one_and_its_key_is_a_key_too() -> None:
    text = '{"private_' + f'key": "{block("PRIVATE " + "KEY")}"}}'
    assert [find.rule for find in EVERY.find(text)] == ["google_service_account", "private_key"]


def test_a_user_s_own_name_is_no_password() -> None:
    assert not has_password("guest:guest")
    assert has_password("guest:guest1")
    assert has_password(":only")
