"""Answers to a workflow's question by who was not asked: by the real door, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest

from penstock.approvals.links import Link, form_mark, read_link
from tests.approvals.fakes import KEY, LASTING_S, PLUGIN, RUN, Scene, with_query
from tests.hostile.expected import Attack, on

OWN_KEY: Final = b"of another plugin's links".ljust(48, b".")
Attempt = Callable[[Scene], None]


def by_key(key: bytes, approver: str) -> Attempt:
    """Signs a link, and the mark that the page's form would carry, with a key that the attacker has."""

    def attempt(scene: Scene) -> None:
        url = scene.link(approver, key)
        scene.post(url, mark=form_mark(key, read(url)))

    return attempt


def read(url: str) -> Link:
    query = {name: [value] for name, _, value in (p.partition("=") for p in url.partition("?")[2].split("&"))}
    found = read_link(PLUGIN, RUN, query)
    assert found is not None
    return found[0]


def changing(name: str, value: str) -> Attempt:
    """With a good link at hand, and its page."""

    def attempt(scene: Scene) -> None:
        scene.post(with_query(scene.link(), {name: value}), mark=scene.mark(scene.link()))

    return attempt


def of_another_run(scene: Scene) -> None:
    query = scene.link(run="run-2").partition("?")[2]
    scene.post(f"https://g.example/approvals/{PLUGIN}/{RUN}?{query}", mark=scene.mark(scene.link()))


def opening(scene: Scene) -> None:
    for method in ("GET", "HEAD"):
        scene.get(scene.link(), method)


def without_the_page(scene: Scene) -> None:
    scene.post(scene.link(), mark="")


def from_another_site(scene: Scene) -> None:
    scene.post(scene.link(), sec_fetch_site="cross-site")


def too_late(scene: Scene) -> None:
    link = scene.link()
    mark = scene.mark(link)
    scene.now_s += LASTING_S
    scene.post(link, mark=mark)


ATTEMPTS: Final[dict[str, Attempt]] = {
    "another_s_key": by_key(OWN_KEY, "anna"),
    "another_approver": changing("to", "bob"),
    "another_step": changing("step", "pay"),
    "longer": changing("until", "9999999999"),
    "another_run": of_another_run,
    "too_late": too_late,
    "opened": opening,
    "without_the_page": without_the_page,
    "another_site": from_another_site,
    "own_question": by_key(KEY, "anna"),
}


@pytest.mark.parametrize("attack", on("answer", "approval"), ids=lambda attack: attack.name)
def test_who_was_not_asked_does_not_decide(attack: Attack) -> None:
    scene = Scene()
    scene.waits()
    ATTEMPTS[attack.name](scene)
    assert ("decided" if scene.tasks.heard else "nothing") == attack.seen("approval")
    assert len(scene.records) == len(scene.tasks.heard)


def test_a_second_answer_changes_nothing_and_who_was_asked_decides() -> None:
    scene = Scene()
    scene.waits()
    scene.post(scene.link(), "deny")
    scene.post(scene.link("bob"), "approve", mark="")
    assert scene.tasks.heard == {"token-1": "denied"}
