"""Step Functions: answers a task that waits with its token."""

from __future__ import annotations

import json
from typing import Final

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped

# SendTaskSuccess, Step Functions API reference: the task has ended, or its token is of none any more.
_OVER: Final = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class StepFunctionsTasks:
    """Raises StorageError when Step Functions does not answer."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def succeed(self, token: str, outcome: str) -> bool:
        """Tell the task its outcome. Whether it heard: False when it has ended, or its time has."""
        from botocore.exceptions import ClientError

        with mapped("answer a task"):
            try:
                self._clients.stepfunctions.send_task_success(
                    taskToken=token, output=json.dumps({"outcome": outcome})
                )
            except ClientError as error:
                if error_code(error) in _OVER:
                    return False
                raise
        return True


class MemoryTasks:
    """The same in memory, for tests. `heard`: token → outcome; `over`: tokens whose tasks have ended."""

    def __init__(self) -> None:
        self.heard: dict[str, str] = {}
        self.over: set[str] = set()

    def succeed(self, token: str, outcome: str) -> bool:
        if token in self.over or token in self.heard:
            return False
        self.heard[token] = outcome
        return True
