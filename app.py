"""The stacks, by name. Needs Node 20 or later; no network, no Docker, no account.

make synth    cdk deploy -c config=gateway.toml    (without `config`: examples/gateway.toml)
"""

from __future__ import annotations

import sys

import aws_cdk as cdk

from infra.chosen import chosen_configuration
from infra.data import DataStack
from penstock.errors import ConfigurationError


def main() -> None:
    app = cdk.App()
    snapshot = chosen_configuration(app.node.try_get_context("config")).snapshot
    DataStack(app, f"{snapshot.deployment}-data", snapshot)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except ConfigurationError as error:
        sys.exit(f"penstock: {error}")
