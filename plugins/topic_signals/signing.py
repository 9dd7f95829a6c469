"""Signs a webhook by the Standard Webhooks specification (standardwebhooks.com, symmetric scheme `v1`)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
# "Signature scheme" of the specification: random, between 24 and 64 bytes.
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64


def signing_key(secret: str) -> bytes:
    """The key in `secret`: base64, with or without `whsec_`. Raises ValueError that repeats none of it."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(
            "the signing key is not base64: give whsec_ and the base64 of 32 random bytes"
        ) from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise ValueError(f"the signing key must have {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes: make it anew")
    return key


def signed_headers(message_id: str, sent_at_s: int, body: bytes, keys: list[bytes]) -> dict[str, str]:
    """The three headers of a webhook. There are two `keys`, and two signatures, while one is rotated.

    `message_id` holds no full stop: the parts of what is signed are joined by one.
    """
    if not keys:
        raise ValueError("there is no signing key: nothing is sent unsigned")
    if "." in message_id:
        raise ValueError("a message id holds no full stop")
    content = f"{message_id}.{sent_at_s}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(sent_at_s),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
