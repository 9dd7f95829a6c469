"""Ends a plugin that takes too long: two timers, for code that can be interrupted and code that cannot.

1. `setitimer` raises `PluginTimeoutSignal` inside the plugin, from the signal's handler, and again every
   25 ms until it has gone. It interrupts sleeps, loops and regular expressions; about 3 µs a call.
2. A POSIX timer (`timer_create`) sends a real-time signal one second after the deadline. Its handler is
   `faulthandler`'s: C code that needs no GIL, writes where the process hangs to the log, and lets the
   signal's default action end the environment. It catches C code that checks no signals and plugins that
   swallow `BaseException`. About 5 µs a call, where `faulthandler.dump_traceback_later` starts a thread
   and costs 200 µs (docs/adr/0001-watchdog.md).

Both need the main thread, where Lambda runs the handler. The first raises only while the plugin's own
frame is on the stack, so it can never strike the engine's own code.

Calls that follow each other at once, as those of a gate, share the second timer between `begin` and `end`:
to set it for each takes longer than most calls do.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed does not list it
import ctypes
import faulthandler
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import IO, Final, Protocol, TypeVar, TypeVarTuple

from penstock.output import taken

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

REPEAT_S: Final = 0.025  # a plugin that catches the first is asked again; well under the 50 ms it may cost
GRACE_S: Final = 1.0  # architecture.md, "Deadlines": the environment ends one second after the deadline
# By how much later it may end where calls share the timer: then most gates set it once. Of a second, little.
SLACK_S: Final = 0.1
_CLOCK_MONOTONIC: Final = 1  # linux/time.h
_HARD_SIGNAL_OFFSET: Final = 3  # SIGRTMIN..+2 are left to others


class PluginTimeoutSignal(BaseException):
    """Raised in a plugin whose time is up. A `BaseException`, so that `except Exception` lets it pass."""


class DeadlineExceededError(Exception):
    """A call was not back in time."""


class _SigEvent(ctypes.Structure):
    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("pad", ctypes.c_int * 12),
    )


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


class HardTimer(Protocol):
    """Ends the process unless it is disarmed in time."""

    def arm(self, seconds: float) -> None:
        """End the process in `seconds`, unless disarmed before."""

    def disarm(self) -> None:
        """Let the process live."""


class PosixTimer:
    """The POSIX timer whose signal ends the process. One per environment; made once, armed per call."""

    def __init__(self, log: IO[str]) -> None:
        """`log` must have a file descriptor; the stack is written there when the timer fires."""
        hard_signal = signal.SIGRTMIN + _HARD_SIGNAL_OFFSET
        faulthandler.register(hard_signal, file=log, all_threads=False, chain=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _SigEvent(None, int(hard_signal), 0)
        if libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)) != 0:
            raise OSError(ctypes.get_errno(), "timer_create")
        self._set = libc.timer_settime
        self._spec, self._off_spec = _TimerSpec(), _TimerSpec()
        self._seconds = 0.0
        # Arguments that are C values already: 2 µs a call, where Python's would take 3.
        self._relative, self._old = ctypes.c_int(0), ctypes.c_void_p()
        self._on = ctypes.c_void_p(ctypes.addressof(self._spec))
        self._off = ctypes.c_void_p(ctypes.addressof(self._off_spec))

    def arm(self, seconds: float) -> None:
        if seconds != self._seconds:
            self._spec.value.seconds = int(seconds)
            self._spec.value.nanoseconds = int(seconds % 1 * 1e9)
            self._seconds = seconds
        self._set(self._timer, self._relative, self._on, self._old)

    def disarm(self) -> None:
        self._set(self._timer, self._relative, self._off, self._old)


class ThreadTimer:
    """The same on systems without `timer_create`, as macOS, where only the local gateway runs: slower."""

    def __init__(self, log: IO[str]) -> None:
        self._log = log

    def arm(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(seconds, file=self._log, exit=True)

    def disarm(self) -> None:
        faulthandler.cancel_dump_traceback_later()


class Deadlines:
    """Runs calls under a deadline. One instance per environment, made in its main thread."""

    def __init__(self, hard: HardTimer | None) -> None:
        """`hard` is None where nothing untrusted runs, as in tests of the engine's arithmetic."""
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("deadlines need the main thread: signals are delivered nowhere else")
        self._hard = hard
        self._fired = False
        self._ends = 0.0
        self._hard_ends = 0.0
        """When the soft timer fires, and the hard one at the earliest (monotonic); 0 while it is off."""
        self._slack_s = 0.0
        self._handler = self._interrupt  # one object, so that it can be told from another's

    @classmethod
    def for_environment(cls) -> Deadlines:
        """With the hard timer, whose last words go to stderr, or to our own lines where they are apart."""
        log = taken() or sys.__stderr__ or sys.stderr
        return cls(PosixTimer(log) if sys.platform == "linux" else ThreadTimer(log))

    def begin(self) -> None:
        """From here to `end`, or to the next `begin`, calls follow each other with little between them."""
        self.rest()
        self._slack_s = SLACK_S

    def rest(self) -> None:
        """No timer runs from here to the next call: what comes between takes its time."""
        if self._ends:
            self._stop()

    def end(self) -> None:
        """No timer outlives its call any more."""
        self._slack_s = 0.0
        self.rest()

    def run(self, seconds: float, call: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """What `call` returns for `arguments`.

        Raises DeadlineExceededError when it is not back within `seconds` (> 0).

        Late is late: what comes back after the timer has fired does not count, whatever it is. Anything that
        `call` raises in time comes out as it is.
        """
        self._fired = False
        try:
            self._arm(seconds)
            result = _plugin_frame(call, arguments)
        except BaseException:
            if self._fired:
                raise DeadlineExceededError from None
            raise
        finally:
            if not self._slack_s:
                self._stop()
        if self._fired:
            raise DeadlineExceededError
        return result

    def _arm(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        earliest = self._ends + GRACE_S
        if self._hard is not None and not earliest <= self._hard_ends <= earliest + SLACK_S:
            self._hard_ends = earliest + self._slack_s
            self._hard.arm(seconds + GRACE_S + self._slack_s)
        # Each time: the call before may have set its own. `signal.signal` is this and 6 µs of enumerations.
        if _signal.getsignal(signal.SIGALRM) is not self._handler:
            _signal.signal(signal.SIGALRM, self._handler)
        signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_S)

    def _interrupt(self, _signum: int, frame: FrameType | None) -> None:
        if time.monotonic() < self._ends:
            return  # it was meant for a call that is over
        while frame is not None:
            if frame.f_code is _plugin_frame.__code__:
                self._fired = True
                raise PluginTimeoutSignal
            frame = frame.f_back

    def _stop(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._ends = 0.0
        if self._hard is not None:
            self._hard_ends = 0.0
            self._hard.disarm()


def _plugin_frame(call: Callable[[*Ts], T], arguments: tuple[*Ts]) -> T:
    """The frame whose presence on the stack says that plugin code runs."""
    return call(*arguments)
