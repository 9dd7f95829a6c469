"""Views: nothing but what was granted can be reached, whatever is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import FieldNotGrantedError
from penstock.sdk import Evidence, Request, Response
from penstock.sdk.fields import AFTER, BEFORE, FIELDS
from penstock.sdk.views import WRITE_ONLY, Projection, TextValues, Tool

CANARY = "canary-5b1d"

# How a plugin asks for each field.
ASKED: Mapping[str, Callable[[Any], Any]] = {
    "identity": lambda r: dict(r.identity),
    "decisions": lambda r: [dict(item) for item in r.decisions],
    "request.metadata": lambda r: dict(r.metadata),
    "request.tags": lambda r: dict(r.tags),
    "request.headers.<name>": lambda r: r.headers.get("x-team"),
    "request.model": lambda r: r.model,
    "request.route": lambda r: r.route,
    "request.reference": lambda r: r.reference,
    "request.mcp.server": lambda r: r.mcp.server,
    "request.mcp.method": lambda r: r.mcp.method,
    "request.mcp.tool": lambda r: r.mcp.tool,
    "request.parameters": lambda r: dict(r.parameters),
    "request.messages.system": lambda r: list(r.messages.system),
    "request.messages.user": lambda r: list(r.messages.user),
    "request.messages.assistant": lambda r: list(r.messages.assistant),
    "request.messages.tool": lambda r: list(r.messages.tool),
    "request.tools": lambda r: [list(r.tools), r.tools.definitions],
    "request.tool_calls": lambda r: list(r.tool_calls),
    "request.mcp.arguments": lambda r: list(r.mcp.arguments),
    "response.status": lambda r: r.status,
    "response.usage": lambda r: dict(r.usage),
    "response.headers.<name>": lambda r: r.headers.get("x-team"),
    "response.metadata": lambda r: dict(r.metadata),
    "response.text": lambda r: list(r.text),
    "response.reasoning": lambda r: list(r.reasoning),
    "response.tool_calls": lambda r: list(r.tool_calls),
    "response.mcp.result": lambda r: list(r.mcp.result),
}
INLINE = sorted(ASKED)


def granted_name(name: str) -> str:
    return name.replace("<name>", "x-team")


def value(name: str) -> Any:
    match FIELDS[name].shape:
        case "texts":
            return TextValues((CANARY,), (Tool("t", {"name": CANARY}),))
        case "members":
            return {"a": CANARY}
        case "header":
            return CANARY
    if name in {"identity", "response.usage"}:
        return {"a": CANARY}
    return ({"plugin": CANARY},) if name == "decisions" else 200 if name == "response.status" else CANARY


def view(name: str, projection: Projection) -> Request | Response:
    """The view that shows the field; of a request's field at either moment."""
    return Request(projection) if name.startswith("request.") else Response(projection)


def look(name: str, projection: Projection) -> Any:
    shown = view(name, projection)
    if name in {"identity", "decisions"}:
        shown = Request(projection)
    return ASKED[name](shown)


def test_every_field_of_the_table_can_be_asked_for() -> None:
    inline = {name for name, entry in FIELDS.items() if entry.readable & {BEFORE, AFTER}}
    assert set(ASKED) == inline


@pytest.mark.parametrize("name", INLINE)
def test_a_granted_field_is_shown(name: str) -> None:
    projection = Projection({granted_name(name): value(name)})
    shown = look(name, projection)
    assert "200" in repr(shown) if name == "response.status" else CANARY in repr(shown)
    assert projection.refused == []


@given(st.sets(st.sampled_from(INLINE)), st.sampled_from(INLINE))
def test_nothing_but_the_granted_can_be_reached(granted: set[str], asked: str) -> None:
    projection = Projection({granted_name(name): value(name) for name in granted})
    if asked in granted:
        look(asked, projection)
        assert projection.refused == []
        return
    with pytest.raises(FieldNotGrantedError) as caught:
        look(asked, projection)
    remembered = asked.removesuffix(".<name>")
    assert projection.refused == [remembered]
    assert str(caught.value) == f"{remembered} is not granted"


@pytest.mark.parametrize("name", [name for name in INLINE if FIELDS[name].writable])
def test_a_field_granted_for_writing_only_is_not_shown(name: str) -> None:
    projection = Projection({granted_name(name): WRITE_ONLY})
    with pytest.raises(FieldNotGrantedError):
        look(name, projection)
    assert projection.refused == [name.removesuffix(".<name>")]


def test_a_response_shows_the_request_that_it_answers_under_the_same_grant() -> None:
    projection = Projection({"request.model": "gpt"})
    assert Response(projection).request.model == "gpt"
    with pytest.raises(FieldNotGrantedError):
        _ = Response(projection).request.messages.user


def test_a_view_has_no_place_to_leave_anything() -> None:
    for shown in (Request(Projection({})), Response(Projection({}))):
        with pytest.raises(AttributeError):
            shown.note = "x"  # type: ignore[union-attr]  # what a plugin might try


def test_what_a_view_shows_cannot_be_used_to_change_it() -> None:
    identity = {"team": "red"}
    projection = Projection(
        {"identity": identity, "decisions": ({"plugin": "a"},), "response.usage": {"a": 1}}
    )
    request, response = Request(projection), Response(projection)
    for shown in (request.identity, request.decisions[0], response.usage):
        with pytest.raises(TypeError):
            shown["team"] = "root"  # type: ignore[index]  # what a plugin might try
    assert identity == {"team": "red"}


def test_evidence_is_read_only_all_the_way_down() -> None:
    record = {"request_id": "r-1", "placements": [{"plugin": "a"}]}
    evidence = Evidence(record)
    assert (evidence.request_id, len(evidence), list(evidence)) == ("r-1", 2, ["request_id", "placements"])
    with pytest.raises(TypeError):
        evidence["placements"][0]["plugin"] = "b"
    with pytest.raises(AttributeError):
        evidence["placements"].append({})
    assert record["placements"] == [{"plugin": "a"}]
