"""Calling a provider: what is sent, what comes back, and what stays between two calls: nothing."""

from __future__ import annotations

import gzip

import httpx
import pytest

from penstock.errors import UpstreamError
from penstock.upstream.client import HttpUpstream, UpstreamAnswer
from penstock.upstream.target import Target
from tests.upstream.server import KEY, OK, Peer, Server, answering, body_of, shared_upstream

pytestmark = pytest.mark.loopback


@pytest.fixture
def upstream() -> HttpUpstream:
    return shared_upstream()


def post(
    upstream: HttpUpstream,
    target: Target,
    *,
    body: bytes = b"{}",
    headers: dict[str, str] | None = None,
    key: str | None = KEY,
    seconds: float = 20,
) -> UpstreamAnswer:
    return upstream.post(target, "/chat/completions", body, headers or {}, key, seconds)


def sent_headers(request: bytes) -> list[tuple[str, str]]:
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]


def test_an_answer_comes_back_with_its_status_its_headers_in_lower_case_and_its_bytes(
    upstream: HttpUpstream,
) -> None:
    body = '{"text":"grüße, \\ud83d\\ude00"}'.encode()
    with Server(answering(body_of(body, b"X-RateLimit: 9"))) as server:
        answer = post(upstream, server.target())
    assert (answer.status, answer.body, answer.headers["x-ratelimit"]) == (200, body, "9")
    assert answer.ms > 0


def test_the_body_is_sent_as_it_is_and_each_header_once(upstream: HttpUpstream) -> None:
    body = b'{ "a" : 12345678901234567890 }'
    sneaky = {"Content-Type": "text/html", "AUTHORIZATION": "Bearer mine", "x-cost-center": "cc-1"}
    with Server(answering(OK)) as server:
        target = server.target(headers={"X-Cost-Center": "operator"}, query={"api-version": "2025-01-01"})
        post(upstream, target, body=body, headers=sneaky)
    request = server.requests[0]
    assert request.startswith(b"POST /v1/chat/completions?api-version=2025-01-01 HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n" + body)
    names = [name for name, _ in sent_headers(request)]
    assert len(names) == len(set(names))
    headers = dict(sent_headers(request))
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["x-cost-center"] == "operator"
    assert headers["accept-encoding"] == "identity"


CREDENTIALS = {"authorization", "api-key", "x-api-key"}


@pytest.mark.parametrize(
    ("auth", "key", "expected"),
    [
        ("bearer", KEY, ("authorization", f"Bearer {KEY}")),
        ("bearer", KEY + "\n", ("authorization", f"Bearer {KEY}")),
        ("api-key", KEY, ("api-key", KEY)),
        ("x-api-key", KEY + "\n", ("x-api-key", KEY)),
        ("none", KEY, None),
        ("bearer", None, None),
    ],
)
def test_the_key_travels_as_the_provider_wants_it(
    upstream: HttpUpstream, auth: str, key: str | None, expected: tuple[str, str] | None
) -> None:
    with Server(answering(OK)) as server:
        post(upstream, server.target(auth=auth), key=key)
    found = [pair for pair in sent_headers(server.requests[0]) if pair[0] in CREDENTIALS]
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize("status", [b"400 Bad", b"401 No", b"429 Slow", b"500 Oops", b"503 Later", b"599 X"])
def test_an_error_of_the_upstreams_own_is_an_answer(upstream: HttpUpstream, status: bytes) -> None:
    with Server(answering(body_of(b"{}", status=status))) as server:
        assert post(upstream, server.target()).status == int(status[:3])


@pytest.mark.parametrize("header", [b"x: y", b"content-encoding: gzip"])
def test_an_answer_without_a_body_is_an_empty_one(upstream: HttpUpstream, header: bytes) -> None:
    with Server(answering(b"HTTP/1.1 204 No Content\r\n" + header + b"\r\n\r\n")) as server:
        answer = post(upstream, server.target())
    assert (answer.status, answer.body) == (204, b"")


def test_a_lie_about_the_type_is_passed_on_for_the_dialect_to_judge(upstream: HttpUpstream) -> None:
    page = body_of(b"<html>", b"content-type: application/json")
    with Server(answering(page)) as server:
        answer = post(upstream, server.target())
    assert (answer.headers["content-type"], answer.body) == ("application/json", b"<html>")


def test_a_compressed_answer_that_nobody_asked_for_is_unpacked(upstream: HttpUpstream) -> None:
    with Server(answering(body_of(gzip.compress(b'{"ok":1}'), b"content-encoding: GZIP"))) as server:
        assert post(upstream, server.target()).body == b'{"ok":1}'


def test_a_connection_is_used_again(upstream: HttpUpstream) -> None:
    with Server(answering(OK, OK, OK)) as server:
        for _ in range(3):
            assert post(upstream, server.target()).status == 200
    assert server.connections == 1


def test_what_follows_an_answer_is_never_taken_for_the_next_one(upstream: HttpUpstream) -> None:
    injected = body_of(b"another tenant's")
    with Server(answering(OK + injected, OK), answering(OK)) as server:
        assert post(upstream, server.target()).body == b'{"ok":true}'
        assert post(upstream, server.target()).body == b'{"ok":true}'
    assert server.connections == 2


def test_a_cookie_of_one_answer_is_not_in_the_next_request(upstream: HttpUpstream) -> None:
    with Server(answering(body_of(b"{}", b"set-cookie: session=tenant-a; Path=/"), OK)) as server:
        for _ in range(2):
            post(upstream, server.target())
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


def hang_up(peer: Peer) -> None:
    peer.request()


def cut_short(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")


def oversize(peer: Peer) -> None:
    peer.request()
    peer.send(body_of(b"x" * 100_000))


@pytest.mark.parametrize("fails", [hang_up, cut_short, oversize])
def test_after_a_failure_the_next_call_goes_through_on_a_fresh_connection(
    upstream: HttpUpstream, fails: object
) -> None:
    with Server(fails, answering(OK, OK)) as server:  # type: ignore[arg-type]  # one of the three above
        target = server.target(max_response_bytes=50_000)
        with pytest.raises(UpstreamError):
            post(upstream, target)
        assert post(upstream, target).status == 200
        assert post(upstream, target).status == 200
    assert server.connections == 2


def test_a_connection_that_the_upstream_closed_while_idle_costs_no_call(upstream: HttpUpstream) -> None:
    with Server(answering(OK), answering(OK)) as server:
        assert post(upstream, server.target()).status == 200
        # The first connection's thread ends after one answer: its FIN is here before a second call can be.
        server._threads[1].join(timeout=20)
        assert post(upstream, server.target()).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_goes_nowhere_else(upstream: HttpUpstream, status: int) -> None:
    with Server(answering(OK)) as elsewhere:
        location = f"location: http://127.0.0.1:{elsewhere.port}/v1".encode()
        redirect = answering(body_of(b"", location, status=b"%d Go" % status))
        with Server(redirect) as server, pytest.raises(UpstreamError) as caught:
            post(upstream, server.target())
    assert (caught.value.outcome, elsewhere.connections) == ("redirect", 0)


def test_proxy_variables_and_netrc_are_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password canary\n")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("NETRC", str(netrc))
    with Server(answering(OK)) as proxy, Server(answering(OK)) as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        upstream = HttpUpstream()
        post(upstream, server.target(), key=None)
        upstream._client.close()
    assert (proxy.connections, server.connections) == (0, 1)
    assert b"authorization" not in server.requests[0].lower()


def test_one_attempt_only(upstream: HttpUpstream) -> None:
    with Server(hang_up) as server, pytest.raises(UpstreamError):
        post(upstream, server.target())
    assert len(server.requests) == 1


def test_another_transport_can_stand_in() -> None:
    def echo(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=httpx.ByteStream(request.content))

    upstream = HttpUpstream(httpx.MockTransport(echo))
    assert post(upstream, Target("fake", "https://provider.example/v1"), body=b"[1]").body == b"[1]"
