"""A receiver of Standard Webhooks that checks what it gets by its own reading of the specification."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any

import httpx

TOLERANCE_S = 300


class Receiver(httpx.BaseTransport):
    """Answers with the statuses that it is told, then 200; keeps what was signed rightly, by id."""

    def __init__(self, secret: str, *statuses: int, now_s: int = 1_700_000_000) -> None:
        self.taken: dict[str, Any] = {}
        self.calls: list[httpx.Request] = []
        self.problem: str | None = None
        self.error: Exception | None = None
        self.body: Iterator[bytes] | bytes = b""
        self.headers: dict[str, str] = {}
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._statuses = list(statuses)
        self._now_s = now_s

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.error:
            raise self.error
        self.problem = self._problem(request)
        status = 401 if self.problem else self._statuses.pop(0) if self._statuses else 200
        if 200 <= status < 300:
            self.taken[request.headers["webhook-id"]] = json.loads(request.content)
        return httpx.Response(status, headers=self.headers, content=self.body)

    def _problem(self, request: httpx.Request) -> str | None:
        message_id, sent_at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        if abs(self._now_s - int(sent_at)) > TOLERANCE_S:
            return "too old or too new"
        content = b".".join([message_id.encode(), sent_at.encode(), request.content])
        expected = base64.b64encode(hmac.new(self._key, content, hashlib.sha256).digest()).decode()
        given = [part.split(",", 1) for part in request.headers["webhook-signature"].split(" ")]
        matches = [hmac.compare_digest(value, expected) for version, value in given if version == "v1"]
        return None if any(matches) else "no signature fits"
