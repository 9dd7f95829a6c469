from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import pytest

from penstock.errors import UndeliverableError
from penstock.sdk import Context, PluginConfig
from penstock.sdk.context import NoCapabilities
from penstock.sdk.delivery import compact_json
from penstock.sdk.signing import message_id, send_signed, signed_headers, signing_key

# The vector of the reference libraries: github.com/standard-webhooks, `test("sign function works")`.
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


URL = "https://audit.example.com/"
NEW, OLD = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Sending(NoCapabilities):
    """Posts to `receiver`; its secret is `known` until it is read anew."""

    def __init__(self, receiver: Callable[[httpx.Request], httpx.Response], known: str, fresh: str) -> None:
        self._receiver, self._known, self._fresh = receiver, known, fresh

    def http(self) -> httpx.Client:
        return httpx.Client(transport=httpx.MockTransport(self._receiver))

    def secret(self, name: str, *, fresh: bool = False) -> str:
        assert name == "signing_key"
        return self._fresh if fresh else self._known


def sent(*statuses: int, known: str = NEW, fresh: str = NEW) -> list[httpx.Request]:
    """What a receiver that answers with `statuses` gets of one delivery."""
    got: list[httpx.Request] = []
    left = list(statuses)

    def receiver(request: httpx.Request) -> httpx.Response:
        got.append(request)
        return httpx.Response(left.pop(0), headers={"retry-after": "1"})

    times, slept = iter([10.5, 11.5, 12.5]), list[float]()
    ctx = Context(
        "r", PluginConfig(), deadline=20.0, capabilities=Sending(receiver, known, fresh), clock=lambda: 0.0
    )
    send_signed(ctx, URL, "msg_1", b"{}", clock=lambda: next(times), sleep=slept.append)
    return got


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


def test_what_is_sent_is_signed_json() -> None:
    (request,) = sent(200)
    assert (request.content, request.headers["content-type"]) == (b"{}", "application/json")
    expected = signed_headers("msg_1", 10, b"{}", [signing_key(NEW)])
    assert {name: request.headers[name] for name in expected} == expected


def test_each_try_is_signed_anew_with_the_time_and_key_of_then() -> None:
    requests = sent(401, 503, 200, known=OLD, fresh=f"{NEW} {OLD}")
    assert [request.headers["webhook-timestamp"] for request in requests] == ["10", "11", "12"]
    assert [len(request.headers["webhook-signature"].split(" ")) for request in requests] == [1, 2, 1]
    assert {request.headers["webhook-id"] for request in requests} == {"msg_1"}


def test_what_a_receiver_will_never_take_is_undeliverable() -> None:
    with pytest.raises(UndeliverableError, match="400"):
        sent(400)


def test_an_empty_secret_sends_nothing() -> None:
    with pytest.raises(ValueError, match="no signing key"):
        sent(200, known=" ")


def test_an_id_is_that_of_the_body_and_of_the_plugin() -> None:
    body = compact_json({"a": 1})
    assert message_id("r1", "one", body) == "msg_r1_one_015abd7f5cc57a2d"
    assert (
        len({message_id("r1", "one", body), message_id("r1", "two", body), message_id("r1", "one", b"")}) == 3
    )
