"""The process of a Lambda environment: `python -m penstock.runtime module.function`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence

from awslambdaric import bootstrap
from awslambdaric.lambda_config import LambdaConfigProvider

from penstock.errors import ConfigurationError
from penstock.runtime.client import StreamingRuntimeClient


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> None:
    """Serve invocations until the process is ended.

    Raises:
        ConfigurationError: the environment is meant for several invocations at a time.
    """
    config = LambdaConfigProvider(arguments, environment)
    if config.is_multi_concurrent:
        raise ConfigurationError(
            "AWS_LAMBDA_MAX_CONCURRENCY",
            "is set, but an environment of Penstock serves one request at a time.",
            "Deploy the function without multi-concurrency.",
        )
    # What is imported and built stays: to look through it for garbage meanwhile takes a tenth of a start.
    # The client ends that when it asks for the first invocation.
    gc.disable()
    client = StreamingRuntimeClient(
        config.api_address,
        config.use_thread_polling,
        stream_always=environment.get("PENSTOCK_STREAMING") == "1",
    )
    bootstrap.run(config.handler, client)


if __name__ == "__main__":
    main(sys.argv, os.environ)
