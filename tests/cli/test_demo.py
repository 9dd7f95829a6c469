from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from penstock.cli import demo
from penstock.cli.demo import STEPS, Answer, Step

ANSWERED, MASKED, STREAMED, BLOCKED = STEPS


def problems(step: Step, code: str | None, left: str, text: str = "text") -> list[str]:
    return list(demo._problems(step, Answer("id", text, code), left))


def test_nothing_is_wrong_when_each_step_goes_as_it_says() -> None:
    assert problems(ANSWERED, None, "What is a penstock?") == []
    assert problems(MASKED, None, "Write to <email>") == []
    assert problems(STREAMED, None, STREAMED.prompt, "The card <card> of <email>") == []
    assert problems(BLOCKED, BLOCKED.code, "") == []


@pytest.mark.parametrize(
    ("step", "code", "left", "problem"),
    [
        (ANSWERED, "internal_error", "", "was answered with internal_error"),
        (ANSWERED, None, "", "was not passed on"),
        (MASKED, None, "to jane.doe@example.com", "let something out"),
        (BLOCKED, None, "", "was answered with an answer"),
        (BLOCKED, BLOCKED.code, "anything", "was passed on"),
    ],
)
def test_what_goes_another_way_is_said(step: Step, code: str | None, left: str, problem: str) -> None:
    assert any(problem in found for found in problems(step, code, left))


def test_what_comes_back_unmasked_is_said() -> None:
    assert STREAMED.says is not None
    assert any("let something in" in found for found in problems(STREAMED, None, "x", STREAMED.says))


@pytest.mark.loopback
def test_the_demonstration_goes_as_it_should(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    demo.add_parser(parser.add_subparsers())
    assert demo.run(parser.parse_args(["demo", "--folder", str(tmp_path / "demo")])) == 0
    shown = capsys.readouterr().out
    assert shown.count("request   ") == len(STEPS)
    assert "pii-redactor.secret_key" in shown
    assert "The card <card> of <email> was charged." in shown
    assert shown.count("dispatched") == shown.count("Deliveries") == len(STEPS)
    assert shown.count("cost_center=acme-shared") == len(STEPS)
    assert not (tmp_path / "demo" / "state").exists()
