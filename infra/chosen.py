"""The gateway.toml that is deployed: the one that `-c config=…` names, or the example."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from penstock.configuration.compile import Compiled, compile_file
from penstock.configuration.reading import read_gateway_file

EXAMPLE: Final = Path(__file__).resolve().parent.parent / "examples" / "gateway.toml"


def chosen_configuration(config: str | None) -> Compiled:
    """Compile and check it: what `penstock plugin review` refuses is not deployed either.

    `config`: a path, relative to the folder of cdk.json, from which the CLI runs the app. Raises
    ConfigurationError.
    """
    return compile_file(read_gateway_file(Path(config) if config else EXAMPLE))
