"""Kills its own process group when standard input ends; run by file, without the site module.

The kernel closes the other end of the pipe however the parent dies, SIGKILL included, so nothing in the group
outlives it. Chosen over `PR_SET_PDEATHSIG`, which Linux ties to the *thread* that started the child and other
systems do not have, and over a thread in each child, which needs the GIL that a stuck child holds.
"""

import os
import signal
import sys


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
