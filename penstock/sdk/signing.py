"""Signs what a plugin sends, by Standard Webhooks (standardwebhooks.com, symmetric scheme `v1`).

    body = compact_json(evidence)
    send_signed(ctx, ctx.config.url, message_id(evidence.request_id, "my-export", body), body)

The manifest says `secrets = ["signing_key"]`: `whsec_` and the base64 of 24 to 64 random bytes. While it is
changed it is two of them, parted by a space, and so are the signatures. docs/capabilities.md has a receiver.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from penstock.sdk.delivery import Answer, attempted, post

if TYPE_CHECKING:
    from penstock.sdk.context import Context

PREFIX: Final = "whsec_"
# "Signature scheme" of the specification: random, between 24 and 64 bytes.
MIN_KEY_BYTES: Final = 24
MAX_KEY_BYTES: Final = 64


def send_signed(
    ctx: Context[Any],
    url: str,
    message_id: str,
    body: bytes,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """POST `body`, which is JSON, signed with `ctx.secret("signing_key")`; return when the receiver took it.

    Tried as `attempted` says, and signed anew for each try: receivers look at the time. Raises what
    `Answer.expect_taken` and `post` raise, and ValueError for a secret that holds no key.
    """

    def send(fresh: bool) -> Answer:
        secret = ctx.secret("signing_key", fresh=fresh).get_secret_value()
        keys = [signing_key(part) for part in secret.split()]
        headers = signed_headers(message_id, int(clock()), body, keys)
        return post(ctx, url, body, {**headers, "content-type": "application/json"})

    attempted(send, lambda: ctx.remaining_ms, sleep).expect_taken()


def message_id(request_id: str, plugin: str, body: bytes) -> str:
    """The same for each copy of a message, so that a receiver takes it once; another for another body."""
    return f"msg_{request_id}_{plugin}_{hashlib.sha256(body).hexdigest()[:16]}"


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


def signed_headers(message_id: str, sent_at_s: int, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """The three headers of a webhook: `webhook-id`, `webhook-timestamp`, and a signature for each of `keys`.

    `message_id` holds no full stop: the parts of what is signed are joined by one. Raises ValueError where
    it does, and without a key.
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
