"""What the page is given of a request: names always, words where deployment and grant both say so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.approval_gate.stage import BY_EMAIL, REFERENCE, Stage

CONTENT = ("request.messages.user", "request.messages.system")


def page(stage: Stage, **values: Any) -> dict[str, Any]:
    stage.ask(**values)
    found = stage.kept.get(f"page/{stage.fakes.started[-1].run_id}")
    assert found is not None
    return dict(found.value)


def test_names_are_given_and_no_words() -> None:
    told = page(Stage(), user="Our secret plan", tags={"cost_center": "cc-1"})
    assert (told["model"], told["api_key"], told["organisation"]) == ("sensitive-1", "key-1", "acme")
    assert (told["reference"], told["tags"], told["content"]) == (REFERENCE, {"cost_center": "cc-1"}, None)
    assert "secret plan" not in str(told)


def test_words_are_given_where_the_deployment_shows_them_and_the_grant_reads_them() -> None:
    config = {**BY_EMAIL, "show_content": True}
    told = page(Stage(config), system="Be good.", user="Hello", mcp_arguments=("x",))
    assert told["content"] == ["[system] Be good.", "[user] Hello", "[argument] x"]
    assert not told["cut"]
    ungranted = page(Stage(config, without=CONTENT), system="Be good.", user="Hello")
    assert ungranted["content"] == []


def test_what_is_too_long_is_cut_and_said_to_be() -> None:
    told = page(Stage({**BY_EMAIL, "show_content": True}), user=("x", "ä\U0001f600" * 20_000))
    assert told["cut"]
    assert len(str(told["content"]).encode()) < 64_000


@pytest.mark.parametrize("sign", ['"', "\\n", "\x01", "\u2028"])
def test_what_json_needs_many_bytes_for_is_cut_and_asked_all_the_same(sign: str) -> None:
    told = page(Stage({**BY_EMAIL, "show_content": True}), user=sign * 60_000)
    assert told["cut"]
    assert len(told["content"][0]) > 5_000


def test_words_are_kept_until_it_is_decided_and_no_longer() -> None:
    stage = Stage({**BY_EMAIL, "show_content": True})
    assert page(stage, user="Our secret plan")["content"] == ["[user] Our secret plan"]
    stage.went({"decide": "denied"})
    found = stage.kept.get(f"page/{stage.fakes.started[-1].run_id}")
    assert found is not None
    assert (found.value["content"], found.value["model"]) == (None, "sensitive-1")


def test_what_is_not_granted_is_not_asked_for() -> None:
    names = ("model", "route", "tags", "mcp.server", "mcp.method", "mcp.tool")
    stage = Stage(without=tuple(f"request.{name}" for name in names))
    told = page(stage)
    assert set(names).isdisjoint(told.keys() - {"tags"})
    assert (told["api_key"], told["tags"]) == ("key-1", {})
    assert stage.ask(mcp_method="tools/list").recorded == {"approval": "pending"}
