"""At least once, as every exporter's README says: copies, other orders, delays, killed consumers, bad peers.

A new exporter is found by its folder, and must have its line here.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

from penstock.adapters.resources import VISIBILITY_S
from penstock.background.steps import StepFailedError
from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.egress.network import PublicTransport
from penstock.errors import ConfigurationError, StorageError
from penstock.sdk.exports import MemoryExports
from penstock.sdk.manifest import read_manifest
from tests import tree
from tests.evidence import examples
from tests.plugins.every_door import DEPLOYMENT, stanza
from tests.plugins.exporting import Lane, numbered
from tests.upstream.server import Behaviour, Peer, Server
from tests.upstream.tls import TlsPeer, write_certificate

KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
COLLECTOR = "/services/collector/event"
TOPICS = [{"name": "billing", "words": ["invoice"]}]
RULES = [{"name": "all", "outcomes": ["answered", "blocked"]}]


@dataclass(frozen=True)
class Exporter:
    """How one is set up. `key` finds, in a request, what its README tells a receiver to take once."""

    plugin: str
    secrets: Mapping[str, str]
    key: Callable[[httpx.Request], str]
    path: str = "/"
    more: Mapping[str, Any] = field(default_factory=dict)
    noted: Mapping[str, float | str] | None = None

    def lane(
        self, receiver: httpx.BaseTransport, base: str = "https://receiver.example.com", **more: Any
    ) -> Lane:
        config = {"url": f"{base}{self.path}", **self.more}
        made = Lane(self.plugin, config, self.secrets, receiver, **more)
        made.noted = self.noted
        return made


def _webhook_id(request: httpx.Request) -> str:
    return request.headers["webhook-id"]


def _splunk_key(request: httpx.Request) -> str:
    packed = request.headers.get("content-encoding") == "gzip"
    event = json.loads(gzip.decompress(request.content) if packed else request.content)
    return str(event["fields"]["idempotency_key"])


EXPORTERS = (
    Exporter("audit-export", {"signing_key": KEY}, _webhook_id),
    Exporter("siem-export", {"token": "t-1"}, _splunk_key, COLLECTOR),
    Exporter(
        "siem-export", {"token": "t-1"}, lambda r: r.headers["idempotency-key"], more={"format": "json"}
    ),
    Exporter("webhook-notify", {"signing_key": KEY}, _webhook_id, more={"rules": RULES}),
    Exporter(
        "topic-signals",
        {"signing_key": KEY},
        _webhook_id,
        more={"topics": TOPICS},
        noted={"topic": "billing", "matches": 2},
    ),
)


class Mail:
    """Outside is a mailbox: what has arrived are the ids in its digests, one for each window."""

    plugin: ClassVar = "email-notify"
    config: ClassVar[Mapping[str, Any]] = {"to": ["soc@acme.example"], "rules": RULES, "window_s": 600}

    def __init__(self) -> None:
        self.tries = 0

    def down(self, run: Lane, is_down: bool) -> None:
        run.mail.failure = StorageError("send an e-mail") if is_down else None

    def arrived(self, run: Lane) -> list[str]:
        """What the runs of the windows bring, each tried once more."""
        for run_id in list(run.runs.begun):
            self.tries += 1
            with contextlib.suppress(StepFailedError):
                run.step(run_id, "send", self.tries)
            run.time.now_s += VISIBILITY_S
        return [
            found
            for message in run.mail.sent
            for found in re.findall(r"^  (01a2\S+)$", message.text, re.MULTILINE)
        ]


class Bucket(MemoryExports):
    """Outside is a bucket, which takes a key once."""

    plugin: ClassVar = "warehouse-export"
    config: ClassVar[Mapping[str, Any]] = {}

    def __init__(self) -> None:
        super().__init__()
        self.closed = False

    def put(self, key: str, body: bytes) -> bool:
        if self.closed:
            raise StorageError("store an export")
        return super().put(key, body)

    def down(self, run: Lane, is_down: bool) -> None:
        self.closed = is_down

    def arrived(self, run: Lane) -> list[str]:
        return list(self.kept)


# Outside of these is no receiver of http: who delivers to a place of another kind has a class here.
PLACES: tuple[Callable[[], Mail | Bucket], ...] = (Mail, Bucket)

each_place = pytest.mark.parametrize("made", PLACES, ids=lambda one: one.plugin)

each = pytest.mark.parametrize("exporter", EXPORTERS, ids=lambda one: f"{one.plugin}{len(one.more)}")


class Receiver(httpx.BaseTransport):
    """Takes all, and keeps what came by the key that the README names."""

    def __init__(self, key: Callable[[httpx.Request], str]) -> None:
        self.keys: list[str] = []
        self.down = False
        self._key = key

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.down:
            raise httpx.ConnectError("down", request=request)
        self.keys.append(self._key(request))
        return httpx.Response(200)


def test_every_exporter_has_its_line() -> None:
    manifests = [read_manifest(tree.ROOT / folder) for folder in tree.plugin_folders()]
    exporting = {
        each.name for each in manifests if each.after_response and "emit" in each.after_response.effects
    }
    built_in = {
        folder.name.replace("_", "-") for folder in tree.plugin_folders() if folder.parts[0] == "plugins"
    }
    placed = {one.plugin for one in (Mail, Bucket)}
    assert exporting & built_in == {each.plugin for each in EXPORTERS} | placed


def placing(place: Mail | Bucket) -> Lane:
    run = Lane(place.plugin, place.config, {}, httpx.MockTransport(lambda _: httpx.Response(500)))
    if isinstance(place, Bucket):
        run.exports = place
        run.new_environment()
    return run


@each_place
def test_copies_in_any_order_arrive_once(made: Callable[[], Mail | Bucket]) -> None:
    place = made()
    run = placing(place)
    for number in (1, 2, 1, 3):
        run.send(numbered(number))
    run.consume_in(lambda messages: messages[::-1])
    run.send(numbered(2))
    run.consume()
    arrived = place.arrived(run)
    assert len(arrived) == len(set(arrived)) == 3
    assert run.queue.bodies() == run.dead.bodies() == []


@each_place
def test_what_a_place_that_is_down_does_not_take_arrives_when_it_is_up(
    made: Callable[[], Mail | Bucket],
) -> None:
    place = made()
    run = placing(place)
    place.down(run, True)
    run.send(numbered(1))
    run.consume()
    assert place.arrived(run) == []
    place.down(run, False)
    run.send(numbered(2))
    run.consume(2)
    assert len(set(place.arrived(run))) == 2


@each_place
def test_a_consumer_that_is_killed_after_it_left_something_leaves_it_once(
    made: Callable[[], Mail | Bucket],
) -> None:
    place = made()
    run = placing(place)
    run.send(numbered(1))
    run.crash_once()
    run.consume()
    assert run.records() == [], "it was killed before it could say anything"
    run.consume()
    assert len(place.arrived(run)) == 1
    assert run.queue.bodies() == []


@each_place
def test_dead_letters_that_are_sent_again_arrive_once(made: Callable[[], Mail | Bucket]) -> None:
    place = made()
    run = placing(place)
    body = run.send(numbered(1))
    run.consume()
    for _ in range(2):  # dead letters, sent again and again by somebody who is not sure
        run.queue.send(body)
        run.consume()
    assert len(place.arrived(run)) == 1


@each
def test_a_message_that_comes_twice_has_the_same_key_twice(exporter: Exporter) -> None:
    receiver = Receiver(exporter.key)
    run = exporter.lane(receiver)
    run.send(numbered(1))
    run.send(numbered(1))
    run.send(numbered(2))
    run.consume()
    first, copy, other = receiver.keys
    assert first == copy != other
    assert run.queue.bodies() == run.dead.bodies() == []


@each
def test_in_whatever_order_messages_come_all_arrive_under_their_keys(exporter: Exporter) -> None:
    receiver = Receiver(exporter.key)
    run = exporter.lane(receiver)
    for number in range(5):
        run.send(numbered(number))
    run.consume_in(lambda messages: messages[::-1])
    backwards, receiver.keys = receiver.keys, []
    for number in range(5):
        run.send(numbered(number))
    run.consume()
    assert backwards == receiver.keys[::-1]
    assert len(set(backwards)) == 5


@each
def test_what_is_delayed_by_a_receiver_that_is_down_arrives_after_what_came_later(exporter: Exporter) -> None:
    receiver = Receiver(exporter.key)
    run = exporter.lane(receiver)
    receiver.down = True
    run.send(numbered(1))
    run.consume_in(list)
    receiver.down = False
    run.time.now_s += VISIBILITY_S - 1
    run.send(numbered(2))
    run.consume_in(list)
    assert len(receiver.keys) == 1, "the first is still hidden"
    run.time.now_s += 1
    run.consume()
    assert len(set(receiver.keys)) == 2
    attempts = sorted((record.request_id[-1], record.attempt, record.action) for record in run.records())
    assert attempts == [("1", 1, "fail"), ("1", 2, "emit"), ("2", 1, "emit")]


@each
def test_a_consumer_that_is_killed_after_it_sent_sends_again_under_the_same_key(exporter: Exporter) -> None:
    receiver = Receiver(exporter.key)
    run = exporter.lane(receiver)
    run.send(numbered(1))
    run.crash_once()
    run.consume()
    assert run.records() == [], "it was killed before it could say anything"
    run.consume()
    first, again = receiver.keys
    assert first == again
    assert [(record.attempt, record.action) for record in run.records()] == [(2, "emit")]
    assert run.queue.bodies() == []


@each
def test_dead_letters_that_are_sent_again_keep_their_keys(exporter: Exporter) -> None:
    receiver = Receiver(exporter.key)
    run = exporter.lane(receiver)
    receiver.down = True
    run.send(numbered(1))
    run.consume(6)
    (dead,) = run.dead.bodies()
    receiver.down = False
    run.queue.send(dead)
    run.send(numbered(1))
    run.consume()
    assert len(receiver.keys) == 2
    assert len(set(receiver.keys)) == 1


def silent(peer: Peer) -> None:
    """Half open: takes the request and says nothing until the client gives up."""
    peer.request()
    peer.gone(5)


def dripping(peer: Peer) -> None:
    """Begins an answer and never comes to the end of its head."""
    peer.request()
    peer.drip(iter([b"HTTP/1.1 200 OK\r\nx: "] + [b"x"] * 200))


def huge(peer: Peer) -> None:
    """100 MB, as far as somebody takes them."""
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n")
    for _ in range(1600):
        peer.send(b"x" * 65_536)


def cut(peer: Peer) -> None:
    peer.request()
    peer.send(b"HTTP/1.1 20")


def over_loopback(exporter: Exporter, behaviour: Behaviour, scheme: str) -> Lane:
    """One delivery to a real socket, within 0.8 s."""
    with Server(behaviour) as server:
        base = f"{scheme}://127.0.0.1:{server.port}"
        transport = PublicTransport(frozenset({"127.0.0.1"}))
        run = exporter.lane(transport, base, timeout_ms=800, local=True)
        run.send(examples.answered())
        run.consume()
        transport.close()
    return run


@pytest.mark.loopback
@pytest.mark.parametrize("behaviour", [silent, dripping, cut, huge], ids=lambda each: each.__name__)
@pytest.mark.parametrize("exporter", EXPORTERS[1::2], ids=lambda one: one.plugin)
def test_a_peer_that_hangs_cuts_or_floods_ends_within_the_deadline(
    exporter: Exporter, behaviour: Behaviour
) -> None:
    run = over_loopback(exporter, behaviour, "http")
    (record,) = run.records()
    if behaviour is huge:
        assert (record.action, record.failure) == ("emit", None), "taken, and nothing of it was read"
    else:
        assert (record.action, record.failure) in {("fail", "unavailable"), ("fail", "timeout")}
        assert len(run.queue.bodies()) == 1, "it comes back"


@pytest.mark.loopback
@each
def test_a_certificate_that_nobody_vouches_for_gets_nothing(exporter: Exporter, tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path)
    said: list[bytes] = []

    def pretend(peer: Peer) -> None:
        said.append(TlsPeer(peer, *certificate).request())

    run = over_loopback(exporter, pretend, "https")
    (record,) = run.records()
    assert (record.action, record.failure) == ("fail", "unavailable")
    assert said == [], "not a byte of the request, nor of its credential"


@pytest.mark.parametrize("plugin", sorted({each.plugin for each in EXPORTERS}))
def test_a_url_to_a_host_that_is_not_granted_is_refused_with_the_line_to_add(plugin: str) -> None:
    written = DEPLOYMENT + stanza(plugin)
    (url,) = re.findall(r'^url = "https://([a-z.]+)', written, re.MULTILINE)
    elsewhere = written.replace(f'url = "https://{url}', 'url = "https://elsewhere.example.net')
    with pytest.raises(ConfigurationError, match=r'hosts = \["elsewhere\.example\.net:[0-9]+"\]'):
        compile_file(parse_gateway_file(elsewhere.encode(), tree.ROOT / "gateway.toml"))
