"""Each check is seen to fail on a plugin that breaks that one rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from penstock.sdk import conformance as module
from penstock.sdk.conformance import conformance

MANIFEST = """
name = "probe"
version = "1.0.0"
summary = "A plugin that breaks one rule."
purpose = "Use this plugin to transform prompts for tests."
owner = "tests"
contract = 1
entry_point = "probe:Probe"

[before_upstream]
reads = ["request.messages.user"]
writes = ["request.messages.user"]
effects = ["transform"]
"""
PLUGIN = """
import time
from penstock.sdk import Allow, Plugin, Transform

class Probe(Plugin):
    calls = 0

    def before_upstream(self, request, ctx):
        user = request.messages.user
        {body}
"""


def folder(tmp_path: Path, body: str, *, manifest: str = MANIFEST, readme: bool = True) -> Path:
    # A name of its own: a module that was imported once is not imported again.
    place = tmp_path / f"probe_{abs(hash(body + manifest)):x}"
    place.mkdir()
    (place / "plugin.toml").write_text(manifest, encoding="utf-8")
    (place / "probe.py").write_text(PLUGIN.format(body=body), encoding="utf-8")
    if readme:
        (place / "README.md").write_text("# probe", encoding="utf-8")
    return place


def test_a_plugin_that_keeps_the_rules_has_no_problem(tmp_path: Path) -> None:
    assert conformance(folder(tmp_path, "return Transform(user.sub('a', 'b'))")) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("return user[0]", "nothing: it failed"),
        (
            "return Transform(user.map(lambda text: text[0]))",
            "nothing: it failed: the plugin raised (IndexError)",
        ),
        ("return Transform(user.sub('l', '\\ud800'))", "half a character"),
        ("request.model; return Allow()", "it asked for what it was not granted: request.model"),
        ("request.tools.add('x'); return Allow()", "it asked for what it was not granted: request.tools"),
        (
            "return Transform(request.metadata.set('a', 1))",
            "it asked for what it was not granted: request.metadata",
        ),
        ("return Transform(user.sub('l', lambda m: str(time.perf_counter_ns())))", "had another answer"),
        ("Probe.calls += 1; return Transform(user.add(str(Probe.calls)))", "had another answer"),
    ],
)
def test_each_broken_rule_is_named(tmp_path: Path, body: str, problem: str) -> None:
    problems = conformance(folder(tmp_path, body))
    assert any(problem in each for each in problems), problems
    assert all(each.startswith("before_upstream, ") for each in problems)


def test_a_plugin_that_takes_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECONDS", 0.0)
    assert any(
        "look for a pattern that backtracks" in each
        for each in conformance(folder(tmp_path, "return Allow()"))
    )


def test_papers_are_missed(tmp_path: Path) -> None:
    problems = conformance(folder(tmp_path, "return Allow()", readme=False))
    assert [each.partition(":")[0] for each in problems] == ["README.md"]


def test_a_manifest_that_differs_from_the_class_is_the_only_problem_told(tmp_path: Path) -> None:
    more = MANIFEST + '\n[after_upstream]\nreads = ["response.text"]\n'
    assert len(problems := conformance(folder(tmp_path, "return Allow()", manifest=more))) == 1
    assert "differ in their moments: after_upstream" in problems[0]


WINDOWED = MANIFEST.replace("before_upstream", "after_upstream").replace(
    "request.messages.user", "response.text"
)
STREAM = """
import re
from penstock.sdk import Allow, Plugin, Transform

PATTERN = re.compile({pattern!r})

class Probe(Plugin):
    def after_upstream(self, response, ctx):
        return Transform(response.text.{edit})
"""


@pytest.mark.parametrize(
    ("pattern", "edit", "window", "problem"),
    [
        ("key-[a-z]{8}", "sub(PATTERN, 'x')", "window_chars = 12", ""),
        ("key-[a-z]{8}", "sub(PATTERN, 'x')", "window_chars = 11", "a match may have 12 characters"),
        ("key-.*?;", "sub(PATTERN, 'x')", "window_chars = 12\nmax_hold_chars = 900", "or give `opening`"),
        (
            "key-.*?;",
            "sub(PATTERN, 'x', opening='key-[^;]*')",
            "window_chars = 12\nmax_hold_chars = 900",
            "",
        ),
        # Too little is open: once there is a digit, its beginning leaves.
        (
            "key-.*?;",
            "sub(PATTERN, 'x', opening='key-[a-z]*')",
            "window_chars = 12\nmax_hold_chars = 900",
            "A match has to show within window_chars = 12",
        ),
        # What a function finds has no pattern to be measured: examples of those in the module tell.
        (
            "key-[a-z]{8}",
            "replace(lambda text: [Replace(*m.span(), '') for m in PATTERN.finditer(text)])",
            "window_chars = 8",
            "A match has to show within window_chars = 8",
        ),
    ],
)
def test_a_window_that_does_not_fit_is_named(
    tmp_path: Path, pattern: str, edit: str, window: str, problem: str
) -> None:
    manifest = WINDOWED + f'stream = "window"\n{window}\n'
    place = folder(tmp_path, "", manifest=manifest)
    body = STREAM.format(pattern=pattern, edit=edit).replace("import Allow", "import Allow, Replace")
    (place / "probe.py").write_text(body, encoding="utf-8")
    problems = conformance(place)
    assert len(problems) == bool(problem), problems
    assert all(problem in each and "response.text as a stream" in each for each in problems), problems


STEPPING = """
name = "probe"
version = "1.0.0"
summary = "A plugin whose steps break one rule."
purpose = "Use this plugin to analyze evidence for tests."
owner = "tests"
contract = 1
entry_point = "probe:Probe"
workflow = true

[after_response]
reads = ["evidence"]
effects = ["record"]

[records]
looked = { unit = "attempts", minimum = 0, maximum = 10 }
"""
WORKFLOW = """
[[step]]
name = "look"
do = true
outcomes = ["well", "badly"]
on_failure = "give_up"

[[step]]
name = "which"
choose = "look"
cases = { well = "settle", badly = "pause" }

[[step]]
name = "pause"
wait_s = 60
next = "look"

[[step]]
name = "settle"
do = true
end = true

[[step]]
name = "give_up"
do = true
"""
STEPS = """
from penstock.errors import UndeliverableError
from penstock.sdk import Plugin

class Probe(Plugin):
    def after_response(self, evidence, ctx):
        ctx.workflow.start("mine")

    def step_look(self, run, ctx):
        {look}

    def step_settle(self, run, ctx):
        {settle}

    def step_give_up(self, run, ctx):
        {give_up}
"""


@pytest.mark.parametrize(
    ("step", "body", "problem"),
    [
        ("look", "return 'well' if run.evidence and run.run_id == 'mine' else None", ""),
        ("look", "return 'badly'", ""),  # again and again, here without a wait
        ("look", "return 'unheard of'", "step look: it failed: step look came to what it does not declare"),
        ("look", "return 1 / 0", "step look: it failed: the plugin raised (ZeroDivisionError)."),
        ("settle", "ctx.storage", "step settle: it asked for what it was not granted: storage."),
        ("settle", "{'well': 1}[run.outcomes['look']]", ""),
        (
            "give_up",
            "{'well': 1}[run.outcomes['look']]",
            "step give_up: it failed: the plugin raised (KeyError).",
        ),
        ("give_up", "raise UndeliverableError('nobody is there')", ""),
    ],
)
def test_every_step_is_tried_whatever_the_one_before_it_came_to(
    tmp_path: Path, step: str, body: str, problem: str
) -> None:
    place = folder(tmp_path, body, manifest=STEPPING)
    bodies = {"look": "return 'well'", "settle": "pass", "give_up": "pass", step: body}
    (place / "probe.py").write_text(STEPS.format(**bodies), encoding="utf-8")
    (place / "workflow.toml").write_text(WORKFLOW, encoding="utf-8")
    problems = conformance(place)
    assert len(problems) == bool(problem), problems
    assert all(each.startswith(problem) for each in problems), problems


def test_the_steps_of_a_run_that_nothing_started_are_tried_too(tmp_path: Path) -> None:
    place = folder(tmp_path, "steps", manifest=STEPPING)
    bodies = {"look": "return 'well'", "settle": "run.nothing", "give_up": "pass"}
    source = STEPS.format(**bodies).replace('ctx.workflow.start("mine")', "pass")
    (place / "probe.py").write_text(source, encoding="utf-8")
    (place / "workflow.toml").write_text(WORKFLOW, encoding="utf-8")
    assert conformance(place) == ["step settle: it failed: the plugin raised (AttributeError)."]
