from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from penstock import __version__, cli
from penstock.adapters.clients import Clients, Endpoint
from penstock.cli.target import Target
from tests.cli.gateways import Gateway, running, said


@pytest.fixture
def gateway(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Gateway]:
    with running(tmp_path, capsys, monkeypatch) as made:
        yield made


HEAVY = "print([n for n in ('boto3', 'rich', 'moto', 'httpx', 'openai') if n in sys.modules])"


def test_a_command_imports_what_it_needs_and_no_more() -> None:
    code = f"import sys; from penstock.cli import parse; parse(['keys', 'list']); {HEAVY}"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_command_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "--help")
    assert found.status == 0
    assert all(f"\n    {command} " in found.out for command in cli.COMMANDS)


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version").out == f"penstock {__version__}\n"


def test_a_word_that_is_no_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    found = said(capsys, "aply")
    assert found.status == 2
    assert "invalid choice: 'aply'" in found.err


def test_without_a_gateway_one_is_told_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = said(capsys, "keys", "list", "--folder", str(tmp_path))
    assert found.status == 2
    assert "no gateway runs from here. Start one with `penstock dev`" in found.err
    assert found.out == ""


def test_an_error_is_json_on_stderr_when_json_is_wanted(gateway: Gateway) -> None:
    found = gateway.run("keys", "show", "nobody", "--json")
    assert found.status == 2
    assert json.loads(found.err)["error"]["code"] == "configuration"


def test_a_store_that_does_not_answer_is_a_failure_and_not_a_mistake(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.clients.dynamodb.delete_table(TableName=gateway.resources.control_table)
    assert gateway.run("keys", "list").status == 2
    nowhere = Clients(Endpoint("eu-central-1", "http://127.0.0.1:1", "testing", "testing"))
    monkeypatch.setattr(Target, "clients", property(lambda _: nowhere))
    found = gateway.run("keys", "list")
    assert found.status == 1
    assert "did not succeed" in found.err


def test_ctrl_c_ends_a_command_quietly(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(args: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("penstock.cli.keys.run", interrupted)
    assert gateway.run("keys", "list").status == 130


def test_a_reader_that_goes_away_is_no_crash(gateway: Gateway) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [
        sys.executable,
        "-m",
        "penstock.cli",
        "plugin",
        "review",
        str(gateway.folder / "guard"),
        "--json",
    ]
    found = subprocess.run(command, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write_end)
    assert (found.returncode, found.stderr) == (1, "")
