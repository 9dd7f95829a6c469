"""Steps as Step Functions asks for them, over moto."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.plugin_host.environment import Environment
from penstock.adapters.clients import Clients
from penstock.background.steps import StepFailedError
from penstock.configuration.settings import WORKFLOW, Settings
from penstock.evidence import layout
from tests.configuration import files
from tests.evidence import examples
from tests.functions.aws import FakeContext, deployment
from tests.tree import ROOT

FOLDER = ROOT / "tests" / "e2e" / "plugins" / "follow_up"
GATEWAY = f"""
[[plugin]]
name = "follow-up"
path = "{FOLDER}"

[plugin.grant]
workflow = true

[plugin.grant.after_response]
reads = ["evidence"]
effects = ["record"]
"""
MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:local-plugin-follow-up"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Environment]:
    path = tmp_path / "snapshot.json"
    path.write_bytes(files.compiled(GATEWAY, tmp_path).raw)
    monkeypatch.setenv(WORKFLOW, MACHINE)
    with deployment(monkeypatch, str(path), [FOLDER.parent]):
        yield Environment("follow-up", Settings.read(os.environ), Clients())


def event(step: str, **outcomes: str) -> dict[str, Any]:
    told = {
        "plugin": "follow-up",
        "step": step,
        "entered_at": "2026-11-22T22:20:26Z",
        "attempt": 0,
        "run_id": "mine",
        "request_id": examples.REQUEST_ID,
        "reference": "",
        "evidence_key": layout.terminal_key("acme", examples.REQUEST_ID),
        "outcomes": {name: {"outcome": outcome} for name, outcome in outcomes.items()},
    }
    return {"penstock_step": told}


def test_a_step_is_answered_and_counted(environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    assert environment(event("settle", look="well"), FakeContext()) == {"outcome": None}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "Background" in line]
    assert [line["BackgroundDelivered"] for line in lines] == [1]


def test_a_step_that_fails_is_an_error_of_a_name_that_is_tried_again(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StepFailedError):
        environment(event("look"), FakeContext())  # the run was started without a record
    assert '"BackgroundFailed":1' in capsys.readouterr().out
