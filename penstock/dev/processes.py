"""Child processes that cannot outlive this one, however it ends: orderly, by SIGTERM or by SIGKILL.

Two kinds. A *group* holds processes that run other people's code and may hang: the warden kills them all.
A *service* runs our own code (AWS, the echo upstream): it watches its standard input and ends by itself,
after saving what it must.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from penstock.errors import ConfigurationError

WARDEN = Path(__file__).with_name("warden.py")


class Process(Protocol):
    """The part of `subprocess.Popen` that is needed of a child."""

    @property
    def pid(self) -> int: ...
    def kill(self) -> None: ...
    def wait(self) -> int: ...


class Starter(Protocol):
    """Whatever can start a process."""

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> Process: ...


class ProcessGroup:
    """A group of processes that ends with us, not with the terminal: Ctrl-C reaches only us."""

    def __init__(self) -> None:
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", str(WARDEN)], stdin=subprocess.PIPE, process_group=0
        )

    def start(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, folder: Path
    ) -> subprocess.Popen[bytes]:
        """Start a process whose standard output and error go to the end of `log`, with no reader between."""
        with log.open("ab") as sink:
            return subprocess.Popen(
                arguments,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=sink,
                process_group=self._warden.pid,
            )

    def close(self) -> None:
        """Kill what is left of the group. To be called once."""
        if self._warden.stdin is not None:
            self._warden.stdin.close()
        self._warden.wait()


class Service:
    """A module of ours as a process: it prints its port when it listens, and ends when its input does."""

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name = name
        self._log = log
        with log.open("ab") as sink:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**os.environ, **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=sink,
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for_port(self, timeout_s: float = 30.0) -> int:
        """The port on 127.0.0.1 where it listens.

        Raises:
            ConfigurationError: it ended, or did not listen in time; the message names its log.
        """
        assert self._process.stdout is not None  # noqa: S101 - asked for above; for the type checker
        watchdog = threading.Timer(timeout_s, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
            self._process.stdout.close()
        if not line.strip().isdigit():
            self.stop()
            raise ConfigurationError(self._name, "did not start.", f"Its last words are in {self._log}.")
        return int(line)

    def stop(self, grace_s: float = 1.5) -> bool:
        """End it; `False` if it had to be killed, so that it may not have saved its state."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return self._process.returncode == 0


def announce_port(port: int) -> None:
    """In a service: say where it listens, then leave standard output to its log."""
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def wait_for_parent_to_end() -> None:
    """In a service: return when the process that started it has closed the pipe or is gone."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
