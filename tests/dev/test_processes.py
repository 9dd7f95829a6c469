from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from penstock.dev.processes import ProcessGroup, Service
from penstock.errors import ConfigurationError

# A parent with a group of one process that ignores what can be ignored, and a service; it prints their ids.
PARENT = """
import os, signal, sys, time
from pathlib import Path
from penstock.dev.processes import ProcessGroup, Service
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background is born ignoring it
log = Path(sys.argv[1])
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
group = ProcessGroup()
child = group.start([sys.executable, "-c", stubborn], dict(os.environ), log, Path.cwd())
service = Service("echo", "penstock.dev.echo", [], log)
service.wait_for_port()
print(child.pid, service.pid, group._warden.pid, flush=True)
time.sleep(600)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def eventually(holds: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 30
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return holds()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_parent_that_ends_without_tidying_up(tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        process_group=0,
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(is_running, pids))
        parent.send_signal(how)
        parent.wait(30)
    assert eventually(lambda: not any(map(is_running, pids)))


def test_closing_a_group_kills_what_is_in_it(tmp_path: Path) -> None:
    group = ProcessGroup()
    child = group.start(["sleep", "600"], dict(os.environ), tmp_path / "log", tmp_path)
    group.close()
    assert child.wait() == -signal.SIGKILL


def test_a_process_of_a_group_writes_to_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    group = ProcessGroup()
    group.start(["sh", "-c", "echo out; echo err >&2"], dict(os.environ), log, tmp_path).wait()
    group.close()
    assert log.read_text() == "before\nout\nerr\n"


def test_a_service_that_does_not_start_is_named_with_its_log(tmp_path: Path) -> None:
    service = Service("nothing", "penstock.dev.no_such_module", [], tmp_path / "log")
    with pytest.raises(ConfigurationError, match=r"nothing: did not start\. Its last words are in .*log"):
        service.wait_for_port()
    assert "no_such_module" in (tmp_path / "log").read_text()


def test_a_service_ends_when_it_is_told_to(tmp_path: Path) -> None:
    service = Service("echo", "penstock.dev.echo", [], tmp_path / "log")
    assert service.wait_for_port() > 0
    assert service.stop()
    assert not is_running(service.pid)
