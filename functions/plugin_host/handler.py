"""Runs one plugin, named by PENSTOCK_PLUGIN: for the gateway, from its queue, or a step of its workflow."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from functions.plugin_host.environment import Environment
from penstock.adapters.clients import Clients
from penstock.configuration.settings import Settings
from penstock.evidence import logs

PLUGIN = "PENSTOCK_PLUGIN"


@cache
def function() -> Environment:
    """One per environment."""
    logs.set_up()
    return Environment(os.environ[PLUGIN], Settings.read(os.environ), Clients())


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    logs.told(function)  # in Lambda's init phase: the plugin is there before the first caller is


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """One call of the gateway, one batch of the plugin's queue, or one step of its workflow."""
    return function()(event, context)
