"""Environments forked off a process that has read all they need: fresh ones, at the price of a fork.

    python -m tests.faults.forking SOCKET

A lane has one such process for each function. For each environment the lane connects to SOCKET and says in a
line of JSON which runtime it wants, with which handler and variables; it gets a line with the process's id,
and when that has ended a line with its status.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from penstock.dev.processes import Process, Starter
from tests.faults import function

START_WITHIN_S = 120.0


class Forked:
    """One of them: the `penstock.dev.processes.Process` of an environment."""

    def __init__(self, connection: socket.socket) -> None:
        self._lines = connection.makefile("r", encoding="ascii")
        self._connection = connection
        self._lock = threading.Lock()
        self._status: int | None = None
        self.pid = int(self._lines.readline())

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        with self._lock:
            if self._status is None:
                # Nothing, when the process that it was forked off has been ended.
                self._status = int(self._lines.readline() or -signal.SIGKILL)
                self._lines.close()
                self._connection.close()
            return self._status


class ForkServer:
    """Starts environments of one function; the first of them starts the process that all are forked off."""

    def __init__(self, group: Starter, path: Path) -> None:
        self._group = group
        self._path = path
        self._server: Process | None = None

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> Forked:
        if self._server is None:
            server = [sys.executable, "-m", "tests.faults.forking", str(self._path)]
            self._server = self._group.start(server, environment, log, folder)
        connection = self._connected()
        wanted = {"runtime": arguments[-2], "handler": arguments[-1], "environment": dict(environment)}
        connection.sendall(json.dumps(wanted).encode() + b"\n")
        return Forked(connection)

    def close(self) -> None:
        """What was forked off ends with its group."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def _connected(self) -> socket.socket:
        ends = time.monotonic() + START_WITHIN_S
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(str(self._path))
            except OSError:
                connection.close()
                if time.monotonic() > ends:
                    raise
                time.sleep(0.02)
            else:
                return connection


class _Server:
    """In the process itself. It has one thread only: what is forked off has all of it."""

    def __init__(self, path: str) -> None:
        self._asking: dict[int, socket.socket] = {}
        self._woken, wake = socket.socketpair()
        wake.setblocking(False)
        self._woken.setblocking(False)
        self._wake = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno())
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(16)

    def serve(self) -> NoReturn:
        selector = selectors.DefaultSelector()
        selector.register(self._listener, selectors.EVENT_READ, self._fork)
        selector.register(self._woken, selectors.EVENT_READ, self._reap)
        while True:
            for key, _ in selector.select():
                key.data()

    def _fork(self) -> None:
        connection, _ = self._listener.accept()
        with connection.makefile("rb") as lines:
            wanted = json.loads(lines.readline())
        pid = os.fork()
        if pid == 0:
            _become(wanted)
        self._asking[pid] = connection
        connection.sendall(b"%d\n" % pid)

    def _reap(self) -> None:
        self._woken.recv(4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                with self._asking.pop(pid) as connection, contextlib.suppress(OSError):
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(wanted: Mapping[str, object]) -> NoReturn:
    """Be the environment that was asked for, to the end."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(wanted["environment"])  # type: ignore[call-overload]  # JSON, as the lane wrote it
        _run(str(wanted["runtime"]), str(wanted["handler"]))
    finally:
        os._exit(1)


def _run(runtime: str, handler: str) -> None:
    """Imported this late: awslambdaric takes the Runtime API's address when it is."""
    sys.argv = [runtime, handler]
    runpy.run_module(runtime, run_name="__main__")


def main(path: str) -> NoReturn:
    function.warm_up()
    gc.collect()
    gc.freeze()
    _Server(path).serve()


if __name__ == "__main__":
    main(sys.argv[1])
