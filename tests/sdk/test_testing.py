from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from penstock.errors import ConfigurationError, FailureClass, FieldNotGrantedError
from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Evidence,
    Plugin,
    PluginConfig,
    Replace,
    Request,
    Respond,
    Response,
    Transform,
)
from penstock.sdk.testing import Harness, harness

MANIFEST = """
name = "probe"
version = "1.0.0"
summary = "A plugin that does what a test tells it."
purpose = "Use this plugin to transform prompts for tests."
owner = "tests"
contract = 1
entry_point = "probe:Probe"
hosts = ["hooks.example.com:443"]
secrets = ["token"]

[before_upstream]
reads = ["request.messages.user", "identity"]
writes = ["request.messages.user", "request.tags", "request.headers.x-team"]
effects = ["block", "transform", "respond", "record"]

[after_upstream]
reads = ["response.text"]
writes = ["response.text"]
effects = ["transform"]

[after_response]
reads = ["evidence"]
effects = ["emit", "record"]

[reasons]
no = "Not this."

[records]
seen = { unit = "count", minimum = 0, maximum = 9 }

[tags.team]
values = ["a", "b"]
"""


class Probe(Plugin):
    """Its methods are replaced by each test's own."""

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        return Allow()

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        return Transform(response.text.sub("a", "b"))

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        """Leave nothing."""


def probe(before: Any = None, later: Any = None, **options: Any) -> Harness:
    methods = {"before_upstream": before, "after_response": later}
    kind = type("Probe", (Probe,), {name: method for name, method in methods.items() if method})
    return harness(kind, manifest=MANIFEST, **options)


def test_what_a_plugin_leaves_is_seen_by_field() -> None:
    def before(self: Plugin, request: Request, ctx: Context) -> Decision:
        ctx.record("seen", 1)
        return Transform(
            request.messages.user.sub("x", "y"),
            request.tags.set("team", "a"),
            request.headers.set("x-team", "t"),
        )

    result = probe(before).before(user=["x", "z"])
    assert result.action == "transform"
    assert result.texts("request.messages.user") == ("y", "z")
    assert tuple(result.request.messages.user) == ("y", "z")
    assert (result.members("request.tags"), result.header("request.headers.x-team")) == ({"team": "a"}, "t")
    assert set(result.changed) == {"request.messages.user", "request.tags", "request.headers.x-team"}
    assert result.recorded == {"seen": 1}


@pytest.mark.parametrize(
    ("decision", "action"),
    [(Allow(), "allow"), (Block("no"), "block"), (Transform(), "allow"), (Respond.text("hi"), "transform")],
)
def test_a_decision_is_named_as_the_evidence_names_it(decision: Decision, action: str) -> None:
    result = probe(lambda self, request, ctx: decision).before(user="x")
    assert (result.action, result.failure) == (action, None)
    assert result.reason == ("no" if action == "block" else None)
    assert result.answer == ("hi" if isinstance(decision, Respond) else None)


def test_an_edit_that_changes_nothing_counts_as_allow() -> None:
    assert (
        probe(lambda self, request, ctx: Transform(request.messages.user.sub("x", "x")))
        .before(user="x")
        .action
        == "allow"
    )


def test_a_record_alone_is_an_action() -> None:
    assert probe(lambda self, request, ctx: ctx.record("seen", 1) or Allow()).before().action == "record"


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        (lambda self, request, ctx: None, FailureClass.CONTRACT),
        (lambda self, request, ctx: Block("unknown"), FailureClass.CONTRACT),
        (lambda self, request, ctx: Transform(request.tags.set("team", "c")), FailureClass.CONTRACT),
        (lambda self, request, ctx: Transform(request.messages.user.set(7, "x")), FailureClass.CONTRACT),
        (lambda self, request, ctx: ctx.record("unknown", 1), FailureClass.CONTRACT),
        (lambda self, request, ctx: ctx.record("seen", 10), FailureClass.CONTRACT),
        (lambda self, request, ctx: request.model, FailureClass.CONTRACT),
        (lambda self, request, ctx: request.tags["team"], FailureClass.CONTRACT),
        (lambda self, request, ctx: 1 / 0, FailureClass.EXCEPTION),
    ],
)
def test_what_the_gateway_counts_as_a_failure_is_one_here(broken: Any, failure: FailureClass) -> None:
    result = probe(broken).before(user="x")
    assert (result.action, result.changed) == ("fail", ())
    assert result.failure is not None
    assert result.failure.failure is failure
    assert result.texts("request.messages.user") == ("x",)


def test_a_refused_read_counts_even_when_the_plugin_swallows_it() -> None:
    def before(self: Plugin, request: Request, ctx: Context) -> Decision:
        try:
            request.metadata.get("x")
        except FieldNotGrantedError:
            return Allow()
        return Block("no")

    result = probe(before).before()
    assert (result.action, result.refused) == ("fail", ("request.metadata",))


def test_the_author_sees_the_exception_and_the_evidence_only_its_class() -> None:
    result = probe(lambda self, request, ctx: 1 / 0).before()
    assert isinstance(result.error, ZeroDivisionError)
    assert "division" not in str(result.failure)


def test_a_field_that_the_operator_withholds_is_not_there() -> None:
    run = probe(
        lambda self, request, ctx: Block("no") if request.grants("identity") else Allow(),
        without=["identity"],
    )
    assert run.before().action == "allow"
    assert probe(lambda self, request, ctx: request.identity, without=["identity"]).before().refused == (
        "identity",
    )


def test_the_response_is_run_as_the_request_is() -> None:
    result = probe().after(text=["a", "c"], status=200)
    assert (result.action, result.texts("response.text")) == ("transform", ("b", "c"))
    assert tuple(result.response.text) == ("b", "c")


def test_only_the_manifest_s_hosts_and_secrets_are_reached() -> None:
    def later(self: Plugin, evidence: Evidence, ctx: Context) -> None:
        ctx.http.post(str(evidence["url"]), headers={"x-token": ctx.secret("token").get_secret_value()})

    run = probe(
        later=later, secrets={"token": "s"}, transport=httpx.MockTransport(lambda _: httpx.Response(204))
    )
    sent = run.background({"request_id": "r", "url": "https://hooks.example.com/x"})
    assert (sent.action, sent.deliveries) == ("emit", (("hooks.example.com", 204),))
    for url in (
        "https://hooks.example.com:8443/",
        "http://hooks.example.com/",
        "https://hooks.example.com.evil.org/",
    ):
        denied = run.background({"request_id": "r", "url": url})
        assert (denied.action, denied.refused, denied.deliveries) == ("fail", ("hosts",), ())
    assert probe(later=lambda self, evidence, ctx: ctx.secret("other")).background().action == "fail"


def test_the_hosts_that_the_settings_lead_to_are_reached_and_no_other() -> None:
    class Settings(PluginConfig):
        url: str = "http://127.0.0.1:9009/in"

    class Sender(Plugin):
        config_model = Settings

        def after_response(self, evidence: Evidence, ctx: Context) -> None:
            ctx.http.post(str(evidence["url"]))

    manifest = MANIFEST.replace('hosts = ["hooks.example.com:443"]', 'hosts_from = ["url"]')
    run = harness(Sender, manifest=manifest, transport=httpx.MockTransport(lambda _: httpx.Response(204)))
    assert run.background({"request_id": "r", "url": "http://127.0.0.1:9009/other"}).action == "emit"
    for url in ("https://127.0.0.1:9010/", "https://hooks.example.com/"):
        assert run.background({"request_id": "r", "url": url}).refused == ("hosts",)


def test_a_delivery_of_one_run_is_not_counted_in_the_next() -> None:
    answers = iter([True, False])

    def later(self: Plugin, evidence: Evidence, ctx: Context) -> None:
        if next(answers):
            ctx.http.get("https://hooks.example.com/")

    run = probe(later=later, transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    assert [run.background().action, run.background().action] == ["emit", "allow"]


def test_a_class_finds_its_manifest_beside_its_module() -> None:
    loaded = harness("examples/card_guard")
    again = harness(type(loaded._plugin))
    assert again.manifest == loaded.manifest


def test_a_moment_that_is_not_declared_cannot_be_run() -> None:
    with pytest.raises(LookupError, match="after_response"):
        harness("examples/card_guard").background()


def test_a_missing_folder_and_a_wrong_setting_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"plugin\.toml"):
        harness(tmp_path)
    with pytest.raises(ConfigurationError, match="colour"):
        probe(config={"colour": "red"})


WINDOWED = MANIFEST.replace(
    """[after_upstream]
reads = ["response.text"]
writes = ["response.text"]
effects = ["transform"]
""",
    """[after_upstream]
reads = ["response.text", "response.reasoning", "request.model"]
writes = ["response.text", "response.reasoning"]
effects = ["block", "transform"]
stream = "window"
window_chars = 4
""",
)


def windowed(after: Any) -> Harness:
    return harness(type("Probe", (Probe,), {"after_upstream": after}), manifest=WINDOWED)


def masks(plugin: Plugin, response: Response, ctx: Context) -> Decision:
    name = response.request.model or ""
    edits = [texts.sub("abba", name) for texts in (response.text, response.reasoning)]
    return Transform(*edits)


def test_a_stream_is_what_leaves_when_a_text_comes_in_pieces() -> None:
    run = windowed(masks)
    for at in (None, [3], [2, 3, 9], []):
        assert run.stream("x abba, abb abba", at).text == "x test-model, abb test-model"
    assert run.stream("abba", field="response.reasoning", request={"model": "m"}).text == "m"


def test_a_block_on_a_stream_names_its_place_and_ends_it() -> None:
    def blocks(plugin: Plugin, response: Response, ctx: Context) -> Decision:
        found = response.text.search("abba")
        return Block("no", at=found) if found else Allow()

    found = windowed(blocks).stream("some words abba and more")
    assert (found.reason, found.at, found.failure) == ("no", (11, 15), None)
    assert "some words ".startswith(found.text)


def test_a_pattern_that_a_window_does_not_fit_fails_with_what_to_do() -> None:
    def wide(plugin: Plugin, response: Response, ctx: Context) -> Decision:
        return Transform(response.text.sub("a+b", "x"))

    run = windowed(wide)
    assert "declare max_hold_chars" in str(run.stream("some words aab").failure)
    assert run.after(text="aab").texts("response.text") == ("x",)


def test_what_is_not_granted_on_a_stream_is_a_failure_of_the_plugin() -> None:
    def curious(plugin: Plugin, response: Response, ctx: Context) -> Decision:
        return Transform(response.text.sub("a", str(response.usage)))

    assert "response.usage is not granted" in str(windowed(curious).stream("some words").failure)


def test_a_plugin_that_declares_no_window_has_no_stream() -> None:
    with pytest.raises(LookupError, match="does not declare"):
        probe().stream("a")
    assert probe().stream_problem("a") is None
    assert probe().stream_samples() == []


def test_how_pieces_differ_from_the_whole_is_told_in_a_sentence() -> None:
    assert windowed(masks).stream_problem("x abba " * 9) is None

    def sees_ends(plugin: Plugin, response: Response, ctx: Context) -> Decision:
        return Transform(response.text.replace(lambda text: [Replace(0, 1, "")] if len(text) > 20 else []))

    assert "looks different now" in str(windowed(sees_ends).stream_problem("x abba " * 9))
