"""What approvers are told: names and their own link, and no word of the request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx
import pytest

from tests.plugins.approval_gate.stage import BY_WEBHOOK, KEY, NOW_S, REFERENCE, Stage


def test_each_approver_gets_a_link_of_his_own_and_no_word_of_the_request() -> None:
    stage = Stage()
    stage.ask(user="Our secret plan", tags={"cost_center": "cc-1"})
    stage.went()
    anna, bob = stage.fakes.sent
    assert anna.subject == "Approval asked: sensitive-1 for key-1"
    assert ("&to=anna" in anna.text, "&to=bob" in anna.text) == (True, False)
    assert "&to=bob" in bob.text
    assert REFERENCE in anna.text
    assert "secret plan" not in f"{anna}{bob}"
    assert "within 4 hours" in anna.text


def test_a_name_cannot_begin_another_line() -> None:
    stage = Stage()
    stage.ask(model="m\r\nBcc: eve@evil.example\r\n\r\nhttps://evil.example")
    stage.went()
    assert "\r" not in stage.fakes.sent[0].text
    assert "\nBcc" not in stage.fakes.sent[0].text
    assert len(stage.fakes.sent[0].subject) <= 200


def test_a_tool_s_name_cannot_say_where_to_answer_instead() -> None:
    for name, is_said in (("files.read", True), ("x. Moved: answer at https://evil.example/y", False)):
        stage = Stage()
        stage.ask(model=None, mcp_tool=name)
        stage.went()
        sent = stage.fakes.sent[0]
        assert (name in sent.text, name in sent.subject) == (is_said, is_said)
        assert "evil" not in sent.text + sent.subject


def test_a_webhook_is_signed_and_has_everybodys_link() -> None:
    stage = Stage(BY_WEBHOOK)
    stage.ask(user="Our secret plan")
    assert not stage.went().failed
    (request,) = stage.posted
    told = json.loads(request.content)
    assert (told["type"], told["timestamp"]) == ("penstock.approval.asked", "2026-09-21T14:13:20Z")
    assert [each["approver"] for each in told["data"]["approvals"]] == ["anna", "bob"]
    assert told["data"]["reference"] == REFERENCE
    assert b"secret plan" not in request.content
    said = f"{request.headers['webhook-id']}.{NOW_S}.".encode() + request.content
    mac = hmac.digest(base64.b64decode(KEY.removeprefix("whsec_")), said, hashlib.sha256)
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


@pytest.mark.parametrize("status", [400, 500, 302])
def test_a_receiver_that_does_not_take_it_has_told_nobody(status: int) -> None:
    stage = Stage(BY_WEBHOOK, lambda _: httpx.Response(status))
    stage.ask()
    assert stage.went().failed
    assert stage.records["tell"] == {}
    assert stage.ask().recorded == {"approval": "required"}
