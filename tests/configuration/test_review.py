from __future__ import annotations

from typing import Any

import pytest

from penstock.configuration.model import PluginStanza
from penstock.configuration.review import Review, review
from penstock.sdk.manifest import Manifest, parse_manifest
from penstock.sdk.steps import parse_steps
from tests.configuration import files
from tests.configuration.test_placing import MANIFEST
from tests.sdk.test_steps import EVERY_KIND

QUESTIONS = (
    "Which moments?",
    "Does it block, transform or only observe?",
    "Which fields?",
    "Does data leave, and to where?",
    "Which models, MCP servers, keys, teams, tenants?",
    "Which secrets?",
    "What evidence does it leave?",
)


def reviewed(grant: dict[str, Any] | None = None, **stanza: Any) -> Review:
    made = (
        PluginStanza.model_validate({"name": "guard", "grant": grant, **stanza})
        if grant is not None
        else None
    )
    return review(Manifest.model_validate(MANIFEST), made)


def test_the_seven_questions_are_asked_in_order() -> None:
    assert tuple(question for question, _ in reviewed().answers) == QUESTIONS


def test_a_manifest_alone_is_reviewed_for_all_that_it_asks() -> None:
    answers = dict(reviewed().answers)
    assert answers["Which moments?"] == "before_upstream, after_upstream, after_response"
    assert (
        answers["Does data leave, and to where?"]
        == "yes: audit.example.com:443; keeps data in its own storage"
    )
    assert answers["Which secrets?"] == "token"
    assert answers["Which models, MCP servers, keys, teams, tenants?"] == "decided where it is installed"
    evidence = answers["What evidence does it leave?"]
    for line in (
        "reasons: bad_word",
        "words: count, 0 to 10",
        "tags: kind, cost",
        "each delivery: host and status",
    ):
        assert line in evidence


def test_a_grant_is_reviewed_for_what_it_gives() -> None:
    answers = dict(
        reviewed(
            {"before_upstream": {"reads": ["request.messages.user"], "effects": ["record"]}},
            scope={"team": ["a*"], "except": [{"model": ["x"], "team": ["ab"]}]},
        ).answers
    )
    assert answers["Does it block, transform or only observe?"] == "before_upstream: only observes (record)"
    assert answers["Which fields?"] == "before_upstream reads: request.messages.user"
    assert answers["Does data leave, and to where?"] == "no"
    assert answers["Which models, MCP servers, keys, teams, tenants?"] == (
        "team: a*\nexcept team: ab and model: x"
    )
    assert answers["Which secrets?"] == "none"


def test_a_secret_is_named_with_its_place() -> None:
    grant = {"after_response": {"reads": ["evidence"]}, "secrets": ["token"]}
    assert dict(reviewed(grant, secrets={"token": "prod/t"}).answers)["Which secrets?"] == "token (prod/t)"


def test_a_host_that_a_setting_leads_to_is_named_with_the_setting() -> None:
    manifest = Manifest.model_validate({**MANIFEST, "hosts_from": ["url"], "storage": False})
    hosts = ["hook.example.com:8443", "audit.example.com:443"]
    grant = {"after_response": {"reads": ["evidence"], "effects": ["emit"]}, "hosts": hosts}
    config = {"url": "https://hook.example.com:8443/in"}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": grant, "config": config})
    question = "Does data leave, and to where?"
    assert dict(review(manifest, stanza).answers)[question] == (
        "yes: hook.example.com:8443 (config.url), audit.example.com:443"
    )
    assert dict(review(manifest).answers)[question] == "yes: audit.example.com:443, where config.url leads"


def test_a_header_that_is_written_counts_as_data_that_leaves() -> None:
    manifest = Manifest.model_validate(
        {
            **MANIFEST,
            "before_upstream": {"writes": ["request.headers.x-a"], "effects": ["transform"]},
            "reasons": {},
            "tags": {},
            "storage": False,
            "hosts": [],
        }
    )
    answer = dict(review(manifest).answers)["Does data leave, and to where?"]
    assert answer == "yes: request.headers.x-a (to the upstream)"


def test_notes_to_the_caller_are_data_that_leaves() -> None:
    manifest = Manifest.model_validate(
        {
            **MANIFEST,
            "after_upstream": {"writes": ["response.metadata"], "effects": ["transform"]},
            "storage": False,
            "hosts": [],
        }
    )
    answer = dict(review(manifest).answers)["Does data leave, and to where?"]
    assert answer == "yes: response.metadata (to the caller)"


BLOCKING = {"before_upstream": {"effects": ["block"]}}


@pytest.mark.parametrize(
    ("grant", "stanza", "line"),
    [
        (BLOCKING, {}, "It CAN affect the response path: it may block, and its failure may stop a request."),
        (
            BLOCKING,
            {"mode": "shadow"},
            "It does not affect the response path in mode shadow; enforced, it may block.",
        ),
        (
            BLOCKING,
            {"on_error": "allow"},
            "It CAN affect the response path: it may block; its failure stops no request.",
        ),
        (
            {"before_upstream": {"reads": ["decisions"]}},
            {},
            "It CANNOT change a response, but its failure may stop a request.",
        ),
        (
            {"before_upstream": {"reads": ["identity"]}},
            {},
            "It CANNOT change or stop a response; it runs in its time, within its deadline.",
        ),
        (
            {"after_response": {"reads": ["evidence"], "effects": ["emit"]}},
            {},
            "It CANNOT affect the response path: it runs after the response.",
        ),
        (
            {"after_response": {"reads": ["evidence"], "effects": ["emit"]}},
            {"wait": True},
            "It CAN affect the response path: no answer leaves that it has not taken the evidence of.",
        ),
        (
            {"after_response": {"reads": ["evidence"], "effects": ["emit"]}},
            {"wait": True, "on_error": "allow"},
            "It CANNOT change or stop a response; the caller waits for it, within its deadline.",
        ),
    ],
)
def test_one_line_says_whether_it_can_affect_a_response(
    grant: dict[str, Any], stanza: dict[str, Any], line: str
) -> None:
    assert reviewed(grant, **stanza).response_path == line


def test_what_a_guard_does_not_see_is_said_with_what_becomes_of_it() -> None:
    grant = {"before_upstream": {"reads": ["request.messages.user"], "effects": ["block"]}}
    answers = dict(
        reviewed(grant, uninspected={"default": "refuse", "request.messages.system": "allow"}).answers
    )
    lines = answers["Which fields?"].splitlines()
    assert "before_upstream does not see, so will allow: request.messages.system" in lines
    refused = next(line for line in lines if "so will refuse" in line)
    assert "request.messages.assistant" in refused
    assert refused.endswith("anything that no field carries")


def test_what_no_traffic_in_its_scope_carries_is_nothing_that_it_does_not_see() -> None:
    grant = {"before_upstream": {"reads": ["request.messages.user"], "effects": ["block"]}}
    everywhere = dict(reviewed(grant).answers)["Which fields?"]
    models = dict(reviewed(grant, scope={"dialect": ["openai"]}).answers)["Which fields?"]
    assert "request.mcp.arguments" in everywhere
    assert "request.mcp.arguments" not in models
    assert "request.messages.system" in models


def test_who_only_looks_guards_nothing_and_hides_nothing() -> None:
    grant = {"before_upstream": {"reads": ["request.messages.user"], "effects": ["record"]}}
    assert "does not see" not in dict(reviewed(grant).answers)["Which fields?"]


def test_who_reads_only_the_request_after_the_upstream_hides_nothing_of_the_response() -> None:
    grant = {"after_upstream": {"reads": ["request.messages.user"], "effects": ["block"]}}
    assert "does not see" not in dict(reviewed(grant).answers)["Which fields?"]


@pytest.mark.parametrize(
    ("grant", "stanza", "lines"),
    [
        (
            BLOCKING,
            {"order": 7, "required": True},
            [
                (
                    "before_upstream: ordered, order 7, mode enforce, rollout 100 %, required, "
                    "on_error block (derived: it is ordered)"
                )
            ],
        ),
        (
            BLOCKING,
            {"mode": "shadow", "rollout": 25, "after": ["first", "second"], "on_error": "allow"},
            [
                (
                    "before_upstream: ordered, order 0, mode shadow, rollout 25 %, not required, "
                    "after first and second, on_error allow (gateway.toml)"
                )
            ],
        ),
        (
            {"before_upstream": {"reads": ["identity"]}, "after_response": {"reads": ["evidence"]}},
            {},
            [
                (
                    "before_upstream: independent, order 0, mode enforce, rollout 100 %, not required, "
                    "on_error allow (derived: it is independent)"
                ),
                (
                    "after_response: background, order 0, mode enforce, rollout 100 %, not required, "
                    "on_error allow (derived: it is background)"
                ),
            ],
        ),
    ],
)
def test_one_line_says_how_each_placement_is_placed(
    grant: dict[str, Any], stanza: dict[str, Any], lines: list[str]
) -> None:
    assert list(reviewed(grant, **stanza).placements) == lines


def test_what_the_manifest_says_of_failures_is_told_as_its_own() -> None:
    wish = {**MANIFEST["before_upstream"], "on_error": "allow", "after": ["first"]}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": BLOCKING})
    manifest = Manifest.model_validate({**MANIFEST, "before_upstream": wish})
    (line,) = review(manifest, stanza).placements
    assert line.endswith("after first, on_error allow (manifest)")
    line, *_ = review(manifest).placements
    assert "decided where it is installed" in line


TEXT: dict[str, Any] = {"reads": ["response.text"], "writes": ["response.text"], "effects": ["transform"]}


@pytest.mark.parametrize(
    ("asked", "given", "words"),
    [
        ({}, TEXT, "keeps back 64 characters of a stream, at most 128 of one match"),
        ({"max_hold_chars": None}, TEXT, "keeps back 64 characters of a stream, at most 64 of one match"),
        ({}, {"reads": ["response.text"]}, "looks at a stream once it has passed"),
        (
            {"stream": "buffer", "window_chars": None, "max_hold_chars": None},
            TEXT,
            "holds a stream until it is whole (manifest)",
        ),
        (
            {"stream": None, "window_chars": None, "max_hold_chars": None},
            TEXT,
            "holds a stream until it is whole (derived: it declares no `stream`)",
        ),
    ],
)
def test_how_it_meets_a_stream_is_told(asked: dict[str, Any], given: dict[str, Any], words: str) -> None:
    manifest = {**MANIFEST, "after_upstream": {**MANIFEST["after_upstream"], **asked}}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": {"after_upstream": given}})
    (line,) = review(Manifest.model_validate(manifest), stanza).placements
    assert line.endswith(f"), {words}")


def test_e_mail_leaves_from_and_to_whom_the_grant_says() -> None:
    asked = {**MANIFEST, "email": True}
    question = "Does data leave, and to where?"
    alone = dict(review(Manifest.model_validate(asked)).answers)[question]
    assert "e-mail, from and to whom is decided where it is installed" in alone
    email = {"from": "bot@acme.example", "to": ["soc@acme.example", "*@ops.acme.example"]}
    given = {"after_response": {"reads": ["evidence"], "effects": ["emit"]}, "email": email}
    stanza = PluginStanza.model_validate({"name": "guard", "grant": given})
    answers = dict(review(Manifest.model_validate(asked), stanza).answers)
    assert answers[question] == "yes: e-mail from bot@acme.example to soc@acme.example, *@ops.acme.example"


def test_objects_leave_for_the_plugin_s_own_place() -> None:
    asked = Manifest.model_validate({**MANIFEST, "exports": True})
    given = {"after_response": {"reads": ["evidence"], "effects": ["emit"]}, "exports": True}
    for stanza in (None, PluginStanza.model_validate({"name": "guard", "grant": given})):
        answer = dict(review(asked, stanza).answers)["Does data leave, and to where?"]
        assert "objects below guard/ in the deployment's exports bucket" in answer


def test_a_workflow_is_told_step_by_step_with_the_human_in_it() -> None:
    manifest = parse_manifest(
        files.MANIFEST.replace("contract = 1", "contract = 1\nworkflow = true"), "plugin.toml"
    )
    said = dict(review(manifest, None, parse_steps(EVERY_KIND, "workflow.toml")).answers)
    answer = said["Does it block, transform or only observe?"]
    assert "decide (a human answers within config.answer_s s, else `expired`)" in answer
    assert "which (by decide)" in answer
    assert "workflow" not in str(dict(review(manifest).answers))
