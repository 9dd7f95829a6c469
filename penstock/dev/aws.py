"""AWS on this machine: moto, a process of its own, called through ordinary boto3.

The parent's side of it; `aws_process` is the child's. Its state outlives it in one file, if it is given one.
"""

from __future__ import annotations

from pathlib import Path

from penstock.dev.processes import Service


class LocalAws:
    """A moto server on a free loopback port; `state` is the file for what it holds, if it is kept.

    `lambda_url`: where functions are invoked, for the steps of workflows; they fail without it.
    """

    def __init__(self, log: Path, state: Path | None, lambda_url: str | None = None) -> None:
        arguments = [] if state is None else ["--state", str(state)]
        arguments += [] if lambda_url is None else ["--lambda-url", lambda_url]
        self._service = Service("AWS (moto)", "penstock.dev.aws_process", arguments, log)

    @property
    def pid(self) -> int:
        return self._service.pid

    def wait(self) -> str:
        """The endpoint's URL, when it answers.

        Raises:
            ConfigurationError: it did not start; the message names its log.
        """
        return f"http://127.0.0.1:{self._service.wait_for_port()}"

    def stop(self) -> bool:
        """Save and end; `False` if it had to be killed, so that its state is the one of the run before."""
        return self._service.stop()
