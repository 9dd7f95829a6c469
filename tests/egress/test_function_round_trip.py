"""A plugin's client, boto's Lambda client, Lambda's API, the egress function, a receiver: over loopback."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from functions.egress.handler import egress_of
from penstock.adapters.clients import Clients, Endpoint
from penstock.background.capabilities import GrantedTransport
from penstock.background.sending import alias_transport
from penstock.configuration.snapshot import encode_snapshot
from penstock.dev.invocation import Returned
from penstock.dev.lambda_api import LambdaApi
from penstock.errors import FieldNotGrantedError
from tests.background.test_deployed import LIMITS, SETTINGS, snapshot
from tests.background.test_sending import EMITS
from tests.egress.test_function import Kept

pytestmark = pytest.mark.enable_socket
PLACE = "arn:aws:lambda:eu-central-1:000000000000:function:d-egress"


@dataclass
class Receiver:
    """A host on this machine, and what it was sent."""

    host: str = ""
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.requests.append((self.path, self.headers["x-own"], body))
            self.send_response(307 if self.path == "/away" else 201)
            self.send_header("x-request-id", "their-7")
            self.send_header("location", "https://evil.example.com/")
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"\x00\xffok")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        found.host = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def lambda_url(tmp_path: Path, receiver: Receiver) -> Iterator[str]:
    """Lambda with the egress function in it, invoked by the plugin's alias."""
    deployed = snapshot(EMITS).plugins["audit-export"]
    path = tmp_path / "snapshot.json"
    path.write_bytes(encode_snapshot(LIMITS, [replace(deployed, hosts=(receiver.host,))], [EMITS]))
    egress = egress_of("d-egress", replace(SETTINGS, snapshot_path=str(path), local=True))

    def invoked(event: bytes) -> Returned:
        answer = egress.answer(json.loads(event), f"{PLACE}:audit-export", 30)
        return Returned(json.dumps(answer).encode())

    api = LambdaApi({"d-egress:audit-export": invoked})
    api.start()
    yield api.url
    api.stop()


def client(url: str, *hosts: str) -> tuple[httpx.Client, GrantedTransport]:
    endpoint = Endpoint(region="eu-central-1", url=url, access_key_id="a", secret_access_key="b")
    sending = alias_transport(Clients(endpoint), "d-egress:audit-export")
    near = GrantedTransport(sending, frozenset(hosts), Kept(), local=True)
    return httpx.Client(transport=near, trust_env=False, timeout=10), near


def test_a_delivery_goes_all_the_way_and_its_receipt_comes_back(lambda_url: str, receiver: Receiver) -> None:
    sending, near = client(lambda_url, receiver.host)
    answer = sending.post(f"http://{receiver.host}/in", content=b"\x00\xfe", headers={"x-own": "1"})
    assert (answer.status_code, answer.content) == (201, b"\x00\xffok")
    assert receiver.requests == [("/in", "1", b"\x00\xfe")]
    (delivery,) = near.deliveries
    assert (delivery.host, delivery.status, delivery.delivery_id) == (receiver.host, 201, "their-7")


def test_a_redirect_away_is_not_followed_by_either_side(lambda_url: str, receiver: Receiver) -> None:
    sending, _ = client(lambda_url, receiver.host)
    answer = sending.post(f"http://{receiver.host}/away", headers={"x-own": "1"}, content=b"x")
    assert (answer.status_code, len(receiver.requests)) == (307, 1)


def test_who_goes_past_the_library_s_check_is_stopped_by_the_function(
    lambda_url: str, receiver: Receiver
) -> None:
    """The near side admits it here; the snapshot of the egress function does not."""
    other: Any = "127.0.0.1:1"
    sending, _ = client(lambda_url, receiver.host, other)
    with pytest.raises(FieldNotGrantedError):
        sending.post(f"http://{other}/in", content=b"x")
    assert receiver.requests == []
