"""Ids that an MCP server gave, made such that only the key that got them can use them.

    ps1.<the server's id, base64url>.<HMAC-SHA256 over purpose, scope and id, 24 bytes, base64url>

The seal needs no store: whoever brings the token brings all that is needed to check it. It is no cipher: who
holds a token can read the server's own id in it, but has no way to the server except through the gateway.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Sequence
from typing import Final, Literal

Purpose = Literal["session", "event"]

_TOKEN: Final = re.compile(r"ps1\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]{32})")
# MCP, "Session Management": visible ASCII. Longer ones would not fit among 10 KB of headers.
_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_MAC_BYTES: Final = 24
_KEY_PURPOSE: Final = b"penstock mcp sealing key 1"


class Sealer:
    """Seals and opens with one key. `scope` says for whom: server, organisation, API key, tenant."""

    __slots__ = ("_key",)

    def __init__(self, evidence_key: bytes) -> None:
        """The key is derived, so that neither can be had from the other's products (NIST SP 800-108)."""
        self._key = hmac.digest(evidence_key, _KEY_PURPOSE, "sha256")

    def seal(self, purpose: Purpose, scope: Sequence[str], value: str) -> str | None:
        """The token for `value`; None when it is no id that a header can carry."""
        if _ID.fullmatch(value) is None:
            return None
        return f"ps1.{_text(value.encode())}.{_text(self._mac(purpose, scope, value))}"

    def open(self, purpose: Purpose, scope: Sequence[str], token: str) -> str | None:
        """The value of a token that was sealed for this purpose and scope; else None."""
        found = _TOKEN.fullmatch(token)
        if found is None:
            return None
        try:
            value = base64.urlsafe_b64decode(found[1] + "=" * (-len(found[1]) % 4)).decode("ascii")
            mac = base64.urlsafe_b64decode(found[2])
        except (binascii.Error, UnicodeDecodeError):
            return None
        return value if hmac.compare_digest(mac, self._mac(purpose, scope, value)) else None

    def _mac(self, purpose: Purpose, scope: Sequence[str], value: str) -> bytes:
        parts = (purpose, *scope, value)
        message = b"".join(b"%d:%b" % (len(raw), raw) for raw in (part.encode() for part in parts))
        return hmac.digest(self._key, message, "sha256")[:_MAC_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
