"""Content of MCP is nowhere: canaries in all that a client and a server can say, and in every refusal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader
from tests.e2e.mcp.wire import call, message, opened, stateless
from tests.e2e.test_canaries import everything

MARK = "canary8462"
HEADERS = {
    "x-other": f"{MARK}header",
    "user-agent": f"{MARK}agent",
    "cookie": f"a={MARK}cookie",
    "x-request-id": f"{MARK}id",
}


def sent() -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """(server, message, headers that lie)"""
    tool = f"{MARK}tool"
    for server in ("library", "guarded", "shelf", "plain"):
        yield server, call("search", words=f"{MARK}words"), {}
        yield server, call("book", number=f"{MARK}number"), {}
        yield server, call(tool, **{f"{MARK}argument": f"{MARK}value"}), {}
        yield server, message("resources/read", uri=f"library://books/{MARK}"), {}
        yield server, message("prompts/get", name="recommend", arguments={"mood": f"{MARK}mood"}), {}
        yield server, message(f"{MARK}/method", said=MARK), {}
        yield server, call("search", words="x"), {"mcp-name": f"{MARK}name"}
        yield server, call("search", words="x"), {"mcp-param-words": f"{MARK}param"}
        yield server, call("search", words="x"), {"origin": f"https://{MARK}.example.com"}
    yield "guarded", call("search", words=f"forbidden {MARK}"), {}
    yield f"{MARK}server", message("tools/list"), {}
    yield "secretive", call("search", words=f"{MARK}words"), {}
    yield "oauth", call(tool, words=f"{MARK}words"), {}
    yield "moved", call(tool, words=f"{MARK}words"), {}


def test_no_word_of_mcp_is_kept_anywhere(
    gateway: LocalGateway, http: httpx.Client, evidence: EvidenceReader
) -> None:
    recorded = []
    for server, tree, lies in sent():
        response = http.post(f"/mcp/{server}", **stateless(tree, **HEADERS, **lies))
        recorded.append(response.headers["x-request-id"])
    session = opened(http, "/mcp/library")
    for headers in (session, session | {"mcp-session-id": f"{MARK}session"}):
        response = http.post("/mcp/library", json=call("search", words=f"{MARK}words"), headers=headers)
        recorded.append(response.headers["x-request-id"])
    for raw in (f"{MARK}{{".encode(), f'{{"{MARK}": 1, "{MARK}": 2}}'.encode(), f'["{MARK}"]'.encode()):
        response = http.post("/mcp/library", content=raw, headers=session)
        assert response.status_code == 400
        recorded.append(response.headers["x-request-id"])
    resumed = http.get("/mcp/library", headers=session | {"last-event-id": f"{MARK}event"})
    recorded.append(resumed.headers["x-request-id"])
    for request_id in recorded:
        evidence.of(request_id)
    places = dict(everything(gateway))
    assert any(request_id in text for text in places.values() for request_id in recorded)
    assert [place for place, text in places.items() if MARK in text] == []
