from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpcore
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from penstock.egress.network import MOST_TRIED, PublicNetwork, PublicTransport, RefusedAddressError, resolved
from penstock.errors import FailureClass

HOST = "siem.example.com"


class Stream(httpcore.NetworkStream):
    """A connection that nobody reads."""


@dataclass
class Wires(httpcore.NetworkBackend):
    """Remembers who was connected to; those in `dead` do not answer."""

    dead: frozenset[str] = frozenset()
    tried: list[tuple[str, int, float | None]] = field(default_factory=list)

    def connect_tcp(  # type: ignore[no-untyped-def]  # the base class has the types
        self, host, port, timeout=None, local_address=None, socket_options=None
    ) -> httpcore.NetworkStream:
        del local_address, socket_options
        self.tried.append((host, port, timeout))
        if host in self.dead:
            raise httpcore.ConnectTimeout
        return Stream()


def network(wires: Wires, *addresses: str, loopback: frozenset[str] = frozenset()) -> PublicNetwork:
    return PublicNetwork(wires, lambda _host, _port: addresses, loopback)


def test_a_name_is_connected_to_at_the_address_that_was_judged() -> None:
    wires = Wires()
    network(wires, "8.8.8.8").connect_tcp(HOST, 443, timeout=2.0)
    assert wires.tried == [("8.8.8.8", 443, 2.0)]


def test_each_connection_resolves_once_however_the_name_changes() -> None:
    asked: list[str] = []
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])

    def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    wires = Wires()
    changing = PublicNetwork(wires, resolve)
    changing.connect_tcp(HOST, 443)
    with pytest.raises(RefusedAddressError):
        changing.connect_tcp(HOST, 443)
    assert (asked, [host for host, *_ in wires.tried]) == ([HOST, HOST], ["8.8.8.8"])


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.1.2.3", "::1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("beside", [(), ("8.8.8.8",)])
def test_a_name_with_any_address_that_is_not_public_is_refused(address: str, beside: tuple[str]) -> None:
    wires = Wires()
    with pytest.raises(RefusedAddressError, match=HOST) as raised:
        network(wires, *beside, address).connect_tcp(HOST, 443)
    assert (wires.tried, raised.value.failure) == ([], FailureClass.DENIED)


def test_only_a_name_that_is_allowed_to_may_lead_to_this_machine_and_nowhere_else_inside() -> None:
    wires = Wires()
    local = frozenset({"localhost"})
    network(wires, "127.0.0.1", loopback=local).connect_tcp("localhost", 9000)
    assert wires.tried == [("127.0.0.1", 9000, None)]
    with pytest.raises(RefusedAddressError):
        network(wires, "10.0.0.1", loopback=local).connect_tcp("localhost", 9000)
    with pytest.raises(RefusedAddressError):
        network(wires, "127.0.0.1", loopback=local).connect_tcp("other", 9000)


def test_addresses_that_do_not_answer_are_tried_past_within_the_same_time() -> None:
    wires = Wires(frozenset({"8.8.8.8"}))
    network(wires, "8.8.8.8", "8.8.4.4").connect_tcp(HOST, 443, timeout=2.0)
    assert wires.tried == [("8.8.8.8", 443, 1.0), ("8.8.4.4", 443, 1.0)]


def test_a_name_with_many_dead_addresses_costs_few_tries() -> None:
    many = [f"8.8.8.{number}" for number in range(20)]
    wires = Wires(frozenset(many))
    with pytest.raises(httpcore.ConnectTimeout):
        network(wires, *many).connect_tcp(HOST, 443, timeout=3.0)
    assert len(wires.tried) == MOST_TRIED


@pytest.mark.parametrize("failure", [OSError("nobody knows it"), UnicodeError("label too long"), None])
def test_a_name_without_an_address_is_an_error_of_connecting(failure: Exception | None) -> None:
    def resolve(_host: str, _port: int) -> Sequence[str]:
        if failure is not None:
            raise failure
        return []

    with pytest.raises(httpcore.ConnectError):
        PublicNetwork(Wires(), resolve).connect_tcp("a" * 80, 443)


def test_a_socket_of_this_machine_is_never_opened() -> None:
    with pytest.raises(NotImplementedError):
        network(Wires()).connect_unix_socket("/var/run/docker.sock")


@pytest.mark.enable_socket
@pytest.mark.parametrize("spelling", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "127.0.0.1"])
def test_however_this_machine_is_spelled_the_systems_resolver_gives_it_away(spelling: str) -> None:
    wires = Wires()
    with pytest.raises((RefusedAddressError, httpcore.ConnectError)):
        PublicNetwork(wires, resolved).connect_tcp(spelling, 443)
    assert wires.tried == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of HOST, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "host.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@dataclass
class Receiver:
    """A TLS server on this machine that says once which name was asked for."""

    port: int
    names: list[str | None] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)


@pytest.fixture
def receiver(certificate: Path) -> Iterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Receiver(listening.getsockname()[1])
        context.sni_callback = lambda _socket, name, _context: found.names.append(name)

        def serve() -> None:
            try:
                accepted, _ = listening.accept()
                with context.wrap_socket(accepted, server_side=True) as wrapped:
                    found.requests.append(wrapped.recv(65_536))
                    wrapped.sendall(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield found
    thread.join(5)


def client(certificate: Path, host: str) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(certificate))
    transport = PublicTransport(frozenset({host}), lambda _host, _port: ["127.0.0.1"], context)
    return httpx.Client(transport=transport, trust_env=False, timeout=5)


@pytest.mark.enable_socket
def test_the_certificate_is_checked_for_the_name_and_not_for_the_address(
    certificate: Path, receiver: Receiver
) -> None:
    with client(certificate, HOST) as sending:
        assert sending.get(f"https://{HOST}:{receiver.port}/in").status_code == 204
    assert receiver.names == [HOST]
    assert f"Host: {HOST}:{receiver.port}".encode() in receiver.requests[0]


@pytest.mark.enable_socket
def test_a_certificate_of_another_name_is_no_connection(certificate: Path, receiver: Receiver) -> None:
    with client(certificate, "other.example.com") as sending, pytest.raises(httpx.ConnectError):
        sending.get(f"https://other.example.com:{receiver.port}/in")
    assert receiver.requests == []


@pytest.mark.enable_socket
def test_a_proxy_of_the_environment_is_not_used(
    certificate: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with client(certificate, HOST) as sending:
        assert sending.get(f"https://{HOST}:{receiver.port}/in").status_code == 204
