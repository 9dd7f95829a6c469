from __future__ import annotations

import json
from pathlib import Path

from functions.plugin_host.environment import BATCH, STEP
from penstock.background.steps import STEP as ASKED
from penstock.configuration.workflow import definition
from penstock.sdk.steps import parse_steps
from tests.configuration.test_workflow import MACHINE

DO = parse_steps('[[step]]\nname = "tell"\ndo = true', "workflow.toml")


def test_what_the_state_machine_sends_is_taken_for_a_step_and_for_nothing_else() -> None:
    payload = json.loads(definition(DO, MACHINE))["States"]["tell"]["Parameters"]["Payload"]
    assert list(payload) == [STEP] == [ASKED]
    assert BATCH not in payload


def test_a_gate_s_cold_start_imports_no_steps() -> None:
    source = Path("functions/plugin_host/environment.py").read_text(encoding="utf-8")
    assert "\nfrom penstock.background.steps" not in source
