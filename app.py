"""The stacks, by name. Offline, without Docker or account; `-c config=gateway.toml` says what is deployed."""

from __future__ import annotations

import sys

import aws_cdk as cdk

from infra.chosen import chosen_configuration
from infra.compute import ComputeStack
from infra.data import DataStack
from infra.findings import check
from infra.flags import set_flags
from penstock.errors import ConfigurationError


def build(app: cdk.App) -> None:
    set_flags(app)
    chosen = chosen_configuration(app.node.try_get_context("config"))
    data = DataStack(app, f"{chosen.snapshot.deployment}-data", chosen)
    compute = ComputeStack(app, f"{chosen.snapshot.deployment}-gateway", chosen, data)
    check(app, data, compute)
    app.synth()


if __name__ == "__main__":
    try:
        build(cdk.App())
    except ConfigurationError as error:
        sys.exit(f"penstock: {error}")
