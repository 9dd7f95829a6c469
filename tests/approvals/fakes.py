"""A door in memory: one plugin with an approval step, its link, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from penstock.adapters.objects import MemoryObjects
from penstock.adapters.task_tokens import MemoryTasks
from penstock.approvals.decide import Asked, Deciding
from penstock.approvals.door import Asking, Door, Refusal, Shown
from penstock.approvals.links import Links
from penstock.approvals.store import Approvals, Waiting
from penstock.evidence import layout
from penstock.evidence.archive import Archive
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import DigestKey
from penstock.evidence.schema import decode
from penstock.sdk.storage import MemoryStorage

PLUGIN, STEP, RUN = "approval-gate", "decide", "run-1"
REQUEST_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
KEY, DIGEST_KEY = b"k" * 48, DigestKey("k1", b"0" * 32)
BEGIN_S, LASTING_S = 1_790_000_000, 600
FORM = "application/x-www-form-urlencoded"
DETAILS: dict[str, Any] = {
    "organisation": "acme",
    "api_key": "key-1",
    "model": "sensitive-1",
    "tags": {"cost_center": "cc-1"},
    "asked_at_s": BEGIN_S,
    "reference": "ab" * 13,
    "lifetime_s": 900,
    "uses": 1,
}


class Scene:
    """`now_s` goes on when a test says so."""

    def __init__(self) -> None:
        self.now_s: float = BEGIN_S
        self.own, self.pages = MemoryStorage(self.clock), MemoryStorage(self.clock)
        self.tasks, self.objects = MemoryTasks(), MemoryObjects()
        self.refused: list[tuple[str, Refusal]] = []
        self.counted: list[str] = []
        self.approvals = Approvals(self.own, self.pages, self.clock)
        self.deciding = self.deployed("sha256:" + "b" * 64)
        self.door = Door({PLUGIN: self.deciding}, lambda _: KEY, lambda *each: self.refused.append(each))
        self.pages.put(f"page/{RUN}", DETAILS)

    def deployed(self, snapshot: str) -> Deciding:
        asked = Asked(PLUGIN, "1.0.0", "sha256:" + "a" * 64, snapshot)
        archive, key = Archive(self.objects), lambda: DIGEST_KEY
        return Deciding(asked, self.approvals, self.tasks, archive, key, self.clock, self.counted.append)

    def clock(self) -> float:
        return self.now_s

    def waits(self, token: str = "token-1", lasting_s: int = LASTING_S) -> None:
        self.deciding.wait(RUN, STEP, Waiting(token, int(self.now_s) + lasting_s, REQUEST_ID, "acme"))

    def link(self, approver: str = "anna", key: bytes = KEY, plugin: str = PLUGIN, run: str = RUN) -> str:
        base = "https://gateway.example/live"
        return Links(plugin, base, lambda: key, {STEP: LASTING_S}, self.clock).url(run, STEP, approver)

    def get(self, link: str, method: str = "GET", body: bytes = b"", **headers: str) -> Shown:
        url = urlsplit(link)
        *_, plugin, run = url.path.split("/")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.door.answer(Asking(method, plugin, run, parse_qs(url.query), given, body))

    def mark(self, link: str) -> str:
        found = re.search(r'name="mark" value="([^"]+)"', self.get(link).body)
        assert found is not None
        return found[1]

    def post(self, link: str, decision: str = "approve", mark: str | None = None, **headers: str) -> Shown:
        form = {"mark": self.mark(link) if mark is None else mark, "decision": decision}
        return self.get(link, "POST", urlencode(form).encode(), **{"content_type": FORM, **headers})

    @property
    def records(self) -> list[DeliveryRecord]:
        raw = map(self.objects.get, sorted(self.objects.list("")))
        return [decode(DeliveryRecord, layout.unpack(each)) for each in raw if each is not None]


def with_query(link: str, change: Mapping[str, str]) -> str:
    """The link with other values in it."""
    head, _, query = link.partition("?")
    return f"{head}?{urlencode({**{k: v[0] for k, v in parse_qs(query).items()}, **change})}"
