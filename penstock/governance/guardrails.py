"""The early guardrails: where a request comes from, how large it is, how it is packed."""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Mapping, Sequence

from penstock.governance.denied import Denied, deny

ADDRESS_STAGE = "address"
BODY_STAGE = "guardrails"
_GZIP = 31  # zlib's wbits for the gzip format (zlib manual, `inflateInit2`)


def check_address(source_ip: str, networks: Sequence[str]) -> Denied | None:
    """Refuse a request from outside `networks` (CIDR); none given admits every address.

    An address that cannot be read is outside.
    """
    if not networks or _inside(source_ip, networks):
        return None
    return deny(ADDRESS_STAGE, "address_not_allowed", 403, "Requests from this address are not allowed.")


def unpack(headers: Mapping[str, str], body: bytes, limit_bytes: int) -> bytes | Denied:
    """The body without its `Content-Encoding`, at most `limit_bytes` long before and after.

    A compressed body is opened only as far as the limit, whatever it would grow to.
    """
    if len(body) > limit_bytes:
        return _too_large(limit_bytes)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        message = "This Content-Encoding is not supported: send the body as it is, or as gzip."
        return deny(BODY_STAGE, "unsupported_content_encoding", 415, message, kind="invalid_request")
    return _gunzip(body, limit_bytes)


def _gunzip(body: bytes, limit_bytes: int) -> bytes | Denied:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        plain = unpacker.decompress(body, limit_bytes + 1)
    except zlib.error:
        return _malformed()
    if len(plain) > limit_bytes:
        return _too_large(limit_bytes)
    return plain if unpacker.eof and not unpacker.unused_data else _malformed()


def _inside(source_ip: str, networks: Sequence[str]) -> bool:
    try:
        address = ipaddress.ip_address(source_ip)
    except ValueError:
        return False
    return any(address in ipaddress.ip_network(network) for network in networks)


def _too_large(limit_bytes: int) -> Denied:
    message = f"The body is larger than {limit_bytes} bytes."
    return deny(BODY_STAGE, "payload_too_large", 413, message, kind="invalid_request", limit=limit_bytes)


def _malformed() -> Denied:
    message = "The body is not the gzip that its Content-Encoding says, or not all of it."
    return deny(BODY_STAGE, "invalid_request_body", 400, message, kind="invalid_request")
