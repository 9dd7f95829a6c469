"""The page: plain, escaped, and clear about what happens next."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from penstock.approvals import page
from penstock.approvals.links import Link
from penstock.approvals.store import Answer, State, Waiting
from tests.approvals.fakes import BEGIN_S, DETAILS

LINK = Link("approval-gate", "run-1", "decide", "anna", BEGIN_S + 600)
WAITING = Waiting("token", BEGIN_S + 600, "01890a5d-ac96-774b-bcce-b302099a8057", "acme")
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202etxt.exe\x00\ud800'
ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "h1", "p", "b", "dl", "div", "dt", "dd"),
    *("bdi", "code", "pre", "form", "input", "button"),
}


class Reading(HTMLParser):
    """Tags with their attributes, and the text that is seen."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else f" {data}"
        self._style = False


def asking(**details: Any) -> str:
    return page.question(LINK, {**DETAILS, **details}, "mark-1", BEGIN_S + 600)


def test_the_page_says_who_which_model_when_and_with_which_tags() -> None:
    text = Reading(asking()).text
    for said in (
        "acme",
        "key-1",
        "sensitive-1",
        "cc-1",
        "2026-09-21 14:13 UTC",
        "anna",
        "ab" * 13,
        "15 minutes",
    ):
        assert said in text
    assert "Approved, this same request may pass once within" in text


def test_the_form_has_two_buttons_and_the_mark_and_goes_where_it_came_from() -> None:
    tags = Reading(asking()).tags
    (form,) = [attrs for tag, attrs in tags if tag == "form"]
    assert form == {"method": "post"}
    assert [attrs["value"] for tag, attrs in tags if tag == "button"] == ["approve", "deny"]
    assert {"type": "hidden", "name": "mark", "value": "mark-1"} in [attrs for _, attrs in tags]


@pytest.mark.parametrize("name", ["organisation", "api_key", "model", "mcp_tool", "reference"])
def test_no_word_of_a_caller_is_markup(name: str) -> None:
    read = Reading(asking(**{name: HOSTILE}))
    assert {tag for tag, _ in read.tags} <= ALLOWED
    assert not any(key.startswith("on") for _, attrs in read.tags for key in attrs)
    assert "<script>" in read.text
    assert not re.search("[\u202e\x00\ud800]", read.text)


def test_no_word_of_tags_or_of_content_is_markup() -> None:
    read = Reading(asking(tags={HOSTILE: HOSTILE}, content=[HOSTILE]))
    assert {tag for tag, _ in read.tags} <= ALLOWED
    assert not re.search("[\u202e\x00\ud800]", read.text)


def test_content_is_shown_where_the_plugin_gives_it_and_what_is_cut_is_said_so() -> None:
    assert "<pre>" not in asking()
    assert "Say <what>" in Reading(asking(content=["Say <what>"])).text
    long = asking(content=["x" * (page.MAX_CONTENT_CHARS + 1)])
    assert "too long to be shown" in long
    assert len(long) < page.MAX_CONTENT_CHARS + 20_000


@pytest.mark.parametrize(
    "odd", [{}, {"tags": [1]}, {"asked_at_s": 10**20}, {"model": ["x"]}, {"lifetime_s": "x"}]
)
def test_what_a_plugin_says_amiss_is_left_out(odd: dict[str, Any]) -> None:
    assert "Approve this request?" in page.question(LINK, odd, "mark-1", BEGIN_S)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (
            State(WAITING, Answer("approved", "anna", BEGIN_S), passed_on=True),
            ("You approved", "send it again"),
        ),
        (State(WAITING, Answer("approved", "bob", BEGIN_S), passed_on=True), ("bob", "send it again")),
        (State(WAITING, Answer("denied", "anna", BEGIN_S), passed_on=True), ("You denied", "stays refused")),
        (State(None, Answer("approved", "anna", BEGIN_S)), ("You approved", "as soon as the request waits")),
        (State(WAITING, Answer("approved", "anna", BEGIN_S), True, True), ("Too late", "does not count")),
        (State(), ("Too late", "can send it")),
    ],
)
def test_afterwards_it_says_what_was_decided_and_what_happens_next(
    state: State, says: tuple[str, ...]
) -> None:
    text = " ".join(Reading(page.told(state, DETAILS, "anna")).text.split())
    assert all(said in text for said in says)
    assert "<form" not in page.told(state, DETAILS, "anna")


def test_the_policy_admits_this_one_style_and_nothing_else() -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", asking(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = page.HEADERS["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "frame-ancestors 'none'" in policy
    assert (page.HEADERS["cache-control"], page.HEADERS["referrer-policy"]) == ("no-store", "no-referrer")
    assert not re.search(r"\bstyle=|\bsrc=|\bhref=|url\(", asking(content=["x"]))


@pytest.mark.parametrize(("seconds", "said"), [(60, "1 minute"), (7200, "2 hours"), (90, "90 seconds")])
def test_a_time_is_said_in_the_greatest_unit_that_fits(seconds: int, said: str) -> None:
    assert f"within {said}," in asking(lifetime_s=seconds)
    assert "may pass 3 times" in asking(uses=3)


@pytest.mark.parametrize(
    "hidden",
    [
        "".join(chr(0xE0000 + ord(sign)) for sign in "obey"),  # ASCII in tags, which models read
        "\U000e0100\U000e01ef",  # bytes in variation selectors
        "\ufe00\ufe01",
        "\ufe0f\ufe0e\ufe0f",
        "\u3164\u115f\u034f\u17b4\u180e\uffa0",
        "\u206a\u2800",
    ],
)
def test_what_a_model_reads_and_nobody_sees_is_shown(hidden: str) -> None:
    text = Reading(asking(content=[f"Good day.{hidden}"], tags={"a": hidden}, mcp_tool=f"read{hidden}")).text
    assert not set(hidden) & set(text)
    assert "Good day.\ufffd" in text


def test_an_emoji_keeps_its_look() -> None:
    assert "\u2764\ufe0f" in asking(content=["\u2764\ufe0f"])


def test_a_value_that_begins_with_much_nothing_is_not_shown_as_empty() -> None:
    assert "evil" in Reading(asking(mcp_tool=" " * 2000 + "evil")).text
