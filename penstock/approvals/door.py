"""The door for approvers: GET asks, POST decides, HEAD says that there is something.

Mail scanners open every link in a message: no GET or HEAD decides, and the POST carries a mark that is in the
page alone. A scanner that submits forms would decide; that is in docs/approvals.md.

    shape of the link → its plugin → its signature → (POST: size, origin, mark, choice) → time → the answer
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qs

from penstock.approvals import page
from penstock.approvals.decide import Deciding
from penstock.approvals.links import Link, form_mark, read_link, same, signature
from penstock.approvals.store import Choice
from penstock.errors import PenstockError

# The form has two fields of under 60 bytes.
MAX_BODY_BYTES: Final = 1024
CHOICES: Final[Mapping[str, Choice]] = {"approve": "approved", "deny": "denied"}
Refusal = Literal["method", "link", "signature", "expired", "form", "unavailable"]

_SAID: Final[Mapping[Refusal, tuple[int, str, str]]] = {
    "method": (405, "This cannot be done", "Open the link that you were sent in a browser."),
    "link": (404, "This link leads nowhere", "Open the whole link, as it stands in the message."),
    "signature": (403, "This link is not valid", "Open the whole link, as it stands in the message."),
    "expired": (410, "Too late", "The time to answer has passed. A request that is sent again asks anew."),
    "form": (400, "That was no answer", "Open the link again and press one of the two buttons."),
    "unavailable": (503, "Not yet", "Your answer could not be passed on. Open the link again in a minute."),
}

log = logging.getLogger(__name__)


class Asking(NamedTuple):
    """One request for the page. Header names are in lower case; nothing is trusted."""

    method: str
    plugin: str
    run_id: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: bytes


class Shown(NamedTuple):
    """What comes back."""

    status: int
    headers: Mapping[str, str]
    body: str


class _RefusedError(Exception):
    def __init__(self, why: Refusal) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Door:
    """`plugins`: those with an approval step. `key`: the link secret of one. `count`: refusals."""

    plugins: Mapping[str, Deciding]
    key: Callable[[str], bytes]
    count: Callable[[str, Refusal], None]

    def answer(self, asking: Asking) -> Shown:
        """Never raises for what was asked."""
        try:
            shown = self._answered(asking)
        except _RefusedError as refused:
            shown = self._refused(asking, refused.why)
        except PenstockError:
            log.exception("an approval could not be served", extra={"plugin": self._named(asking)})
            shown = self._refused(asking, "unavailable")
        return shown._replace(body="") if asking.method == "HEAD" else shown

    def _answered(self, asking: Asking) -> Shown:
        if asking.method not in {"GET", "HEAD", "POST"}:
            raise _RefusedError("method")
        link, key = self._admitted(asking)
        deciding = self.plugins[link.plugin]
        details = deciding.approvals.page(link.run_id)
        choice = _choice(asking, form_mark(key, link)) if asking.method == "POST" else None
        state = deciding.approvals.state(link.run_id, link.step)
        if deciding.is_over(link, state):
            raise _RefusedError("expired")
        # Without a choice too: what a POST has decided and could not hand on is handed on now.
        state = deciding.finished(link, state) if choice is None else deciding.decide(link, choice)
        if state.answer is not None:
            return _shown(page.told(state, details, link.approver))
        until_s = state.waiting.until_s if state.waiting else link.until_s
        return _shown(page.question(link, details, form_mark(key, link), until_s))

    def _admitted(self, asking: Asking) -> tuple[Link, bytes]:
        read = read_link(asking.plugin, asking.run_id, asking.query)
        if read is None or asking.plugin not in self.plugins:
            raise _RefusedError("link")
        link, given = read
        key = self.key(link.plugin)
        if not same(signature(key, link), given):
            raise _RefusedError("signature")
        return link, key

    def _refused(self, asking: Asking, why: Refusal) -> Shown:
        named = self._named(asking)
        # Neither link nor run: who reads logs could take part of one for a whole one.
        log.warning("an approval was refused", extra={"plugin": named, "reason": why})
        self.count(named, why)
        status, title, sentence = _SAID[why]
        more = {"allow": "GET, HEAD, POST"} if why == "method" else {}
        return Shown(status, {**page.HEADERS, **more}, page.refused(title, sentence))

    def _named(self, asking: Asking) -> str:
        """A name of configuration; what else stands in a path is anybody's."""
        return asking.plugin if asking.plugin in self.plugins else "-"


def _choice(asking: Asking, mark: str) -> Choice:
    kind = asking.headers.get("content-type", "").partition(";")[0].strip().lower()
    if len(asking.body) > MAX_BODY_BYTES or kind != "application/x-www-form-urlencoded":
        raise _RefusedError("form")
    # Fetch Metadata Request Headers (W3C); who sends none has the mark to show.
    if asking.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise _RefusedError("form")
    try:
        form = parse_qs(asking.body.decode("ascii"), strict_parsing=True, max_num_fields=2)
    except ValueError:
        raise _RefusedError("form") from None
    decision, marks = form.get("decision", []), form.get("mark", [])
    if len(decision) != 1 or decision[0] not in CHOICES or len(marks) != 1 or not same(mark, marks[0]):
        raise _RefusedError("form")
    return CHOICES[decision[0]]


def _shown(body: str) -> Shown:
    return Shown(200, page.HEADERS, body)
