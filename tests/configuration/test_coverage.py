from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock.configuration.compile import compile_file
from penstock.configuration.coverage import SURFACES, Surface, coverage_problem, served, stream_problem
from penstock.configuration.reading import parse_gateway_file
from penstock.dialects import ROUTES
from penstock.gates.placement import Placement
from penstock.gates.scope import Scope
from penstock.gates.stream_run import is_windowed
from penstock.sdk import fields
from penstock.sdk.contract import Terms
from penstock.sdk.fields import Moment

CHAT = Surface(fields.CHAT, "openai", "/v1/chat/completions")
MCP = Surface("mcp:tools", "mcp", "/mcp")


def problem(
    *surfaces: Surface, scope: Scope | None = None, writes: tuple[str, ...] = (), **more: Any
) -> str | None:
    placement = Placement(
        plugin="guard",
        version="1.0.0",
        digest="sha256:0",
        moment="before_upstream",
        style="ordered",
        host="in_process",
        timeout_ms=1,
        on_error="block",
        scope=scope or Scope(),
        terms=Terms(frozenset(writes)),
        **more,
    )
    found = coverage_problem(placement, surfaces or (CHAT,), surfaces or (CHAT,))
    return found[0] if found else None


def test_every_route_that_carries_content_is_a_surface() -> None:
    served = {(route.surface, route.dialect.name, route.template) for route in ROUTES if route.surface}
    assert {(each.name, each.dialect, each.route) for each in SURFACES} == served
    assert CHAT in SURFACES


def test_a_placement_that_sees_its_fields_everywhere_passes() -> None:
    assert problem(reads=("request.messages.user", "identity")) is None
    assert problem(reads=("identity",), writes=("request.headers.x-a",)) is None
    assert problem() is None


@pytest.mark.parametrize("name", ["request.mcp.arguments", "request.mcp.tool"])
def test_a_field_that_no_traffic_carries_is_refused(name: str) -> None:
    assert problem(reads=("request.messages.user", name)) == f"no traffic in its scope carries {name!r}."


@pytest.mark.parametrize("name", ["request.mcp.arguments", "request.mcp.tool"])
def test_a_field_of_traffic_that_this_deployment_does_not_serve_may_be_granted(name: str) -> None:
    placement = windowed(moment="before_upstream", stream=None, reads=("request.messages.user", name))
    assert coverage_problem(placement, served(mcp=False)) is None
    models = replace(placement, scope=Scope.of({"dialect": ("openai",)}))
    assert coverage_problem(models, served(mcp=True)) is not None, "no traffic in its scope ever has it"


def test_who_is_blind_on_a_surface_is_told_what_to_grant() -> None:
    placement = windowed(moment="before_upstream", stream=None, reads=("request.messages.user",))
    found = coverage_problem(placement, served(mcp=True))
    assert found == (
        "it cannot act on mcp:message: none of its fields is there.",
        (
            "Grant it request.metadata or request.mcp.arguments, or leave this out: "
            'scope.except = [{ dialect = ["mcp"], route = ["/mcp/{server}"] }].'
        ),
    )


def test_a_guard_that_is_blind_on_one_surface_is_refused_unless_that_is_left_out() -> None:
    reads = ("request.messages.user",)
    assert problem(CHAT, MCP, reads=reads) == "it cannot act on mcp:tools: none of its fields is there."
    assert problem(CHAT, MCP, reads=reads, scope=Scope.of({"dialect": ("openai",)})) is None
    assert problem(CHAT, MCP, reads=reads, scope=Scope.of({}, ({"dialect": ("mcp",)},))) is None


def test_who_may_answer_instead_is_refused_where_vectors_are_asked_for() -> None:
    reads = ("request.messages.user",)
    respond = Terms(frozenset(), frozenset({"respond"}))
    placement = windowed(moment="before_upstream", stream=None, reads=reads, terms=respond)
    assert coverage_problem(placement, served(mcp=False)) == (
        "it may respond, and no text can stand for an answer of openai:embeddings.",
        (
            "Take `respond` out of its grant, or leave this out: "
            'scope.except = [{ dialect = ["openai"], route = ["/v1/embeddings"] }].'
        ),
    )
    without = Scope.of({}, ({"route": ("/v1/embeddings",)},))
    assert coverage_problem(replace(placement, scope=without), served(mcp=False)) is None


def test_an_exception_for_a_part_of_the_traffic_does_not_leave_a_surface_out() -> None:
    scope = Scope.of({}, ({"dialect": ("mcp",), "team": ("red",)},))
    assert problem(CHAT, MCP, reads=("request.messages.user",), scope=scope) is not None


def test_a_placement_without_content_fields_can_act_anywhere() -> None:
    assert problem(CHAT, MCP, reads=("identity", "request.model")) is None


def test_a_scope_that_admits_no_traffic_is_refused() -> None:
    scope = Scope.of({"dialect": ("mcp",)})
    assert problem(reads=("identity",), scope=scope) == "its scope admits no traffic that carries content."


def test_a_scope_of_models_leaves_mcp_out_and_one_of_servers_leaves_models_out() -> None:
    both = (CHAT, MCP)
    of_models, of_servers = Scope.of({"model": ("*",)}), Scope.of({"mcp_server": ("files",)})
    assert problem(*both, scope=of_models, reads=("request.messages.user",)) is None
    assert "no traffic in its scope carries" in str(
        problem(*both, scope=of_servers, reads=("request.messages.user",))
    )


def test_mcp_is_covered_where_it_is_served() -> None:
    assert {surface.dialect for surface in set(served(mcp=True)) - set(served(mcp=False))} == {"mcp"}


TEXT = "response.text"


def windowed(**more: Any) -> Placement:
    asked: dict[str, Any] = {
        "plugin": "guard",
        "version": "1.0.0",
        "digest": "sha256:0",
        "moment": "after_upstream",
        "style": "ordered",
        "host": "in_process",
        "timeout_ms": 1,
        "on_error": "block",
        "reads": (TEXT,),
        "terms": Terms(frozenset({TEXT}), frozenset({"transform"})),
        "stream": "window",
        "window_chars": 64,
    }
    return Placement(**{**asked, **more})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"host": "function"}, "too far away"),
        ({"reads": (TEXT, "decisions")}, "`decisions` are not known"),
        ({"reads": ("response.tool_calls",)}, "needs a text that grows"),
        ({"terms": Terms(effects=frozenset({"respond"}))}, "`respond` needs"),
        ({"terms": Terms(frozenset({"response.headers.x-a"}))}, "has left before the text comes"),
        ({"terms": Terms(frozenset({"response.metadata"}))}, "has left before the text comes"),
    ],
)
def test_a_placement_that_cannot_meet_a_stream_as_it_declares_is_refused(
    more: dict[str, Any], said: str
) -> None:
    found = stream_problem(windowed(**more))
    assert found is not None
    assert said in found[0]
    assert stream_problem(windowed(**more, stream="buffer")) is None


def test_a_guard_of_mcp_alone_needs_no_text_that_grows() -> None:
    placement = windowed(reads=("response.mcp.result",), terms=Terms(frozenset({"response.mcp.result"})))
    assert stream_problem(placement) is not None
    for scope in ({"dialect": ("mcp",)}, {"mcp_server": ("files",)}):
        assert stream_problem(replace(placement, scope=Scope.of(scope))) is None


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"reads": (TEXT, "response.tool_calls", "request.messages.user")},
        {"reads": ("response.reasoning",), "terms": Terms(effects=frozenset({"block", "record"}))},
        {"terms": Terms(frozenset({TEXT, "response.tool_calls"}), frozenset({"transform"}))},
    ],
)
def test_what_is_admitted_as_windowed_is_met_in_windows(more: dict[str, Any]) -> None:
    assert stream_problem(windowed(**more)) is None
    assert is_windowed(windowed(**more)), "else the gate would hold the whole stream, and nobody would know"


EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize("name", ["gateway.toml", "mcp_server/gateway.toml"])
def test_the_guards_of_the_examples_cover_mcp(name: str) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    if "[deployment.mcp]" not in text:
        text += "\n[deployment.mcp]\n"
    placed = compile_file(parse_gateway_file(text.encode(), EXAMPLES / name)).snapshot.placements
    granted: dict[Moment, str] = {
        "before_upstream": "request.mcp.arguments",
        "after_upstream": "response.mcp.result",
    }
    for moment, field in granted.items():
        (guard,) = [each for each in placed[moment] if each.plugin == "pii-redactor"]
        assert field in guard.reads
        assert field in guard.terms.writes
        assert not guard.scope.only or guard.scope.misses({"dialect": "mcp"}) is None
