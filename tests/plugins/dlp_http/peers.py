"""DLPs as their documentation has them: one of the plugin's own format, Presidio's analyzer, Google's.

Each finds e-mail addresses and payment cards by itself, checks its token, and answers as the real one does
when a request is wrong. `script`: what the next calls get in place of an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

TOKEN = "dlp-token-1"
EMAIL = re.compile(r"[a-z.]{1,40}@[a-z]{1,40}(?:\.[a-z]{1,20}){1,4}")
CARD = re.compile(r"4[0-9 ]{15,18}")
STOPPED = "top secret"
Script = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Dlp(httpx.BaseTransport):
    """What they have in common: a token, a script, a memory."""

    def __init__(self, *script: Script) -> None:
        self.token = TOKEN
        self.script = list(script)
        self.calls: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.script:
            told = self.script.pop(0)
            if isinstance(told, Exception):
                raise told
            return told if isinstance(told, httpx.Response) else told(request)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self.refusal()
        return self.judged(json.loads(request.content))

    @property
    def asked(self) -> list[Any]:
        """The bodies that came."""
        return [json.loads(request.content) for request in self.calls]

    def refusal(self) -> httpx.Response:
        return httpx.Response(401, json={"error": "unauthorized"})

    def judged(self, body: Any) -> httpx.Response:
        raise NotImplementedError


class OwnFormat(Dlp):
    """Masks addresses by spans and cards by a text, stops what is top secret; answers from the last on."""

    def judged(self, body: Any) -> httpx.Response:
        verdicts = [{"id": one["id"], **self._verdict(one["text"])} for one in body["segments"]]
        return httpx.Response(200, json={"segments": verdicts[::-1], "took_ms": 3})

    def _verdict(self, text: str) -> dict[str, Any]:
        if STOPPED in text:
            return {"verdict": "block", "why": "a rule of ours"}
        if CARD.search(text):
            return {"verdict": "mask", "text": CARD.sub("<card>", text)}
        spans = [{"start": m.start(), "end": m.end(), "text": "<email>"} for m in EMAIL.finditer(text)]
        return {"verdict": "mask", "spans": spans} if spans else {"verdict": "allow"}


class Analyzer(Dlp):
    """Presidio's: `app.py` of its image. `takes_lists`: since December 2025."""

    def __init__(self, *script: Script, takes_lists: bool = True) -> None:
        super().__init__(*script)
        self._takes_lists = takes_lists

    def judged(self, body: Any) -> httpx.Response:
        if not body.get("text"):
            return httpx.Response(500, json={"error": "No text provided"})
        if body.get("language") != "en":
            return httpx.Response(500, json={"error": "No matching recognizers were found"})
        if not self._takes_lists:
            return httpx.Response(500, json={"error": "'list' object has no attribute 'lower'"})
        wanted = body.get("entities") or ["EMAIL_ADDRESS", "CREDIT_CARD", "URL"]
        return httpx.Response(200, json=[list(self._found(text, wanted)) for text in body["text"]])

    def _found(self, text: str, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        for kind, start, end in found_in(text):
            if kind in wanted:
                more = {"score": 1.0, "analysis_explanation": None}
                yield {"entity_type": kind, "start": start, "end": end, **more}
            if kind == "EMAIL_ADDRESS" and "URL" in wanted:
                # It finds the domain of an address as a URL too: findings overlap.
                at = text.index("@", start) + 1
                yield {"entity_type": "URL", "start": at, "end": end, "score": 0.5}


class Inspector(Dlp):
    """Google's `content:inspect` with a table: members that are 0 are left out, long numbers are texts."""

    most_bytes = 524_288
    most_findings = 3_000

    def refusal(self) -> httpx.Response:
        error = {"code": 401, "message": "Request had invalid credentials.", "status": "UNAUTHENTICATED"}
        return httpx.Response(401, json={"error": error})

    def judged(self, body: Any) -> httpx.Response:
        if len(json.dumps(body)) > self.most_bytes:
            return httpx.Response(400, json={"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
        wanted = {each["name"] for each in body["inspectConfig"].get("infoTypes", [])}
        rows = [row["values"][0]["stringValue"] for row in body["item"]["table"]["rows"]]
        findings = [
            self._finding(number, kind, start, end)
            for number, text in enumerate(rows)
            for kind, start, end in found_in(text, "CREDIT_CARD_NUMBER")
            if not wanted or kind in wanted
        ]
        result: dict[str, Any] = {"findings": findings[: self.most_findings]} if findings else {}
        if len(findings) > self.most_findings:
            result["findingsTruncated"] = True
        return httpx.Response(200, json={"result": result})

    def _finding(self, row: int, kind: str, start: int, end: int) -> dict[str, Any]:
        place = {**({"start": str(start)} if start else {}), "end": str(end)}
        record = {
            "fieldId": {"name": "text"},
            "tableLocation": {"rowIndex": str(row)} if row else {},
        }
        return {
            "infoType": {"name": kind, "sensitivityScore": {"score": "SENSITIVITY_MODERATE"}},
            "likelihood": "LIKELY",
            "location": {
                "byteRange": place,
                "codepointRange": place,
                "contentLocations": [{"recordLocation": record}],
            },
            "createTime": "2026-11-22T09:15:00.123Z",
        }


def found_in(text: str, card: str = "CREDIT_CARD") -> Iterator[tuple[str, int, int]]:
    """What the two find by default."""
    for kind, pattern in (("EMAIL_ADDRESS", EMAIL), (card, CARD)):
        for match in pattern.finditer(text):
            yield kind, match.start(), match.end()


class Rotated(dict[str, str]):
    """A secret whose first reading is the old value, as a function's memory has it."""

    def __init__(self, *values: str) -> None:
        super().__init__(token=values[-1])
        self._values = list(values)

    def __getitem__(self, name: str) -> str:
        return self._values.pop(0) if len(self._values) > 1 else self._values[0]
