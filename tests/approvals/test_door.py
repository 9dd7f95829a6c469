"""The door for approvers: who decides, who cannot, and what neither of them can make it do."""

from __future__ import annotations

import re
from threading import Thread
from urllib.parse import urlencode

import pytest

from penstock.approvals.door import MAX_BODY_BYTES
from penstock.approvals.links import SLACK_S
from penstock.errors import StorageError
from tests.approvals.fakes import FORM, LASTING_S, PLUGIN, STEP, Scene, with_query


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.waits()
    return made


@pytest.mark.parametrize(("decision", "outcome"), [("approve", "approved"), ("deny", "denied")])
def test_who_has_the_link_sees_the_question_and_decides(scene: Scene, decision: str, outcome: str) -> None:
    link = scene.link()
    assert "Approve this request?" in scene.get(link).body
    shown = scene.post(link, decision)
    assert (shown.status, scene.tasks.heard) == (200, {"token-1": outcome})
    assert f"You {outcome}" in shown.body
    assert f"You {outcome}" in scene.get(link).body
    assert scene.refused == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_scanner_that_opens_the_link_decides_nothing(scene: Scene, method: str) -> None:
    for _ in range(3):
        assert scene.get(scene.link(), method).status == 200
    assert scene.tasks.heard == {}
    assert scene.get(scene.link(), "HEAD").body == ""


def test_a_second_answer_says_what_was_decided_and_changes_nothing(scene: Scene) -> None:
    mark, other = scene.mark(scene.link()), scene.mark(scene.link("bob"))
    scene.post(scene.link(), "approve", mark)
    again = scene.post(scene.link("bob"), "deny", other)
    assert (again.status, scene.tasks.heard) == (200, {"token-1": "approved"})
    assert "<bdi>anna</bdi></b> approved this" in again.body


def test_of_many_answers_at_once_one_counts(scene: Scene) -> None:
    mark = scene.mark(scene.link())
    threads = [
        Thread(target=scene.post, args=(scene.link(), decision, mark)) for decision in ["approve", "deny"] * 4
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scene.tasks.heard) == len({record.outcome for record in scene.records}) == 1


@pytest.mark.parametrize(
    "change",
    [{"to": "bob"}, {"step": "decide_too"}, {"until": "1999999999"}, {"sig": "A" * 43}],
    ids=lambda change: next(iter(change)),
)
def test_a_forged_link_is_refused_and_leaves_a_count_and_a_line_without_it(
    scene: Scene, change: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    forged = with_query(scene.link(), change)
    mark = scene.mark(scene.link())
    for shown in (scene.get(forged), scene.post(forged, "approve", mark)):
        assert (shown.status, "<form" in shown.body) == (403, False)
    assert scene.refused == [(PLUGIN, "signature")] * 2
    assert scene.tasks.heard == {}
    signature = re.findall("sig=([^&]+)", forged)[0]
    assert signature not in caplog.text
    assert "run-1" not in caplog.text


def test_a_link_of_another_run_plugin_or_key_is_worth_nothing(scene: Scene) -> None:
    query = scene.link().partition("?")[2]
    assert scene.get(f"https://g.example/approvals/{PLUGIN}/run-2?{query}").status == 403
    assert scene.get(scene.link(key=b"x" * 48)).status == 403
    assert scene.get(f"https://g.example/approvals/other-gate/run-1?{query}").status == 404
    assert scene.refused[-1] == ("-", "link")


@pytest.mark.parametrize(
    "path", [f"{PLUGIN}/..%2f..", "../run-1", f"{PLUGIN}/run-1%00", f"{PLUGIN.upper()}/run-1", "/"]
)
def test_no_path_leads_elsewhere(scene: Scene, path: str) -> None:
    query = scene.link().partition("?")[2]
    assert scene.get(f"https://g.example/approvals/{path}?{query}").status == 404


def test_when_the_time_is_over_nobody_decides(scene: Scene) -> None:
    link = scene.link()
    mark = scene.mark(link)
    scene.now_s += LASTING_S
    assert (scene.get(link).status, scene.post(link, "approve", mark).status) == (410, 410)
    assert (scene.tasks.heard, {why for _, why in scene.refused}) == ({}, {"expired"})


def test_a_link_ends_though_no_task_ever_waited() -> None:
    scene = Scene()
    link = scene.link()
    mark = scene.mark(link)
    scene.now_s += LASTING_S + SLACK_S
    assert scene.post(link, "approve", mark).status == 410


def test_an_answer_before_the_task_waits_is_kept_and_counts_then() -> None:
    scene = Scene()
    shown = scene.post(scene.link())
    assert "counts as soon as the request waits" in shown.body
    scene.waits()
    assert scene.tasks.heard == {"token-1": "approved"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"decision=approve", {}),
        (b"decision=approve&mark=forged", {}),
        (b"mark={mark}", {}),
        (b"mark={mark}&decision=perhaps", {}),
        (b"mark={mark}&decision=approve&decision=deny", {}),
        (b"mark={mark}&decision=approve", {"content_type": "text/plain"}),
        (b"mark={mark}&decision=approve", {"content_type": ""}),
        (b"mark={mark}&decision=approve", {"sec_fetch_site": "cross-site"}),
        (b"mark={mark}&decision=approve&more=" + b"x" * MAX_BODY_BYTES, {}),
        (b"\xff\xfe", {}),
        (b"", {}),
        (b"&" * 100, {}),
    ],
)
def test_what_is_no_answer_of_the_page_decides_nothing(
    scene: Scene, body: bytes, headers: dict[str, str]
) -> None:
    filled = body.replace(b"{mark}", scene.mark(scene.link()).encode())
    shown = scene.get(scene.link(), "POST", filled, **{"content_type": FORM, **headers})
    assert (shown.status, scene.tasks.heard) == (400, {})
    assert scene.refused == [(PLUGIN, "form")]


def test_the_mark_of_another_approver_is_none(scene: Scene) -> None:
    assert scene.post(scene.link(), "approve", scene.mark(scene.link("bob"))).status == 400


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "get"])
def test_no_other_method_does_anything(scene: Scene, method: str) -> None:
    shown = scene.get(scene.link(), method)
    assert (shown.status, shown.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_store_that_does_not_answer_is_told_and_the_link_stays_good(scene: Scene) -> None:
    mark, put = scene.mark(scene.link()), scene.objects.put_once

    def refuse(key: str, body: bytes) -> None:
        raise StorageError("store an object")

    scene.objects.put_once = refuse  # type: ignore[method-assign,assignment]  # for a while
    assert scene.post(scene.link(), "approve", mark).status == 503
    assert scene.get(scene.link()).status == 503
    scene.objects.put_once = put  # type: ignore[method-assign]  # as it was
    assert "You approved" in scene.get(scene.link()).body  # handed on now; the decision was the POST's
    assert scene.tasks.heard == {"token-1": "approved"}
    assert [why for _, why in scene.refused] == ["unavailable"] * 2


def test_every_answer_has_the_headers_that_keep_the_page_to_itself(scene: Scene) -> None:
    for shown in (
        scene.get(scene.link()),
        scene.get("https://g.example/approvals/x/y"),
        scene.post(scene.link()),
    ):
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["content-security-policy"].startswith("default-src 'none'")
        assert not any("\n" in value or "\r" in value for value in shown.headers.values())


def test_what_is_asked_stands_in_no_header(scene: Scene) -> None:
    evil = with_query(scene.link(), {"to": "a\r\nset-cookie: x=1"})
    shown = scene.get(evil)
    assert shown.status == 404
    assert "set-cookie" not in str(shown.headers).lower()
    assert urlencode({"step": STEP}) in scene.link()
