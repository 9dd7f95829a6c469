"""Every built-in plugin does the same at every door, however the answer comes; or it is refused in words."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from penstock.adapters.workflows import MemoryRuns
from penstock.background.starting import Workflows
from penstock.configuration.compile import compile_file
from penstock.configuration.coverage import stream_problem
from penstock.configuration.reading import parse_gateway_file
from penstock.errors import ConfigurationError
from penstock.evidence.record import EvidenceRecord, PlacementRecord
from penstock.sdk.fields import AFTER, BEFORE, CONTENT_FIELDS, Moment
from penstock.sdk.loading import load_plugin
from penstock.sdk.manifest import MomentRequest, moment_problem, read_manifest
from penstock.sdk.storage import MemoryStorage
from penstock.sdk.testing import harness
from tests import tree
from tests.gates.hosted import Outside
from tests.gateway.doors import Came, Door, Talk
from tests.gateway.matrix import NO_VECTOR, TOO_FAR
from tests.gateway.mcp_doors import MCP_DOORS
from tests.gateway.world import World, as_mapping
from tests.plugins.dlp_http.peers import TOKEN as DLP_TOKEN
from tests.plugins.dlp_http.peers import OwnFormat
from tests.plugins.every_door import (
    APPROVALS,
    CELLS,
    DEPLOYMENT,
    DLP,
    DOORS,
    ELIGIBILITY,
    JSON_GUARD,
    NO_WINDOW,
    NOT_OF_MODELS,
    NOTHING,
    PLUGINS,
    TOPICS,
    WORKS,
    Cell,
    folder_of,
    placed,
    placements,
    stanza,
)

EMAIL = "alice" + "@corp.test"
TOKEN = "gh" + "p_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"
SCHEMA = {"type": "object", "required": ["n"]}
CLEAN = "Nothing to see here."
# Settings, and the part of what is sent that has the record's own members.
EXPORTERS: dict[str, tuple[dict[str, Any], str]] = {
    "audit-export": ({"url": "https://audit.example.com/penstock"}, ""),
    "siem-export": ({"url": "https://splunk.example.com:8088/services/collector/event"}, "event"),
    "webhook-notify": (
        {"url": "https://hooks.example.com/", "rules": [{"name": "answered", "outcomes": ["answered"]}]},
        "data",
    ),
    "warehouse-export": ({}, ""),
}
DIGEST = {"to": ["soc@acme.example"], "rules": [{"name": "answered", "outcomes": ["answered"]}]}
EXPORT_SECRETS = {"signing_key": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "token": "t-1"}


DLP_HOSTS = frozenset({"dlp.example.com:443"})
# What the functions of those that have one reach.
OUTSIDE: dict[str, Callable[[], Outside]] = {
    DLP: lambda: Outside(
        OwnFormat().handle_request, frozenset({"dlp.example.com:443"}), {"token": DLP_TOKEN}
    ),
}


def asked(cell: Cell, talk: Talk) -> tuple[World, Came]:
    """One request through a gateway with the cell's plugin."""
    plugins, where = placements(cell)
    world = cell.door.world(plugins, *where)
    if cell.plugin in OUTSIDE:
        world.outside = {cell.plugin: OUTSIDE[cell.plugin]()}
    return world, cell.door.ask(world, talk, stream=cell.is_streamed)


def told(plugin: str, record: EvidenceRecord) -> bytes:
    """What an exporter sends of a record: one request's body, or one object, unpacked."""
    got: list[bytes] = []

    def take(request: httpx.Request) -> httpx.Response:
        packed = request.headers.get("content-encoding") == "gzip"
        got.append(gzip.decompress(request.content) if packed else request.content)
        return httpx.Response(202)

    config = dict(placed(plugin)[0].config) if plugin == TOPICS else EXPORTERS[plugin][0]
    exporter = harness(folder_of(plugin), config, secrets=EXPORT_SECRETS, transport=httpx.MockTransport(take))
    assert exporter.background(as_mapping(record)).action == "emit"
    (body,) = got or map(gzip.decompress, exporter.capabilities.exported.kept.values())
    return body


def of(world: World, plugin: str, moment: Moment) -> PlacementRecord:
    (found,) = [each for each in world.record.placements if (each.plugin, each.moment) == (plugin, moment)]
    return found


def of_plugin(plugin: str) -> list[Cell]:
    return [cell for cell in CELLS if cell.plugin == plugin and cell.becomes == WORKS]


def cells(plugin: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cell", of_plugin(plugin), ids=lambda cell: cell.name)


def test_there_is_a_row_for_each_built_in_plugin() -> None:
    assert {folder_of(name) for name in PLUGINS} == {
        tree.ROOT / folder for folder in tree.plugin_folders() if folder.parts[0] == "plugins"
    }


@pytest.mark.parametrize("plugin", ["pii-redactor", "secret-scanner"])
@pytest.mark.parametrize(("moment", "part"), [(BEFORE, "request."), (AFTER, "response.")])
def test_the_guards_of_content_read_every_field_that_has_any(plugin: str, moment: Moment, part: str) -> None:
    asked = read_manifest(folder_of(plugin)).moments[moment]
    assert set(asked.reads) == {name for name in CONTENT_FIELDS if name.startswith(part)}


@cells("pii-redactor")
def test_addresses_are_masked_both_ways(cell: Cell) -> None:
    world, came = asked(cell, Talk(f"Write to {EMAIL}.", f"Ask {EMAIL} then."))
    assert cell.door.asked(world) == "Write to <email>."
    before = of(world, cell.plugin, BEFORE)
    assert (before.action, [each.field for each in before.changed]) == ("transform", [cell.door.asks])
    assert before.recorded == {"emails": 1}
    if cell.answers_pass:
        assert came.text == ("" if cell.door.wordless else f"Ask {EMAIL} then.")
        return
    assert (came.status, came.text) == (200, "Ask <email> then.")
    assert EMAIL.encode() not in came.raw
    after = of(world, cell.plugin, AFTER)
    assert (after.action, [each.field for each in after.changed]) == ("transform", [cell.door.answers])
    assert after.recorded == {"emails": 1}


@cells(DLP)
def test_a_dlp_masks_both_ways_and_is_told_of_both(cell: Cell) -> None:
    world, came = asked(cell, Talk(f"Write to {EMAIL}.", f"Ask {EMAIL} then."))
    assert cell.door.asked(world) == "Write to <email>."
    before = of(world, cell.plugin, BEFORE)
    assert (before.action, before.host, before.recorded["masked"]) == ("transform", "function", 1)
    assert [(sent.host, sent.status) for sent in before.deliveries] == [("dlp.example.com:443", 200)]
    if cell.answers_pass:
        assert came.text == ("" if cell.door.wordless else f"Ask {EMAIL} then.")
        return
    assert (came.status, came.text) == (200, "Ask <email> then.")
    assert EMAIL.encode() not in came.raw
    assert of(world, cell.plugin, AFTER).action == "transform"


@cells(APPROVALS)
def test_a_request_waits_for_an_approval_and_then_passes_once(cell: Cell) -> None:
    kept, runs = MemoryStorage(), MemoryRuns()
    outside = {APPROVALS: Outside(storage=kept, workflows=Workflows(runs, kept, 60))}

    def again() -> tuple[World, Came]:
        plugins, where = placements(cell)
        world = cell.door.world(plugins, *where)
        world.outside = outside
        return world, cell.door.ask(world, Talk(CLEAN, CLEAN), stream=cell.is_streamed)

    for said in ("required", "pending"):
        world, came = again()
        assert (came.code, cell.door.asked(world)) == ("approval_required", None)
        record = of(world, APPROVALS, BEFORE)
        assert (record.action, record.host, record.recorded) == ("block", "function", {"approval": said})
        assert str(record.reference).encode() in came.raw
    (run,) = runs.begun.values()
    found = kept.get(f"ask/{run['reference']}")
    assert found is not None
    kept.put(f"ask/{run['reference']}", {**found.value, "standing": "approved", "uses": 1})
    world, came = again()
    assert (came.code, came.text, cell.door.asked(world)) == (
        None,
        "" if cell.door.wordless else CLEAN,
        CLEAN,
    )
    assert of(world, APPROVALS, BEFORE).recorded == {"approval": "approved", "uses_left": 0}
    assert again()[1].code == "approval_required"


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.name)
def test_without_a_dlp_that_answers_nothing_reaches_the_upstream(door: Door) -> None:
    plugins, where = placements(Cell(DLP, door, "unary"))
    world = door.world(plugins, *where)
    down = Outside(lambda _: httpx.Response(500), DLP_HOSTS, {"token": DLP_TOKEN})
    world.outside = {DLP: down}
    came = door.ask(world, Talk(CLEAN, CLEAN), stream="unary" not in door.modes)
    assert (came.code, door.asked(world)) == ("plugin_unavailable", None)
    before = of(world, DLP, BEFORE)
    assert (before.action, before.failure, before.deliveries[0].status) == ("fail", "exception", 500)
    assert CLEAN not in repr(world.record)


def test_a_dlp_cannot_meet_a_stream_in_windows() -> None:
    _, where = placed(DLP)
    found = stream_problem(replace(where[AFTER], stream="window", window_chars=64))
    assert found is not None
    assert TOO_FAR in found[0]


@cells("secret-scanner")
def test_a_request_with_a_token_reaches_nobody(cell: Cell) -> None:
    world, came = asked(cell, Talk(f"Use {TOKEN}.", CLEAN))
    assert (came.status, came.code) == (cell.door.refused_status, "secret-scanner.developer_token")
    assert cell.door.asked(world) is None
    before = of(world, cell.plugin, BEFORE)
    assert (before.action, before.reason, before.recorded) == (
        "block",
        "developer_token",
        {"developer_tokens": 1},
    )
    assert TOKEN not in repr(world.record)


@cells("secret-scanner")
def test_an_answer_with_a_token_stays_here(cell: Cell) -> None:
    world, came = asked(cell, Talk(CLEAN, f"It is {TOKEN}."))
    assert cell.door.asked(world) == CLEAN
    if cell.answers_pass:
        assert came.text == ("" if cell.door.wordless else f"It is {TOKEN}.")
        return
    assert came.code == "secret-scanner.developer_token"
    assert TOKEN[:12].encode() not in came.raw
    after = of(world, cell.plugin, AFTER)
    assert (after.action, after.reason) == ("block", "developer_token")
    assert world.record.outcome == "blocked"


@cells(JSON_GUARD)
def test_an_answer_that_is_not_what_was_asked_for_is_stopped_and_another_passes(cell: Cell) -> None:
    world, came = asked(cell, Talk("Number?", '{"other": 1}', SCHEMA))
    assert (came.status, came.code) == (403, "json-schema-guard.schema_mismatch")
    assert b"other" not in came.raw
    record = of(world, cell.plugin, AFTER)
    assert (record.action, record.reason) == ("block", "schema_mismatch")
    assert record.recorded == {"checked": 1, "violations": 1}
    world, came = asked(cell, Talk("Number?", '{"n": 1}', SCHEMA))
    assert (came.status, came.text) == (200, '{"n": 1}')
    assert of(world, cell.plugin, AFTER).recorded == {"checked": 1}


@pytest.mark.parametrize(
    "cell", [cell for cell in CELLS if cell.becomes.startswith(NOTHING)], ids=lambda cell: cell.name
)
def test_the_json_guard_lets_pass_what_holds_no_words(cell: Cell) -> None:
    world, came = asked(cell, Talk(CLEAN))
    assert came.status == 200
    assert of(world, JSON_GUARD, AFTER).action == "allow"


def eligible(**row: list[str]) -> Outside:
    storage = MemoryStorage()
    storage.put("team/red", row)
    return Outside(storage=storage)


@cells(ELIGIBILITY)
def test_who_is_in_the_table_passes_and_who_is_not_reaches_nobody(cell: Cell) -> None:
    kind, name = ("mcp_servers", "files") if cell.door in MCP_DOORS else ("models", "echo-1")
    plugins, where = placements(cell)
    plugins[ELIGIBILITY] = load_plugin(folder_of(ELIGIBILITY), {"cache_s": 0})
    world = cell.door.world(plugins, *where)
    world.outside = {ELIGIBILITY: eligible(**{f"allow_{kind}": [name]})}
    came = cell.door.ask(world, Talk(CLEAN, CLEAN), stream=cell.is_streamed)
    assert came.text == ("" if cell.door.wordless else CLEAN)
    assert of(world, ELIGIBILITY, BEFORE).recorded == {"decided_by": "team"}
    stopped = cell.door.world(plugins, *where)
    stopped.outside = {ELIGIBILITY: eligible(**{f"allow_{kind}": ["*"], f"deny_{kind}": [name]})}
    came = cell.door.ask(stopped, Talk(CLEAN, CLEAN), stream=cell.is_streamed)
    assert (came.status, came.code) == (cell.door.refused_status, "tenant-eligibility.not_eligible")
    assert cell.door.asked(stopped) is None


@cells(TOPICS)
def test_what_is_spoken_of_is_noted_and_told_afterwards_without_a_word_of_it(cell: Cell) -> None:
    said = f"Your refund. {CLEAN}"
    world, came = asked(cell, Talk(f"An invoice? {CLEAN}", said))
    assert came.text == ("" if cell.door.wordless else said)
    after = of(world, cell.plugin, AFTER)
    found = 1 if cell.door.wordless or cell.door in MCP_DOORS else 2
    assert (after.style, after.recorded) == (
        "independent",
        {"topics": 1, "topic": "billing", "matches": found},
    )
    ((record, receivers),) = world.stored
    assert receivers == [TOPICS]
    body = told(cell.plugin, record)
    assert json.loads(body)["data"]["topics"] == [{"topic": "billing", "matches": found}]
    assert b"invoice" not in body
    assert "invoice" not in repr(record)


@cells("request-tags")
def test_who_pays_is_noted_and_the_upstream_is_told(cell: Cell) -> None:
    world, came = asked(cell, Talk(CLEAN, CLEAN))
    assert came.text == ("" if cell.door.wordless else CLEAN)
    assert cell.door.headers(world)["x-cost-center"] == "cc-000"
    assert world.record.tags == {"cost_center": "cc-000"}
    assert of(world, cell.plugin, BEFORE).action == "transform"


@pytest.mark.parametrize(
    "cell", [cell for name in EXPORTERS for cell in of_plugin(name)], ids=lambda cell: cell.name
)
def test_the_record_of_each_request_is_exported_and_holds_no_word_of_it(cell: Cell) -> None:
    world, came = asked(cell, Talk(CLEAN, f"{CLEAN} No."))
    assert came.text == ("" if cell.door.wordless else f"{CLEAN} No.")
    ((record, receivers),) = world.stored
    assert receivers == [cell.plugin]
    body = told(cell.plugin, record)
    part = EXPORTERS[cell.plugin][1]
    sent = json.loads(body)[part] if part else json.loads(body)
    assert sent["dialect"] == record.dialect
    assert sent["route"] == record.route
    assert CLEAN.encode() not in body


@cells("email-notify")
def test_a_request_is_in_the_window_of_the_digest_and_no_word_of_it(cell: Cell) -> None:
    world, _ = asked(cell, Talk(CLEAN, f"{CLEAN} No."))
    ((record, receivers),) = world.stored
    assert receivers == [cell.plugin]
    digest = harness(folder_of(cell.plugin), DIGEST)
    assert digest.background(as_mapping(record)).failure is None
    found = digest.capabilities.kept.get("digest")
    assert found is not None
    assert found.value["open"]["ids"] == {"answered": [record.request_id]}
    assert CLEAN not in json.dumps(found.value)


@pytest.mark.parametrize(
    ("scope", "words"), [("", NOT_OF_MODELS), ('scope = { dialect = ["openai"] }\n', NO_VECTOR)]
)
def test_the_json_guard_is_refused_where_it_has_nothing_to_do(scope: str, words: str) -> None:
    text = DEPLOYMENT + stanza(JSON_GUARD, scope=scope)
    with pytest.raises(ConfigurationError, match=words):
        compile_file(parse_gateway_file(text.encode(), tree.ROOT / "gateway.toml"))


@pytest.mark.parametrize(
    "door",
    [door for door in DOORS if Cell(JSON_GUARD, door, "unary").becomes.startswith("refused")],
    ids=lambda door: door.name,
)
def test_what_is_outside_of_its_scope_the_json_guard_leaves_alone(door: Door) -> None:
    cell = Cell(JSON_GUARD, door, "buffer" if "stream" in door.modes else "unary")
    world, came = asked(cell, Talk(CLEAN, CLEAN))
    assert (came.status, came.text) == (200, "" if door.wordless else CLEAN)
    assert of(world, JSON_GUARD, AFTER).action == "skipped"


def test_the_json_guard_cannot_meet_a_stream_in_windows() -> None:
    asked = read_manifest(folder_of(JSON_GUARD)).after_upstream
    assert asked is not None
    windowed = MomentRequest(reads=asked.reads, effects=asked.effects, stream="window", window_chars=64)
    assert moment_problem(AFTER, windowed) == NO_WINDOW
