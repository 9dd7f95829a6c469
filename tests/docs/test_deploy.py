"""The guides of deployment say what is: their program makes a target, their files and commands exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from penstock.adapters.resources import Names
from penstock.cli import parse
from penstock.cli.target import _decoded

ROOT = Path(__file__).parent.parent.parent
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", GUIDE, re.DOTALL)


def test_the_guide_s_program_makes_a_target_of_a_deployed_gateway(tmp_path: Path) -> None:
    (program,) = [text for kind, text in BLOCKS if kind == "python"]
    (tmp_path / "target.py").write_text(program)
    asked = [sys.executable, str(tmp_path / "target.py"), "team", "123456789012", "eu-central-1"]
    made = subprocess.run(asked, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    target = _decoded(json.loads(made))
    assert target.resources.control_table == Names.of("team").control_table
    assert target.endpoint.access_key_id is None, "the operator's own credentials are used"


def test_every_command_of_the_guide_is_one() -> None:
    lines = [line for kind, text in BLOCKS if not kind for line in text.splitlines()]
    ours = [line.split("#")[0].split() for line in lines if line.startswith("penstock ")]
    assert ours
    for words in ours:
        assert parse(words[1:]).command == words[1]


def test_the_files_that_the_page_of_proofs_names_are_there() -> None:
    text = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    for name in re.findall(r"`((?:tests|infra|penstock)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), name
