"""The DLP behind a real socket, called from the plugin's host as in its function, within 0.9 s or 10."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.adapters.secrets import MemorySecrets
from penstock.background.capabilities import Ways
from penstock.background.inline import InlinePlugin
from penstock.background.reach import Reaches
from penstock.egress.network import PublicTransport
from penstock.gates.deadline import Deadlines
from penstock.gates.host import Answer, InProcessHost
from penstock.sdk import Transform
from penstock.sdk.context import RecordSpec
from penstock.sdk.loading import load_plugin
from penstock.sdk.sample import REQUEST_ID, request_values
from penstock.sdk.views import Projection
from tests.gates.fakes import placement_of
from tests.plugins.dlp_http.peers import TOKEN
from tests.plugins.every_door import folder_of
from tests.plugins.test_every_exporter import cut, dripping, huge, silent
from tests.upstream.server import Behaviour, Peer, Server, answering
from tests.upstream.tls import TlsPeer, write_certificate

SECONDS = 0.9
USER = "request.messages.user"
RECORDS = dict.fromkeys(("segments", "requests", "masked"), RecordSpec("count", 0, 100))
ALLOWED = b'{"segments": [{"id": "0", "verdict": "mask", "text": "masked"}]}'


def reply(body: bytes, *, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + body


def over_loopback(
    behaviour: Behaviour, scheme: str = "http", *, calls: int = 1, seconds: float = SECONDS
) -> list[Answer]:
    with Server(behaviour) as server:
        url = f"{scheme}://127.0.0.1:{server.port}/"
        effects = ("block", "transform", "emit", "record")
        placement = placement_of(
            "dlp-http", reads=(USER,), writes=(USER,), effects=effects, host="function", records=RECORDS
        )
        loaded = load_plugin(folder_of("dlp-http"), {"url": url})
        hosts = frozenset({f"127.0.0.1:{server.port}"})
        inline = InlinePlugin({}, {}, lambda: loaded, hosts, {"token": "dlp"})
        transport = PublicTransport(frozenset({"127.0.0.1"}))
        reaches = Reaches(inline, MemorySecrets({"dlp": TOKEN}), Ways(transport), local=True)
        host = InProcessHost({"dlp-http": loaded}, Deadlines(None), capable=reaches)
        values = request_values({"user": "hello"})
        made = [
            host.call(placement, Projection({USER: values[USER]}), REQUEST_ID, seconds) for _ in range(calls)
        ]
        transport.close()
    return made


def test_what_it_says_over_a_socket_is_done() -> None:
    (answer,) = over_loopback(answering(reply(ALLOWED)))
    assert isinstance(answer.decision, Transform)
    assert [(sent.status, sent.host.partition(":")[0]) for sent in answer.deliveries] == [(200, "127.0.0.1")]


@pytest.mark.parametrize("behaviour", [silent, dripping, cut, huge], ids=lambda each: each.__name__)
def test_a_peer_that_hangs_cuts_or_floods_lets_nothing_pass_within_the_deadline(behaviour: Behaviour) -> None:
    (answer,) = over_loopback(behaviour)
    assert answer.decision is None
    assert answer.failure is not None
    assert answer.failure.failure in {"exception", "timeout"}


@pytest.mark.parametrize(
    "body", [reply(b""), reply(b"<html>"), reply(ALLOWED[:-1]), reply(b"[" * 100_000), reply(b"\xff")]
)
def test_what_is_no_json_lets_nothing_pass(body: bytes) -> None:
    (answer,) = over_loopback(answering(body))
    assert (answer.decision, answer.failure is None) == (None, False)


def test_a_verdict_that_is_said_twice_lets_nothing_pass() -> None:
    body = b'{"segments": [{"id": "0", "verdict": "block", "verdict": "allow"}]}'
    (answer,) = over_loopback(answering(reply(body)))
    assert (answer.decision, answer.failure is None) == (None, False)


def test_a_connection_that_the_dlp_closed_between_two_requests_costs_no_answer() -> None:
    def once(peer: Peer) -> None:
        peer.request()
        peer.send(reply(ALLOWED))  # and hangs up, though it said nothing of it

    first, second = over_loopback(once, calls=2, seconds=10)
    assert isinstance(first.decision, Transform)
    assert isinstance(second.decision, Transform)


def test_a_certificate_that_nobody_vouches_for_gets_no_word(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    said: list[bytes] = []

    def pretend(peer: Peer) -> None:
        said.append(TlsPeer(peer, *certificate).request())

    (answer,) = over_loopback(pretend, "https")
    assert (answer.decision, answer.failure is None, said) == (None, False, [])


pytestmark = pytest.mark.loopback
