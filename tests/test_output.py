"""Standard output in a plugin's function: our lines reach the log, nobody else's do."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import faulthandler, os, signal, subprocess, sys
from penstock import output
from penstock.evidence import logs, telemetry
from penstock.gates.deadline import Deadlines

before = output.taken()
output.take()
output.take()
print("printed by a plugin", flush=True)
print("printed by a plugin", file=sys.stderr, flush=True)
os.write(1, b"written by a plugin\\n")
subprocess.run(["echo", "said by a plugin's child"], check=True)
subprocess.run([sys.executable, "-c", "import os; print(os.listdir('/proc/self/fd'))"], check=True)
telemetry.emit(["ours"])
logs.set_up()
logs.log.warning("our own words")
assert before is None and output.taken() is not None
"""


def test_only_our_own_lines_reach_the_log() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    ours, warning = done.stdout.splitlines()
    assert (ours, "our own words" in warning) == ("ours", True)
    assert "plugin" not in done.stderr


HANGS = """
import time
from penstock import output
from penstock.gates.deadline import Deadlines
output.take()
while True:
    try:
        Deadlines.for_environment().run(0.05, lambda: [swallow() for _ in iter(int, 1)])
    except BaseException:
        pass
"""


def test_the_last_words_of_an_environment_that_hangs_reach_the_log() -> None:
    script = (
        "def swallow():\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass\n" + HANGS
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode < 0
    assert "swallow" in done.stdout
