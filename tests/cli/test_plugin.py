from __future__ import annotations

import argparse
import importlib

import pytest

from penstock.cli.plugin import _ACTIONS, add_parser
from tests.cli.gateways import Gateway


def test_every_command_has_a_function_that_does_it() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    for action, (module, function) in _ACTIONS.items():
        assert callable(getattr(importlib.import_module(f"penstock.cli.{module}"), function)), action


@pytest.mark.parametrize("action", _ACTIONS)
def test_every_command_explains_its_arguments(gateway: Gateway, action: str) -> None:
    found = gateway.run("plugin", action, "--help")
    assert found.status == 0
    assert f"penstock plugin {action}" in found.out
