"""A peer that speaks TLS, record by record, so that a test can stop in the middle of one."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.upstream.server import Peer


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A key and a certificate of its own for 127.0.0.1, made now and good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    key_path, certificate_path = folder / "key.pem", folder / "certificate.pem"
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return key_path, certificate_path


class TlsPeer:
    """TLS over a `Peer`. What is to be sent is encrypted first, and sent in whatever pieces."""

    def __init__(self, peer: Peer, key: Path, certificate: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._peer = peer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def request(self) -> bytes:
        """The handshake, if it is the first, and one request with the body `{}`."""
        data = b""
        while not data.endswith(b"\r\n\r\n{}"):
            try:
                data += self._tls.read(65_536)
            except ssl.SSLWantReadError:
                self.send_encrypted(self._outgoing.read())
                self._incoming.write(self._peer.take(65_536))
        return data

    def encrypted(self, data: bytes) -> bytes:
        """One record, with what is still to be sent of the handshake before it."""
        self._tls.write(data)
        return self._outgoing.read()

    def send_encrypted(self, data: bytes) -> None:
        if data:
            self._peer.send(data)
