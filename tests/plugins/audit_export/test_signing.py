from __future__ import annotations

import base64

import pytest

from plugins.audit_export.signing import signed_headers, signing_key

# The vector of the reference libraries: github.com/standard-webhooks, `test("sign function works")`.
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def secret(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(size))).decode()


def test_the_signature_is_that_of_the_reference_libraries() -> None:
    key = signing_key(SECRET)
    headers = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', [key])
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_two_keys_sign_twice() -> None:
    keys = [signing_key(SECRET), signing_key(secret(32))]
    first, second = signed_headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b"{}", keys)[
        "webhook-signature"
    ].split(" ")
    assert first != second
    assert first.startswith("v1,")
    assert second.startswith("v1,")


def test_the_prefix_and_blanks_around_a_key_do_not_count() -> None:
    assert signing_key(SECRET) == signing_key(SECRET.removeprefix("whsec_") + "\n")


@pytest.mark.parametrize("size", [24, 32, 64])
def test_keys_have_24_to_64_bytes(size: int) -> None:
    assert len(signing_key(secret(size))) == size


@pytest.mark.parametrize("wrong", [secret(23), secret(65), "", "whsec_", "whsec_not base64!", "whsec_ü"])
def test_a_wrong_key_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(ValueError, match="signing key") as refused:
        signing_key(wrong)
    assert not wrong.removeprefix("whsec_") or wrong.removeprefix("whsec_") not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_message_id_with_a_full_stop_is_refused() -> None:
    with pytest.raises(ValueError, match="full stop"):
        signed_headers("msg.1", 0, b"", [b"k" * 32])


def test_nothing_is_signed_with_no_key() -> None:
    with pytest.raises(ValueError, match="no signing key"):
        signed_headers("msg_1", 0, b"", [])
