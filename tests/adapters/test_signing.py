"""Signatures as AWS checks them, made with whatever credentials the environment has at the time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from penstock.adapters.signing import RoleSigner
from penstock.errors import ConfigurationError, StorageError
from tests.upstream.sigv4 import signature, verified

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
URL = "https://bedrock-mantle.eu-west-1.api.aws/anthropic/v1/messages"
SCOPE = (SECRET, "20150830", "us-east-1", "service")


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the credentials of the environment, as Lambda does for a function's role."""

    def become(access_key: str) -> None:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "session-token")

    become("AKIDEXAMPLE")
    return become


def arrived(headers: dict[str, str], body: bytes, url: str = URL, method: str = "POST") -> bytes:
    """The bytes of a request with these headers."""
    _, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    lines = [f"{method} /{path} HTTP/1.1", f"host: {host}", *(f"{n}: {v}" for n, v in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
def test_the_check_itself_is_that_of_aws_s_test_suite(method: str, target: str, expected: str) -> None:
    headers = {"host": "example.amazonaws.com", "x-amz-date": "20150830T123600Z"}
    assert signature(method, target, headers, "host;x-amz-date", b"", SCOPE) == expected


def test_a_request_is_signed_for_its_service_and_region_and_over_its_body(role: Any) -> None:
    body = '{"model":"anthropic.claude","messages":[{"content":"ü"}]}'.encode()
    given = {"content-type": "application/json", "user-agent": "penstock", "anthropic-version": "2023-06-01"}
    signed = RoleSigner().sign("bedrock-mantle", "eu-west-1", "POST", URL, given, body)
    assert signed.keys() == {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
    assert signed["x-amz-security-token"] == "session-token"
    found = verified(arrived({"content-type": "application/json", **signed}, body), SECRET)
    assert (found["access_key"], found["region"], found["service"]) == (
        "AKIDEXAMPLE",
        "eu-west-1",
        "bedrock-mantle",
    )
    assert "content-type" in found["signed"]
    with pytest.raises(AssertionError, match="not the one that was signed"):
        verified(arrived({"content-type": "application/json", **signed}, body + b" "), SECRET)


@pytest.mark.parametrize(
    "url",
    [
        "https://bedrock-runtime.us-gov-west-1.amazonaws.com/openai/v1/chat/completions",
        "https://x.example.com:8443/v1/files/a-b.c_d?limit=2&after=a%20b%2Fc&b=&a=1",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_paths_ports_and_queries_are_signed_as_they_are_sent(role: Any, url: str, method: str) -> None:
    signed = RoleSigner().sign("bedrock", "us-gov-west-1", method, url, {}, b"")
    verified(arrived(signed, b"", url, method), SECRET)
    with pytest.raises(AssertionError, match="of another request"):
        verified(arrived(signed, b"", url + "x", method), SECRET)


def test_credentials_that_expire_are_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def fresh() -> dict[str, str]:
        asked.append(1)
        life = timedelta(minutes=1 if len(asked) == 1 else 60)  # the first are about to expire
        return {
            "access_key": f"AKID{len(asked)}",
            "secret_key": SECRET,
            "token": "t",
            "expiry_time": (datetime.now(UTC) + life).isoformat(),
        }

    refreshable = RefreshableCredentials.create_from_metadata(fresh(), fresh, "test")
    signer = RoleSigner()
    monkeypatch.setattr(signer, "_credentials", refreshable)
    signed = signer.sign("bedrock", "eu-west-1", "POST", URL, {}, b"{}")
    assert "Credential=AKID2/" in signed["authorization"]


def test_without_credentials_the_operator_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match="no AWS credentials"):
        RoleSigner().sign("bedrock", "eu-west-1", "POST", URL, {}, b"")


def test_credentials_that_cannot_be_renewed_are_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def get_frozen_credentials(self) -> None:
            raise CredentialRetrievalError(provider="role", error_msg="gone")

    signer = RoleSigner()
    monkeypatch.setattr(signer, "_credentials", Gone())
    with pytest.raises(StorageError):
        signer.sign("bedrock", "eu-west-1", "POST", URL, {}, b"")


def test_making_one_imports_nothing_of_botocore() -> None:
    code = "import sys, penstock.adapters.signing as s; s.RoleSigner(); print('botocore' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
