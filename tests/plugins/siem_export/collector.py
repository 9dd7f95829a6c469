"""Splunk's HTTP Event Collector as its documentation has it, with the codes that it answers; and its index.

An event is indexed after `indexing` questions for it; its acknowledgement is told once, then forgotten.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import httpx

TOKEN = "b5a79aad-d822-46cc-80d1-819f80d7bfb0"
CHANNEL = "x-splunk-request-channel"
Script = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Collector(httpx.BaseTransport):
    """`acknowledges`: the token's own setting. `script`: what the next calls get in place of an answer."""

    def __init__(self, *script: Script, acknowledges: bool = False, indexing: int = 0) -> None:
        self.token = TOKEN
        self.index: list[dict[str, Any]] = []
        self.calls: list[httpx.Request] = []
        self.asked = 0
        self.drops = 0
        """How many events are to be lost between being taken and being indexed."""
        self.script = list(script)
        self._acknowledges, self._indexing = acknowledges, indexing
        self._waiting: dict[str, dict[int, list[Any]]] = defaultdict(dict)
        self._given: dict[str, int] = defaultdict(int)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.script and not request.url.path.endswith("/ack"):
            told = self.script.pop(0)
            if isinstance(told, Exception):
                raise told
            return told if isinstance(told, httpx.Response) else told(request)
        return self._refusal(request) or self._served(request)

    def keys(self) -> list[str]:
        """The idempotency keys of what is indexed, in the order of arrival."""
        return [event["fields"]["idempotency_key"] for event in self.index]

    def _refusal(self, request: httpx.Request) -> httpx.Response | None:
        given = request.headers.get("authorization")
        if given is None:
            return said(401, 2, "Token is required")
        if not given.startswith("Splunk "):
            return said(401, 3, "Invalid authorization")
        if given != f"Splunk {self.token}":
            return said(403, 4, "Invalid token")
        if self._acknowledges and CHANNEL not in request.headers and "channel" not in request.url.params:
            return said(400, 10, "Data channel is missing")
        return None

    def _served(self, request: httpx.Request) -> httpx.Response:
        packed = request.headers.get("content-encoding") == "gzip"
        content = gzip.decompress(request.content) if packed else request.content
        if request.url.path.endswith("/ack"):
            return self._acks(request, json.loads(content)["acks"])
        event = json.loads(content)
        if "event" not in event:
            return said(400, 12, "Event field is required")
        if event.get("index") == "missing":
            return said(400, 7, "Incorrect index")
        return self._taken(request, event)

    def _taken(self, request: httpx.Request, event: dict[str, Any]) -> httpx.Response:
        lost, self.drops = self.drops > 0, max(0, self.drops - 1)
        if not self._acknowledges:
            self.index.append(event)
            return said(200, 0, "Success")
        channel = request.headers[CHANNEL]
        number = self._given[channel]
        self._given[channel] += 1
        self._waiting[channel][number] = [float("inf") if lost else self._indexing, event]
        return said(200, 0, "Success", ackId=number)

    def _acks(self, request: httpx.Request, numbers: list[int]) -> httpx.Response:
        self.asked += 1
        if not self._acknowledges:
            return said(400, 14, "ACK is disabled")
        channel = self._waiting[request.url.params["channel"]]
        return httpx.Response(
            200, json={"acks": {str(number): self._ack(channel, number) for number in numbers}}
        )

    def _ack(self, channel: dict[int, list[Any]], number: int) -> bool:
        if number not in channel:
            return False
        channel[number][0] -= 1
        if channel[number][0] >= 0:
            return False
        self.index.append(channel.pop(number)[1])
        return True


def said(status: int, code: int, text: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"text": text, "code": code, **more})


def endless(read: list[int]) -> Iterator[bytes]:
    """100 MB and more; `read` counts the pieces of 64 KB that somebody took."""
    while True:
        read.append(65_536)
        yield b"x" * 65_536
