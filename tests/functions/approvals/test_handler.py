"""The events of the approvals function: a step that waits, and an approver as API Gateway tells of one."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from functions.approvals.handler import shown, waited
from penstock.errors import ConfigurationError
from tests.approvals.fakes import FORM, PLUGIN, REQUEST_ID, RUN, STEP, Scene


def event(link: str, method: str = "GET", body: str | None = None, **more: Any) -> dict[str, Any]:
    url = urlsplit(link)
    return {
        "httpMethod": method,
        "path": url.path.removeprefix("/live"),
        "multiValueQueryStringParameters": parse_qs(url.query) or None,
        "headers": {"Content-Type": FORM},
        "body": body,
        "isBase64Encoded": False,
        **more,
    }


def waiting(**more: Any) -> dict[str, Any]:
    told = {
        "token": "token-1",
        "plugin": PLUGIN,
        "step": STEP,
        "run_id": RUN,
        "request_id": REQUEST_ID,
        "reference": "",
        "evidence_key": f"org=acme/dt=2026-11-22/hour=12/{REQUEST_ID}.terminal.json.gz",
        "entered_at": "2026-11-22T12:00:00.000Z",
        "timeout_s": 600,
    }
    return {"penstock_approval": {**told, **more}}


def test_a_page_and_an_answer_go_through_api_gateways_events() -> None:
    scene = Scene()
    scene.now_s = 1_795_348_800
    assert waited(waiting(), scene.door) == {}
    page = shown(event(scene.link()), scene.door)
    assert (page["statusCode"], page["headers"]["content-type"]) == (200, "text/html; charset=utf-8")
    form = urlencode({"mark": scene.mark(scene.link()), "decision": "approve"})
    packed = base64.b64encode(form.encode()).decode()
    assert shown(event(scene.link(), "POST", packed, isBase64Encoded=True), scene.door)["statusCode"] == 200
    assert scene.tasks.heard == {"token-1": "approved"}
    assert shown(event(scene.link(), "POST", form), scene.door)["statusCode"] == 200


@pytest.mark.parametrize(
    "odd",
    [
        {"path": None},
        {"path": "/"},
        {"path": f"/other/{PLUGIN}/{RUN}"},
        {"multiValueQueryStringParameters": None},
        {"headers": None, "path": "/x"},
        {"body": "%", "isBase64Encoded": True, "path": "/x"},
    ],
)
def test_an_odd_event_is_a_page_that_says_so(odd: dict[str, Any]) -> None:
    scene = Scene()
    assert shown({**event(scene.link()), **odd}, scene.door)["statusCode"] == 404


def test_a_step_of_a_plugin_that_is_not_deployed_is_no_success() -> None:
    with pytest.raises(ConfigurationError):
        waited(waiting(plugin="gone-gate"), Scene().door)
    with pytest.raises(ValueError, match="no step"):
        waited({"penstock_approval": {}}, Scene().door)
