from __future__ import annotations

import hashlib
import hmac
import re

from hypothesis import given
from hypothesis import strategies as st

from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import Digest
from penstock.evidence.schema import _validator

KEY = DigestKey("k1", b"k" * 32)


def test_a_digest_is_the_hmac_that_the_docs_say_and_fits_the_record() -> None:
    digest = Digester(KEY, "request-1").text("request.model", "gpt")
    expected = hmac.new(KEY.key, b"request-1\0request.model\0gpt", hashlib.sha256).hexdigest()[:32]
    assert digest == f"hmac:k1:{expected}"
    assert _validator(Digest).validate_python(digest) == digest


def test_equal_values_in_two_requests_fields_or_under_two_keys_are_told_apart_by_nobody() -> None:
    digests = {
        Digester(KEY, "request-1").text("a", "value"),
        Digester(KEY, "request-2").text("a", "value"),
        Digester(KEY, "request-1").text("b", "value"),
        Digester(DigestKey("k1", b"x" * 32), "request-1").text("a", "value"),
    }
    assert len(digests) == 4


@given(st.lists(st.text()), st.lists(st.text()))
def test_two_lists_have_one_digest_only_if_they_are_the_same(one: list[str], other: list[str]) -> None:
    digester = Digester(KEY, "request-1")
    assert (digester.texts("f", one) == digester.texts("f", other)) == (one == other)


def test_half_a_character_has_a_digest_too() -> None:
    digester = Digester(KEY, "request-1")
    assert digester.text("f", "\ud800") != digester.text("f", "\udc00")


def test_a_key_never_prints_itself() -> None:
    assert repr(KEY) == "DigestKey(k1)"
    assert "kkk" not in f"{KEY}"


@given(st.lists(st.text(alphabet=st.characters(categories=["L", "N", "Cs"]))), st.booleans())
def test_the_digest_of_several_texts_counts_bytes_whatever_the_texts_are(
    texts: list[str], plain: bool
) -> None:
    given_texts = [text.encode("ascii", "ignore").decode() for text in texts] if plain else texts
    encoded = [text.encode("utf-8", "surrogatepass") for text in given_texts]
    message = b"request-1\0f\0" + b"".join(b"%d:%b" % (len(raw), raw) for raw in encoded)
    expected = hmac.new(KEY.key, message, hashlib.sha256).hexdigest()[:32]
    assert Digester(KEY, "request-1").texts("f", given_texts) == f"hmac:k1:{expected}"


def test_a_reference_is_the_same_for_the_same_request_whenever_it_comes_and_for_no_other() -> None:
    def made(plugin: str = "gate", key: str = "k1", said: bytes = b"{}", of: str = "request-1") -> str:
        return Digester(KEY, of).reference(plugin, {"api_key": key, "team": None}, said)

    assert made() == made(of="request-2")
    assert re.fullmatch(r"[a-z2-7]{26}", made())
    others = {
        made(plugin="other"),
        made(key="k2"),
        made(said=b"{ }"),
        made(plugin="gate", key="k1{}", said=b""),
    }
    assert len(others | {made()}) == 5
    assert Digester(DigestKey("k1", b"x" * 32), "r").reference("gate", {"api_key": "k1"}, b"{}") != made()
