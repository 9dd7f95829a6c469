from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from penstock.adapters.objects import MemoryObjects
from penstock.adapters.secrets import MemorySecrets
from penstock.background.capabilities import Ways
from penstock.background.steps import (
    StepFailedError,
    StepHost,
    StepParts,
    SteppingPlugin,
    UndeliverableStepError,
    decode_step,
)
from penstock.errors import UndeliverableError
from penstock.evidence import layout
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import DigestKey
from penstock.evidence.schema import decode
from penstock.gates.deadline import Deadlines
from penstock.sdk import Context, Plugin, PluginConfig
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.steps import parse_steps
from penstock.sdk.workflow import Run
from tests.background.fakes import MANIFEST
from tests.evidence import examples
from tests.evidence.ports import NOW_MS

STEPS = parse_steps('[[step]]\nname = "tell"\ndo = true\noutcomes = ["told"]', "workflow.toml")
Behaviour = Callable[[Run, Context], str | None]


class Telling(Plugin):
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.runs: list[Run] = []

    def step_tell(self, run: Run, ctx: Context) -> str | None:
        self.runs.append(run)
        return self.behaviour(run, ctx)


class Stage:
    """One environment over ports in memory."""

    def __init__(self, behaviour: Behaviour, *, loads: bool = True) -> None:
        self.objects = MemoryObjects()
        self.plugin = Telling(behaviour)
        loaded = LoadedPlugin(MANIFEST, examples.TREE, self.plugin, PluginConfig(), STEPS)

        def load() -> LoadedPlugin:
            if not loads:
                raise ImportError("gone")
            return loaded

        deployed = SteppingPlugin("audit-export", "1.2.0", examples.TREE, examples.TREE, STEPS, load)
        self.host = StepHost(
            deployed,
            StepParts(
                objects=self.objects,
                secrets=MemorySecrets({}),
                deadlines=Deadlines(None),
                digest_key=lambda: DigestKey("d1", b"k" * 32),
                ways=Ways(httpx.MockTransport(lambda _: httpx.Response(200))),
                now_ms=lambda: NOW_MS,
            ),
        )

    def records(self) -> list[DeliveryRecord]:
        found = (self.objects.get(key) or b"" for key in self.objects.list(""))
        return [decode(DeliveryRecord, layout.unpack(packed)) for packed in found]


def event(**changes: Any) -> dict[str, Any]:
    told = {
        "plugin": "audit-export",
        "digest": examples.TREE,
        "step": "tell",
        "entered_at": "2026-11-22T22:20:26Z",
        "attempt": 0,
        "run_id": "a run of its own",
        "request_id": examples.REQUEST_ID,
        "reference": "ref",
        "evidence_key": layout.terminal_key("acme", examples.REQUEST_ID),
        "outcomes": {"decide": {"outcome": "approved"}, "pause": {"outcome": None}},
    }
    return {"penstock_step": {**told, **changes}}


def test_a_step_comes_to_what_it_returns_and_leaves_one_record() -> None:
    stage = Stage(lambda run, ctx: "told")
    assert stage.host.answer(event(), 60.0) == {"outcome": "told"}
    (record,) = stage.records()
    assert (record.path, record.step, record.outcome, record.action) == ("workflow", "tell", "told", "allow")
    assert record.outcomes == {"decide": "approved"}
    assert record.run is not None
    assert record.run.startswith("hmac:d1:")
    (run,) = stage.plugin.runs
    assert (run.reference, dict(run.outcomes)) == ("ref", {"decide": "approved"})


def test_what_an_attempt_has_done_is_not_done_again() -> None:
    stage = Stage(lambda run, ctx: "told")
    stage.host.answer(event(), 60.0)
    assert stage.host.answer(event(attempt=1), 60.0) == {"outcome": "told"}
    assert (len(stage.plugin.runs), len(stage.records())) == (1, 1)


def test_a_step_that_is_come_back_to_is_done_again() -> None:
    stage = Stage(lambda run, ctx: "told")
    stage.host.answer(event(), 60.0)
    stage.host.answer(event(entered_at="2026-11-22T23:20:26Z"), 60.0)
    assert (len(stage.plugin.runs), len(stage.records())) == (2, 2)


def test_a_failed_attempt_is_recorded_with_its_class_and_the_next_one_runs() -> None:
    answers: list[str | None] = []

    def once_unavailable(run: Run, ctx: Context) -> str | None:
        if not answers:
            answers.append("told")
            raise httpx.ConnectError("down")
        return "told"

    stage = Stage(once_unavailable)
    with pytest.raises(StepFailedError, match="step tell failed: unavailable"):
        stage.host.answer(event(), 60.0)
    assert stage.host.answer(event(attempt=1), 60.0) == {"outcome": "told"}
    assert sorted((r.attempt, r.failure) for r in stage.records()) == [(1, "unavailable"), (2, None)]


@pytest.mark.parametrize("outcome", ["else", None, 4])
def test_an_outcome_that_is_not_declared_is_a_breach(outcome: Any) -> None:
    stage = Stage(lambda run, ctx: outcome)
    with pytest.raises(StepFailedError, match="contract"):
        stage.host.answer(event(), 60.0)


def test_what_no_later_try_changes_fails_for_good() -> None:
    def refused(run: Run, ctx: Context) -> str | None:
        raise UndeliverableError("gone for good")

    stage = Stage(refused)
    with pytest.raises(UndeliverableStepError):
        stage.host.answer(event(), 60.0)
    assert [record.reason for record in stage.records()] == ["undeliverable"]


@pytest.mark.parametrize("changes", [{"step": "other"}, {"plugin": "another"}])
def test_a_step_of_another_deployment_is_not_run(changes: dict[str, str]) -> None:
    stage = Stage(lambda run, ctx: "told")
    with pytest.raises(StepFailedError, match="import"):
        stage.host.answer(event(**changes), 60.0)
    assert not stage.plugin.runs


def test_a_plugin_that_cannot_be_loaded_fails_its_steps_as_import() -> None:
    with pytest.raises(StepFailedError, match="import"):
        Stage(lambda run, ctx: "told", loads=False).host.answer(event(), 60.0)


def test_a_step_without_time_left_is_not_begun() -> None:
    stage = Stage(lambda run, ctx: "told")
    with pytest.raises(StepFailedError, match="timeout"):
        stage.host.answer(event(), 4.0)
    assert not stage.plugin.runs


def test_what_is_no_call_is_refused() -> None:
    with pytest.raises(ValueError, match="no call of a step"):
        decode_step({"penstock_step": {}})
