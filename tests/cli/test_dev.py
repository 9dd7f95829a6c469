from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from penstock.cli import dev
from penstock.dev.options import DEFAULT_PORT, Options


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    dev.add_parser(parser.add_subparsers())
    return parser.parse_args(["dev", *words])


def test_its_defaults_are_those_of_the_gateway() -> None:
    assert dev.PORT == DEFAULT_PORT
    assert dev.options_of(parsed()) == Options()


def test_every_option_reaches_the_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    words = ("my.toml", "--port", "0", "--folder", "f", "--fresh", "--environments", "1")
    assert dev.options_of(parsed(*words)) == Options(
        port=0,
        configuration=Path("my.toml"),
        folder=Path("f"),
        fresh=True,
        warm=1,
        maximum=1,
        openai_api_key="sk-test",
    )


@pytest.mark.parametrize("number", ["0", "65", "many"])
def test_a_number_of_environments_that_cannot_be_is_refused(number: str) -> None:
    with pytest.raises(SystemExit):
        parsed("--environments", number)


def test_a_synthesised_stack_can_be_named() -> None:
    assert parsed("--stack", "cdk.out").stack == Path("cdk.out")
    assert parsed().stack is None
