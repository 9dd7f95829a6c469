from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from penstock.adapters.secrets import MemorySecrets
from penstock.background.capabilities import (
    MAX_REQUEST_BYTES,
    MAX_RESPONSE_BYTES,
    GrantedCapabilities,
    GrantedEmail,
    GrantedTransport,
    TooLargeError,
)
from penstock.egress.network import RefusedAddressError
from penstock.errors import FieldNotGrantedError
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.record import Delivery
from penstock.sdk.exports import MemoryExports
from penstock.sdk.storage import MemoryStorage
from tests.background.fakes import FakeMail

DIGESTER = Digester(DigestKey("k1", b"k" * 32), "request-1")
GRANTED = frozenset({"siem.example.com:443", "siem.example.com:8443", "127.0.0.1:9000", "localhost:9000"})

Receiver = Callable[[httpx.Request], httpx.Response]


def accepted(request: httpx.Request) -> httpx.Response:
    return httpx.Response(202, headers={"x-request-id": "their-id"}, content=b"ok", request=request)


def granted(receiver: Receiver = accepted, *, local: bool = False) -> tuple[httpx.Client, GrantedTransport]:
    transport = GrantedTransport(httpx.MockTransport(receiver), GRANTED, DIGESTER, local=local)
    capabilities = GrantedCapabilities(
        transport, {"signing-key": "prod/siem"}, MemorySecrets({"prod/siem": "s3cret"})
    )
    return capabilities.http(), transport


def test_a_request_to_a_granted_host_passes_and_leaves_a_delivery() -> None:
    client, transport = granted()
    assert client.post("https://siem.example.com/in", content=b"{}").text == "ok"
    digest = DIGESTER.text("deliveries.delivery_id", "their-id")
    assert transport.deliveries == [Delivery("siem.example.com:443", 202, digest)]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/",
        "https://siem.example.com.evil.com/",
        "https://siem.example.com:444/",
        "https://user@siem.example.com/",
        "http://siem.example.com:443/",
        "http://127.0.0.1:9000/",
        "https://siem.example.com@evil.com/",
        "https://sub.siem.example.com/",
    ],
)
def test_any_other_place_is_refused_before_anything_is_sent(url: str) -> None:
    sent: list[httpx.Request] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return accepted(request)

    client, transport = granted(receiver)
    with pytest.raises(FieldNotGrantedError):
        client.post(url)
    assert (sent, transport.deliveries, transport.refused) == ([], [], True)


@pytest.mark.parametrize(
    "url", ["https://SIEM.example.com/", "https://siem.example.com:443/x", "https://siem.example.com:8443/"]
)
def test_the_host_counts_however_it_is_written(url: str) -> None:
    client, _ = granted()
    assert client.get(url).status_code == 202


@pytest.mark.parametrize("url", ["http://127.0.0.1:9000/", "http://localhost:9000/"])
def test_plain_http_passes_to_this_machine_and_only_where_the_deployment_is_local(url: str) -> None:
    client, _ = granted(local=True)
    assert client.get(url).status_code == 202
    with pytest.raises(FieldNotGrantedError):
        client.get("http://siem.example.com:443/")


def test_another_host_header_is_refused() -> None:
    client, _ = granted()
    with pytest.raises(FieldNotGrantedError):
        client.get("https://siem.example.com/", headers={"host": "evil.example.com"})


def test_a_redirect_is_not_followed_and_one_that_is_asked_for_is_checked() -> None:
    def elsewhere(request: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"location": "https://evil.example.com/"}, request=request)

    client, transport = granted(elsewhere)
    assert client.post("https://siem.example.com/").status_code == 307
    with pytest.raises(FieldNotGrantedError):
        client.post("https://siem.example.com/", follow_redirects=True)
    assert [delivery.status for delivery in transport.deliveries] == [307, 307]


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://evil.example.com:3128")
    client, _ = granted()
    assert client.get("https://siem.example.com/").status_code == 202


def test_a_server_name_of_the_plugins_own_does_not_reach_tls() -> None:
    seen: list[object] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions)
        return accepted(request)

    client, _ = granted(receiver)
    client.get("https://siem.example.com/", extensions={"sni_hostname": "evil.example.com"})
    assert list(seen[0]) == ["timeout"]  # type: ignore[call-overload]  # extensions are a mapping


def test_a_host_that_does_not_answer_leaves_a_delivery_without_status() -> None:
    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    client, transport = granted(down)
    with pytest.raises(httpx.ConnectError):
        client.get("https://siem.example.com/")
    assert transport.deliveries == [Delivery("siem.example.com:443", None)]


def test_sizes_are_bounded_both_ways() -> None:
    client, transport = granted(
        lambda r: httpx.Response(200, content=b"x" * (MAX_RESPONSE_BYTES + 1), request=r)
    )
    with pytest.raises(TooLargeError):
        client.get("https://siem.example.com/")
    assert transport.deliveries[0].status == 200
    with pytest.raises(TooLargeError):
        client.post("https://siem.example.com/", content=b"x" * (MAX_REQUEST_BYTES + 1))
    assert len(transport.deliveries) == 1


class Endless(httpx.SyncByteStream):
    def __init__(self) -> None:
        self.read, self.closed = 0, 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.read += 1
            yield b"x" * 65_536

    def close(self) -> None:
        self.closed += 1


def test_who_asks_for_the_status_alone_reads_none_of_an_endless_answer() -> None:
    body = Endless()
    client, transport = granted(lambda r: httpx.Response(202, stream=body, request=r))
    with client.stream("POST", "https://siem.example.com/", content=b"{}") as answer:
        assert answer.status_code == 202
    assert (body.read, body.closed) == (0, 1)
    assert transport.deliveries[0].status == 202


def test_what_a_plugin_leaves_open_is_closed_with_its_run() -> None:
    body = Endless()
    client, transport = granted(lambda r: httpx.Response(202, stream=body, request=r))
    client.send(client.build_request("POST", "https://siem.example.com/"), stream=True)
    assert body.closed == 0
    transport.end()
    assert body.closed == 1


def test_a_compressed_answer_is_not_unpacked() -> None:
    headers = {"content-encoding": "gzip"}
    client, _ = granted(
        lambda r: httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"bomb"), request=r)
    )
    with pytest.raises(TooLargeError):
        client.get("https://siem.example.com/")


def test_a_granted_secret_is_read_by_its_logical_name_and_no_other_is() -> None:
    transport = GrantedTransport(httpx.MockTransport(accepted), GRANTED, DIGESTER)
    store = MemorySecrets({"prod/siem": "s3cret", "prod/other": "no"})
    capabilities = GrantedCapabilities(transport, {"signing-key": "prod/siem"}, store)
    assert capabilities.secret("signing-key") == "s3cret"
    for name in ("prod/siem", "prod/other", "jane.doe@example.com"):
        with pytest.raises(FieldNotGrantedError) as refusal:
            capabilities.secret(name)
        assert name not in str(refusal.value)


def test_without_granted_hosts_there_is_no_client() -> None:
    transport = GrantedTransport(httpx.MockTransport(accepted), frozenset(), DIGESTER)
    with pytest.raises(FieldNotGrantedError):
        GrantedCapabilities(transport, {}, MemorySecrets({})).http()


def test_storage_and_email_are_what_was_granted_or_nothing() -> None:
    transport = GrantedTransport(httpx.MockTransport(accepted), frozenset(), DIGESTER)
    storage, mail = MemoryStorage(), FakeMail()
    granted = GrantedCapabilities(transport, {}, MemorySecrets({}), storage=storage, mailer=mail.mailer)
    assert granted.storage() is storage
    granted.email().send(["soc@acme.example"], "s", "t")
    assert len(mail.sent) == 1
    nothing = GrantedCapabilities(transport, {}, MemorySecrets({}))
    for ask in (nothing.storage, nothing.email, nothing.exports):
        with pytest.raises(FieldNotGrantedError):
            ask()


def exporting() -> tuple[MemoryExports, GrantedCapabilities, GrantedTransport]:
    transport, exports = (
        GrantedTransport(httpx.MockTransport(accepted), frozenset(), DIGESTER),
        MemoryExports(),
    )
    return exports, GrantedCapabilities(transport, {}, MemorySecrets({}), exports=exports), transport


def test_an_object_is_a_delivery_that_says_whether_something_was_there() -> None:
    exports, granted, transport = exporting()
    assert granted.exports().put("dt=1/a", b"1")
    assert not granted.exports().put("dt=1/a", b"2")
    digest = DIGESTER.text("deliveries.delivery_id", "dt=1/a")
    assert transport.deliveries == [Delivery("exports", 200, digest), Delivery("exports", 412, digest)]
    assert exports.kept == {"dt=1/a": b"1"}


def test_a_key_that_is_none_leaves_no_delivery_and_after_the_run_nothing_is_put() -> None:
    exports, granted, transport = exporting()
    with pytest.raises(ValueError, match="a key has"):
        granted.exports().put("../a", b"1")
    kept = granted.exports()
    transport.end()
    with pytest.raises(FieldNotGrantedError):
        kept.put("a", b"1")
    assert (transport.deliveries, exports.kept) == ([], {})


def test_a_secret_that_was_rotated_is_read_anew_when_the_plugin_asks() -> None:
    class Rotated(MemorySecrets):
        def get(self, name: str, *, fresh: bool = False) -> str:
            return "new" if fresh else super().get(name)

    transport = GrantedTransport(httpx.MockTransport(accepted), frozenset(), DIGESTER)
    capabilities = GrantedCapabilities(transport, {"key": "prod/key"}, Rotated({"prod/key": "old"}))
    assert (capabilities.secret("key"), capabilities.secret("key", fresh=True)) == ("old", "new")


def test_a_granted_name_that_leads_inside_is_refused_and_remembered() -> None:
    def inside(request: httpx.Request) -> httpx.Response:
        raise RefusedAddressError(request.url.host)

    client, transport = granted(inside)
    with pytest.raises(RefusedAddressError):
        client.get("https://siem.example.com/")
    assert transport.refused
    assert transport.deliveries == [Delivery("siem.example.com:443", None)]


def test_what_the_egress_function_does_not_grant_is_refused_and_remembered() -> None:
    def narrower(_: httpx.Request) -> httpx.Response:
        raise FieldNotGrantedError("hosts")

    client, transport = granted(narrower)
    with pytest.raises(FieldNotGrantedError):
        client.get("https://siem.example.com/")
    assert transport.refused


@pytest.mark.parametrize("to", [["not an address"], []])
def test_a_message_that_is_none_leaves_no_delivery(to: list[str]) -> None:
    transport = GrantedTransport(httpx.MockTransport(accepted), frozenset(), DIGESTER)
    granted = GrantedCapabilities(transport, {}, MemorySecrets({}), mailer=FakeMail().mailer)
    with pytest.raises(ValueError, match="recipient"):
        granted.email().send(to, "s", "t")
    assert (transport.deliveries, granted.refused) == ([], ())


def test_a_request_has_one_length_whatever_the_plugin_writes() -> None:
    seen: list[httpx.Headers] = []

    def receiver(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return accepted(request)

    client, _ = granted(receiver)
    smuggled = {
        "content-length": "4",
        "transfer-encoding": "chunked",
        "connection": "keep-alive, x-auth",
        "upgrade": "h2c",
        "te": "trailers",
        "expect": "100-continue",
        "proxy-authorization": "Basic eA==",
        "x-own": "stays",
    }
    client.post("https://siem.example.com/", content=b"0\r\n\r\nPOST /evil", headers=smuggled)
    (headers,) = seen
    assert headers["content-length"] == "15"
    assert headers["x-own"] == "stays"
    assert not {"transfer-encoding", "connection", "upgrade", "te", "expect", "proxy-authorization"} & {
        *headers
    }


def test_a_client_that_a_plugin_has_kept_reaches_nothing_after_its_run() -> None:
    client, transport = granted()
    mail = FakeMail()
    email = GrantedEmail(mail.mailer, transport)
    assert client.get("https://siem.example.com/").status_code == 202
    transport.end()
    with pytest.raises(FieldNotGrantedError):
        client.get("https://siem.example.com/")
    with pytest.raises(FieldNotGrantedError):
        email.send(["soc@acme.example"], "s", "t")
    assert (len(transport.deliveries), mail.sent) == (1, [])
