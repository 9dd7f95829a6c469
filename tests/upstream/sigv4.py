"""What AWS does with a signed request: makes the signature anew from what arrived, and compares.

Written after the IAM User Guide, "Create a signed AWS API request", without botocore; held to the vectors of
AWS's Signature Version 4 test suite in tests/adapters/test_signing.py.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)


def verified(request: bytes, secret_key: str) -> dict[str, str]:
    """What a request, byte for byte as it arrived, was signed for. Raises AssertionError if it was not."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    assert match, headers["authorization"]
    access_key, day, region, service, names, given = match.groups()
    said = headers.get("x-amz-content-sha256")
    assert said in {None, hashlib.sha256(body).hexdigest()}, "the body is not the one that was signed"
    assert "host" in names.split(";")
    assert all(name in names.split(";") for name in headers if name.startswith("x-amz-"))
    wanted = signature(method, target, headers, names, body, (secret_key, day, region, service))
    assert hmac.compare_digest(wanted, given), "the signature is of another request"
    return {"access_key": access_key, "region": region, "service": service, "signed": names}


def signature(
    method: str,
    target: str,
    headers: Mapping[str, str],
    names: str,
    body: bytes,
    scope: tuple[str, str, str, str],
) -> str:
    """`scope`: secret key, day, region, service."""
    secret_key, day, region, service = scope
    path, _, query = target.partition("?")
    pairs = sorted(
        (quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in parse_qsl(query, keep_blank_values=True)
    )
    canonical = "\n".join(
        [
            method,
            quote(path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names.split(";")),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    said = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            headers["x-amz-date"],
            f"{day}/{region}/{service}/aws4_request",
            hashlib.sha256(canonical.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, said.encode(), "sha256").hexdigest()
