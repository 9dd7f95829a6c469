"""An opened path: granted by name, provider's credentials, bytes as they come, never unseen by a guard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from penstock.adapters.control import Change
from penstock.adapters.keys import control_key, grants_key
from penstock.configuration.applied import applied_documents
from penstock.configuration.model import GatewayFile
from penstock.configuration.snapshot import DeployedRoute
from penstock.errors import StorageError, UpstreamError
from penstock.gateway.http import HttpRequest, HttpResponse, HttpStream
from penstock.gateway.opened_parts import opened_parts
from penstock.gateway.parts import Parts
from penstock.sdk import Context, Decision, Plugin, Request, Respond, Response, Transform
from penstock.sdk.decisions import Allow
from penstock.sdk.fields import Moment
from penstock.upstream.client import Sending
from penstock.upstream.target import Target
from tests.gates.fakes import placement_of
from tests.gateway.world import APPLIED, Broken, World, error
from tests.upstream.streams import FakeStream

AUDIO = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n\x00\xff\xfe\r\n--b--\r\n'
FORM = "multipart/form-data; boundary=b"
STANZAS: list[dict[str, Any]] = [
    {"id": "audio", "method": "POST", "path": "/v1/audio/transcriptions"},
    {"id": "files", "method": "GET", "path": "/v1/files"},
    {"id": "file", "method": "GET", "path": "/v1/files/{file}/content"},
    {"id": "closed", "method": "POST", "path": "/v1/moderations"},
]


@dataclass
class FakePassing:
    """Plays `answer`; remembers what it was sent."""

    answer: FakeStream | UpstreamError
    seen: list[tuple[str, Sending, dict[str, str], str | None]] = field(default_factory=list)

    def send(
        self,
        target: Target,
        path: str,
        sending: Sending,
        headers: Mapping[str, str],
        key: str | None,
        seconds: float,
    ) -> FakeStream:
        del seconds
        self.seen.append((target.url(path), sending, dict(headers), key))
        if isinstance(self.answer, UpstreamError):
            raise self.answer
        return self.answer


class OpenedWorld(World):
    """A gateway whose operator has opened four paths and granted three of them to the demo key."""

    def __init__(
        self,
        answer: FakeStream | UpstreamError,
        plugins: Mapping[str, Plugin] | None = None,
        *placements: Any,
    ) -> None:
        super().__init__(plugins, *placements)
        self.passing = FakePassing(answer)
        routes = [{**one, "provider": "echo", "uninspected": "allow"} for one in STANZAS]
        grant = {"teams": ["red"], "models": ["echo-1"], "routes": ["audio", "files", "file"]}
        file = GatewayFile.model_validate({**APPLIED, "route": routes, "grant": [grant]})
        store = self.control
        for key, document in applied_documents(file).items():
            entry = dict(store.list("")).get(key)
            store.write([Change(key, document, expects=entry.revision)] if entry else [Change(key, document)])

    def _parts(self) -> Parts:
        routes = [
            DeployedRoute(**one, provider="echo", dialect="openai", body_limit_bytes=1024) for one in STANZAS
        ]
        return replace(super()._parts(), opened=opened_parts(routes, self.passing))

    def transcribe(self, body: bytes = AUDIO, **headers: str) -> HttpResponse | HttpStream:
        return self.handled("POST", "/v1/audio/transcriptions", body, {"content_type": FORM, **headers})


def body_of(response: HttpResponse | HttpStream) -> bytes:
    return response.body if isinstance(response, HttpResponse) else b"".join(response.chunks)


def answering(*pieces: bytes, status: int = 200, kind: str = "application/json") -> FakeStream:
    return FakeStream(
        *pieces, status=status, headers={"content-type": kind, "set-cookie": "a=b", "server": "x"}
    )


def test_bytes_pass_both_ways_and_the_record_says_that_nobody_read_them() -> None:
    world = OpenedWorld(answering(b"\x00\xff", b"\xfe", kind="audio/mpeg"))
    response = world.transcribe()
    assert body_of(response) == b"\x00\xff\xfe"
    assert (response.status, response.headers["content-type"]) == (200, "audio/mpeg")
    assert "set-cookie" not in response.headers
    ((url, sending, _, _),) = world.passing.seen
    assert url == "http://127.0.0.1:9/v1/audio/transcriptions"
    assert (sending.method, sending.body) == ("POST", AUDIO)
    record = world.record
    assert (record.dialect, record.route, record.outcome) == (
        "openai",
        "/v1/audio/transcriptions",
        "answered",
    )
    assert [(u.path, u.kind, u.policy, u.plugin) for u in record.uninspected] == [
        ("request", "body", "allow", "route:audio"),
        ("response", "body", "allow", "route:audio"),
    ]
    assert ("access", "allow", "route_opened", "audio") in [
        (c.stage, c.decision, c.code, c.scope) for c in record.controls
    ]
    assert (record.upstream[0].provider, record.upstream[0].model) == ("echo", "audio")
    assert (record.cost_nanousd, record.usage.input_tokens, record.resource.model) == (None, 0, None)


def test_the_callers_credentials_stay_and_the_providers_go() -> None:
    world = OpenedWorld(answering(b"{}"))
    body_of(
        world.transcribe(
            cookie="session=1",
            host="gateway",
            x_forwarded_for="10.0.0.1",
            openai_organization="org",
            te="trailers",
        )
    )
    ((_, _, headers, key),) = world.passing.seen
    assert headers == {"content-type": FORM}
    assert key == "provider-secret"


def test_a_query_and_a_part_that_varies_go_on_and_the_record_has_neither() -> None:
    world = OpenedWorld(answering(b"{}"))
    http = HttpRequest(
        "GET",
        "/v1/files/file-canary/content",
        {"authorization": f"Bearer {world.key}"},
        b"",
        "192.0.2.7",
        query=(("after", "canary"),),
    )
    assert world.gateway.handle(http, lambda: 60.0).status == 200
    ((url, sending, _, _),) = world.passing.seen
    assert url.endswith("/v1/files/file-canary/content")
    assert (sending.method, sending.query, sending.body) == ("GET", (("after", "canary"),), b"")
    assert world.record.route == "/v1/files/{file}/content"
    assert "canary" not in repr(world.record)


def test_a_key_needs_a_grant_for_the_route_by_its_name() -> None:
    world = OpenedWorld(answering(b"{}"))
    assert error(world.send("POST", "/v1/moderations", b"{}")) == (403, "route_not_allowed")
    assert world.passing.seen == []
    assert world.record.outcome == "blocked"


def test_without_a_key_nothing_passes() -> None:
    world = OpenedWorld(answering(b"{}"))
    assert world.send("POST", "/v1/audio/transcriptions", AUDIO, key="").status == 401
    assert (world.passing.seen, world.stored) == ([], [])


def test_a_route_that_is_granted_and_not_deployed_does_not_exist() -> None:
    world = OpenedWorld(answering(b"{}"))
    world._gateway = None
    parts = replace(world._parts(), opened=None)
    world._gateway = type(world.gateway)(parts)
    assert error(world.send("POST", "/v1/audio/transcriptions", AUDIO)) == (404, "unknown_route")


def test_what_was_deployed_bounds_where_it_leads() -> None:
    world = OpenedWorld(answering(b"{}"))
    key = control_key("route", "audio")
    entry = dict(world.control.list(""))[key]
    target = {**entry.document["target"], "provider": "elsewhere"}
    world.control.write([Change(key, {**entry.document, "target": target}, expects=entry.revision)])
    assert world.transcribe().status == 503
    assert world.passing.seen == []


@pytest.mark.parametrize("size_bytes", [1024, 1025])
def test_a_routes_own_bound_holds(size_bytes: int) -> None:
    world = OpenedWorld(answering(b"{}"))
    assert world.transcribe(b"x" * size_bytes).status == (200 if size_bytes == 1024 else 413)


def test_without_intent_nothing_is_sent_and_without_outcome_nothing_is_answered() -> None:
    world = OpenedWorld(answering(b"{}"))
    world.ledger = Broken()
    assert world.transcribe().status == 503
    assert world.passing.seen == []

    def broken(*_: object) -> None:
        raise StorageError("store the outcome")

    world = OpenedWorld(answering(b"secret"))
    world.outbox = broken
    response = world.transcribe()
    assert (response.status, response.headers["x-should-retry"]) == (503, "false")
    assert b"secret" not in body_of(response)


@pytest.mark.parametrize(("status", "told"), [(400, 400), (404, 404), (429, 429), (401, 502), (500, 502)])
def test_errors_are_the_upstreams_where_they_are_about_the_request(status: int, told: int) -> None:
    world = OpenedWorld(answering(b'{"error": {}}', status=status))
    response = world.transcribe()
    assert response.status == told
    assert (body_of(response) == b'{"error": {}}') == (told == status)
    assert world.record.outcome == "failed"


def test_a_redirect_is_not_followed() -> None:
    world = OpenedWorld(UpstreamError("The upstream answered with a redirect.", outcome="redirect"))
    response = world.transcribe()
    assert isinstance(response, HttpResponse)
    assert error(response) == (502, "upstream_error")
    assert world.record.upstream[0].outcome == "redirect"


def test_an_answer_without_a_body_has_none() -> None:
    assert body_of(OpenedWorld(answering(status=204)).transcribe()) == b""


def test_a_stream_passes_piece_by_piece_as_it_came_and_ends_after_its_outcome() -> None:
    pieces = [b"event: a\r\ndata: {\r\n", b"\r\n", b"no event at all"]
    world = OpenedWorld(FakeStream(*pieces))
    response = world.transcribe()
    assert isinstance(response, HttpStream)
    assert [chunk for chunk in response.chunks if chunk] == pieces
    assert (world.record.outcome, world.record.stream) == ("answered", True)


def test_a_stream_that_breaks_ends_with_the_dialects_error() -> None:
    world = OpenedWorld(FakeStream(b"data: 1\n\n", UpstreamError("It broke.", outcome="cut")))
    said = body_of(world.transcribe())
    assert said.startswith(b"data: 1\n\n")
    assert b"upstream_error" in said
    assert world.record.outcome == "failed"


def test_a_caller_that_goes_ends_the_stream_and_leaves_a_record() -> None:
    stream = FakeStream(b"data: 1\n\n", b"data: 2\n\n")
    world = OpenedWorld(stream)
    response = world.transcribe()
    assert isinstance(response, HttpStream)
    next(response.chunks)
    response.chunks.close()  # type: ignore[attr-defined]  # a generator, as it says
    assert stream.closed
    assert world.record.outcome == "disconnected"


class Guard(Plugin):
    """Remembers whether it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        self.asked += 1
        return Allow()

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        self.asked += 1
        return Allow()


READS: dict[Moment, str] = {"before_upstream": "request.messages.user", "after_upstream": "response.text"}


@pytest.mark.parametrize("moment", READS)
@pytest.mark.parametrize("pieces", [answering, FakeStream])
def test_a_guard_that_cannot_see_the_body_refuses_it(moment: Any, pieces: Any) -> None:
    guard, stream = Guard(), pieces(b"data: secret\n\n")
    placement = placement_of("guard", moment, reads=(READS[moment],), effects={"block"})
    world = OpenedWorld(stream, {"guard": guard}, placement)
    response = world.transcribe()
    assert isinstance(response, HttpResponse)
    assert error(response) == (403, "uninspectable_content")
    assert guard.asked == 0
    assert len(world.passing.seen) == (moment == "after_upstream")
    assert stream.closed == (moment == "after_upstream")
    assert ("body", "refuse", "guard") in [(u.kind, u.policy, u.plugin) for u in world.record.uninspected]


@pytest.mark.parametrize("policy", [{"opaque": "allow"}, {"default": "drop"}, {"body": "drop"}])
def test_neither_seals_that_pass_nor_drops_let_a_body_by(policy: Any) -> None:
    placement = placement_of("guard", "before_upstream", reads=(READS["before_upstream"],), effects={"block"})
    world = OpenedWorld(answering(b"{}"), {"guard": Guard()}, replace(placement, uninspected=policy))
    assert world.transcribe().status == 403
    assert world.passing.seen == []


def test_a_guard_that_says_so_lets_it_pass_and_the_record_names_it() -> None:
    guard = Guard()
    placements = [
        replace(
            placement_of("guard", moment, reads=(read,), effects={"block"}), uninspected={"body": "allow"}
        )
        for moment, read in READS.items()
    ]
    world = OpenedWorld(answering(b"{}"), {"guard": guard}, *placements)
    assert world.transcribe().status == 200
    assert guard.asked == 2
    assert [(u.path, u.policy) for u in world.record.uninspected if u.plugin == "guard"] == [
        ("request", "allow"),
        ("response", "allow"),
    ]


class Facts(Plugin):
    """Works on what is beside the body; asked to, it does what no body here allows."""

    def __init__(self, does: str = "tag") -> None:
        self.does = does

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        if self.does == "answer":
            return Respond.text("hello")
        if self.does == "add":
            return Transform(request.messages.system.add("be kind"))
        return Transform(request.headers.set("x-team", "red"))


def test_who_reads_no_content_runs_as_ever() -> None:
    placement = placement_of(
        "facts",
        "before_upstream",
        reads=("identity",),
        writes={"request.headers.x-team"},
        effects={"transform"},
    )
    world = OpenedWorld(answering(b"{}"), {"facts": Facts()}, placement)
    assert world.transcribe().status == 200
    assert world.passing.seen[0][2]["x-team"] == "red"
    assert world.record.placements[0].action == "transform"


@pytest.mark.parametrize(("does", "status"), [("answer", 502), ("add", 503)])
def test_what_needs_a_body_that_is_understood_fails_closed(does: str, status: int) -> None:
    placement = placement_of(
        "facts",
        "before_upstream",
        reads=("identity",),
        writes={"request.messages.system"},
        effects={"transform", "respond"},
    )
    world = OpenedWorld(answering(b"{}"), {"facts": Facts(does)}, placement)
    assert world.transcribe().status == status
    assert world.passing.seen == []


def test_old_grants_without_routes_grant_none() -> None:
    world = OpenedWorld(answering(b"{}"))
    key = grants_key("team", "red")
    entry = dict(world.control.list(""))[key]
    document = {name: value for name, value in entry.document.items() if name != "routes"}
    world.control.write([Change(key, document, expects=entry.revision)])
    response = world.transcribe()
    assert isinstance(response, HttpResponse)
    assert error(response) == (403, "route_not_allowed")
