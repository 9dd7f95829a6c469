"""The function's side of a call: what it runs, and what it refuses to."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from penstock.background.inline import InlineHost, InlinePlugin
from penstock.gates.deadline import Deadlines
from penstock.gates.hosted_call import encode_call
from penstock.gates.placement import Placement
from penstock.sdk import Allow, Block, Context, Decision, Request
from penstock.sdk.projection import Projection, TextValues
from tests.gates.fakes import REQUEST_ID, USER, Says, loaded, placement_of
from tests.gates.hosted import TERMS, inline_host

PLACEMENT = placement_of("guard", host="function", timeout_ms=2_000)


def event(
    placement: Placement = PLACEMENT, terms: str = "terms-b", seconds: float = 1.0, text: str = "hello"
) -> dict[str, Any]:
    projection = Projection({USER: TextValues((text,))})
    made: dict[str, Any] = json.loads(encode_call(placement, terms, projection, REQUEST_ID, seconds))
    return made


def block(_: Request, __: Context) -> Decision:
    return Block("reason")


def test_the_plugin_runs_and_its_answer_names_the_call() -> None:
    answer = inline_host(loaded(Says(block)), PLACEMENT).answer(event())
    assert answer == {
        "plugin": "guard",
        "digest": PLACEMENT.digest,
        "request_id": REQUEST_ID,
        "decision": {"kind": "block", "reason": "reason", "at": None, "refer": False},
        "failure": None,
        "recorded": {},
        "refused": [],
        "deliveries": [],
    }


@pytest.mark.parametrize(
    "call",
    [
        event(replace(PLACEMENT, plugin="other")),
        event(replace(PLACEMENT, digest="sha256:" + "1" * 64)),
        event(terms="wider"),
        event(replace(PLACEMENT, moment="after_upstream"), "terms-a"),
    ],
    ids=("another plugin", "another digest", "other terms", "a moment that is not placed"),
)
def test_a_call_for_something_else_is_refused_and_the_plugin_does_not_run(call: dict[str, Any]) -> None:
    plugin = Says(lambda _, __: Allow())
    answer = inline_host(loaded(plugin), PLACEMENT).answer(call)
    assert (answer["failure"], answer["decision"]) == ("import", None)
    assert (answer["plugin"], answer["digest"]) == (call["plugin"], call["digest"])
    assert plugin.calls == 0


def test_what_is_no_call_is_no_answer_either() -> None:
    with pytest.raises(ValueError, match="no call"):
        inline_host(loaded(Says(block)), PLACEMENT).answer({"hello": "world"})


def test_the_plugin_has_what_the_gateway_has_left_and_never_more_than_its_placement() -> None:
    left: list[float] = []

    def look(_: Request, ctx: Context) -> Decision:
        left.append(ctx.remaining_ms)
        return Allow()

    host = inline_host(loaded(Says(look)), PLACEMENT)
    host.answer(event(seconds=0.5))
    host.answer(event(seconds=99.0))
    assert 0 < left[0] <= 500
    assert 500 < left[1] <= 2_000
    assert host.answer(event(seconds=0.0))["failure"] == "timeout"
    assert len(left) == 2


def test_a_plugin_that_cannot_be_loaded_fails_each_call_as_import(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Any:
        raise SystemExit("my prompt says hello")

    plugin = InlinePlugin({"before_upstream": PLACEMENT}, TERMS, broken)
    host = InlineHost(plugin, Deadlines(None))
    assert [host.answer(event())["failure"] for _ in range(2)] == ["import", "import"]
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "the plugin cannot be loaded"
    ]


def test_a_failure_is_logged_by_names_and_with_no_word_of_the_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(request: Request, _: Context) -> Decision:
        raise ValueError(request.messages.user[0])

    answer = inline_host(loaded(Says(fails)), PLACEMENT).answer(event(text="my secret"))
    assert answer["failure"] == "exception"
    (record,) = caplog.records
    assert (record.plugin, record.request_id) == ("guard", REQUEST_ID)  # type: ignore[attr-defined]  # extra
    assert "my secret" not in f"{record.__dict__} {answer}"


def test_a_plugin_that_reaches_nothing_asks_for_it_in_vain() -> None:
    plugin = InlinePlugin({"before_upstream": PLACEMENT}, TERMS, lambda: loaded(Says(lambda _, c: c.http)))
    answer = InlineHost(plugin, Deadlines(None)).answer(event())
    assert (answer["failure"], answer["refused"]) == ("contract", ["hosts"])
