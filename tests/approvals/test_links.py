"""Links: what is signed, and that nothing of it can be another."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from penstock.approvals.links import (
    SLACK_S,
    Link,
    Links,
    form_mark,
    plugin_links,
    read_link,
    same,
    signature,
)
from penstock.configuration.settings import Settings

KEY = b"k" * 48
LINK = Link("approval-gate", "run-1", "decide", "anna", 1_790_000_600)
OTHERS = {
    "plugin": LINK._replace(plugin="other-gate"),
    "run": LINK._replace(run_id="run-2"),
    "step": LINK._replace(step="decide_too"),
    "approver": LINK._replace(approver="bob"),
    "time": LINK._replace(until_s=LINK.until_s + 1),
    "moved border": LINK._replace(run_id="run-1decide", step=""),
}


def made(base: str = "https://gateway.example/live") -> str:
    return Links("approval-gate", base, lambda: KEY, {"decide": 600}, lambda: 1_790_000_000.5).url(
        "run-1", "decide", "anna"
    )


def test_a_link_says_what_it_is_good_for_and_is_signed_over_all_of_it() -> None:
    url = urlsplit(made())
    assert (url.netloc, url.path) == ("gateway.example", "/live/approvals/approval-gate/run-1")
    read = read_link("approval-gate", "run-1", parse_qs(url.query))
    assert read is not None
    link, given = read
    assert link == LINK._replace(until_s=1_790_000_600 + SLACK_S)
    assert same(signature(KEY, link), given)
    assert made("https://gateway.example/live/") == made()


@pytest.mark.parametrize("other", OTHERS)
def test_each_part_of_a_link_is_signed(other: str) -> None:
    assert signature(KEY, OTHERS[other]) != signature(KEY, LINK)


def test_another_key_signs_otherwise_and_the_forms_mark_is_no_signature() -> None:
    assert len({signature(KEY, LINK), signature(b"x" * 48, LINK), form_mark(KEY, LINK)}) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"sig": ["a" * 42]},
        {"sig": ["a" * 43, "a" * 43]},
        {"until": ["0600"]},
        {"until": ["١٧"]},
        {"until": ["1" * 12]},
        {"to": ["an na"]},
        {"to": [""]},
        {"step": ["../decide"]},
        {"more": ["1"]},
    ],
    ids=str,
)
def test_what_has_not_the_shape_of_a_link_is_none(change: dict[str, list[str]]) -> None:
    query = parse_qs(urlsplit(made()).query)
    assert read_link("approval-gate", "run-1", {**query, **change}) is None


@pytest.mark.parametrize(
    ("plugin", "run"), [("..", "run-1"), ("approval-gate", ".."), ("approval-gate", "a/b"), ("", "")]
)
def test_a_path_that_leads_elsewhere_is_no_link(plugin: str, run: str) -> None:
    assert read_link(plugin, run, parse_qs(urlsplit(made()).query)) is None


@pytest.mark.parametrize(
    ("run", "step", "approver"),
    [
        ("run-1", "decide", ""),
        ("run-1", "decide", "a@b.co"),
        ("run-1", "tell", "anna"),
        ("../x", "decide", "a"),
    ],
)
def test_no_link_is_made_for_what_no_approver_answers(run: str, step: str, approver: str) -> None:
    with pytest.raises(ValueError, match=r"approver|approval step"):
        Links("approval-gate", "https://g.example", lambda: KEY, {"decide": 600}).url(run, step, approver)


def test_a_function_makes_links_where_it_is_told_the_address_and_nowhere_else() -> None:
    said = dict.fromkeys(("CONTROL_TABLE", "LEDGER_TABLE", "STORAGE_TABLE", "EVIDENCE_BUCKET"), "x")
    said |= dict.fromkeys(("OUTBOX_URL", "PLUGIN_QUEUE_URL", "EVIDENCE_KEY", "SNAPSHOT"), "x")
    variables = {f"PENSTOCK_{name}": value for name, value in said.items()}
    variables |= {"AWS_REGION": "r", "PENSTOCK_DEPLOYMENT": "acme"}
    asked: list[str] = []

    def secret(name: str) -> str:
        asked.append(name)
        return "k"

    assert plugin_links(Settings.read(variables), secret, "gate", {"decide": 60}) is None
    told = Settings.read({**variables, "PENSTOCK_APPROVALS_URL": "https://g.example"})
    links = plugin_links(told, secret, "gate", {"decide": 60})
    assert links is not None
    assert links.url("run-1", "decide", "anna").startswith("https://g.example/approvals/gate/run-1?")
    assert asked == ["acme/approvals/gate"]
