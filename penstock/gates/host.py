"""Where a plugin's code runs: the seam is one method.

`InProcessHost` runs it in this process, interrupted by a timer: in the gateway's, that is trusted code. It
also runs a plugin in a function of its own, where `FunctionHost` (function_host.py) takes the same projection
and gets the same `Answer`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, cast

from penstock.errors import FailureClass, FieldNotGrantedError, PluginError
from penstock.gates.deadline import DeadlineExceededError, Deadlines
from penstock.gates.placement import Placement
from penstock.sdk.context import Capabilities, Context
from penstock.sdk.contract import Terms, checked
from penstock.sdk.decisions import Allow, Decision
from penstock.sdk.fields import BEFORE
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.plugin import Plugin
from penstock.sdk.views import Projection, Request, Response


class Sent(NamedTuple):
    """Something that left for a granted host. `receipt`: the receiver's own id for it, undigested."""

    host: str
    status: int | None
    receipt: str | None


class Answer(NamedTuple):
    """What came back from one run: a decision that keeps to the placement's terms, or a failure."""

    decision: Decision | None = None
    failure: PluginError | None = None
    recorded: Mapping[str, float | str] | None = None
    refused: tuple[str, ...] = ()
    deliveries: tuple[Sent, ...] = ()

    def checked(self) -> Decision:
        """The decision. Raises PluginError when the run failed, or asked for what is not granted."""
        if self.failure is not None:
            raise self.failure
        if self.refused:
            raise PluginError(FailureClass.CONTRACT, "something that is not granted was asked for")
        if self.decision is None:
            raise PluginError(FailureClass.CONTRACT, "there was no decision")
        return self.decision


class Run(Protocol):
    """One run that has been started."""

    def answer(self) -> Answer:
        """What came back, as `Host.call` gives it. Waits until its deadline at most."""

    @property
    def ms(self) -> float:
        """How long it took, once `answer` has returned; what passed since does not count."""


class Ran(NamedTuple):
    """A run that is over."""

    got: Answer
    ms: float = 0.0

    def answer(self) -> Answer:
        return self.got


class Capable(Protocol):
    """What one run of a plugin reaches outside, and what came of it."""

    @property
    def granted(self) -> Capabilities: ...
    def sent(self) -> tuple[Sent, ...]: ...
    def refused(self) -> tuple[str, ...]: ...


class Host(Protocol):
    """Runs one placement's plugin."""

    def call(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Answer:
        """One run with at most `seconds` (> 0). Never raises for what the plugin does."""

    def start(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Run:
        """The same, waited for later where the host can: for placements that nobody waits for in between."""

    def begin(self) -> None:
        """Runs up to `end` follow each other at once: a gate's. They may share what guards them."""

    def rest(self) -> None:
        """What comes before the next run is work of ours that may take time, as on a large body."""

    def end(self) -> None:
        """The next run may be a long time away."""


class InProcessHost:
    """Plugins on the gateway function itself. What could not be loaded fails every run as `import`."""

    def __init__(
        self,
        plugins: Mapping[str, LoadedPlugin],
        deadlines: Deadlines,
        *,
        capable: Callable[[Placement], Capable] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`capable` makes what one run may reach; None where nothing may: in the gateway."""
        self._plugins = plugins
        self._deadlines = deadlines
        self._capable = capable
        self._clock = clock

    def call(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Answer:
        """Run it in this thread, under the timer."""
        loaded = self._plugins.get(placement.plugin)
        if loaded is None:
            return Answer(failure=PluginError(FailureClass.IMPORT, "the plugin could not be loaded"))
        capable = self._capable(placement) if self._capable is not None else None
        context: Context = Context(
            request_id,
            loaded.config,
            deadline=self._clock() + seconds,
            specs=placement.records,
            capabilities=capable.granted if capable is not None else None,
            clock=self._clock,
        )
        call = _before if placement.moment == BEFORE else _after
        failure: PluginError | None = None
        decision: Decision | None = None
        try:
            decision = self._deadlines.run(seconds, call, loaded.plugin, projection, context, placement.terms)
        except DeadlineExceededError:
            failure = PluginError(FailureClass.TIMEOUT, "the deadline passed")
        except BaseException as error:  # noqa: BLE001  # a plugin may raise anything, SystemExit too
            failure = _failure(error, may_reach=capable is not None)
        if type(decision) is not Allow:
            self._deadlines.rest()  # what is made of it is the engine's work, and no plugin is to end for it
        refused = (*projection.refused, *context.refused)
        if capable is None:
            return Answer(decision, failure, context.recorded, refused)
        return Answer(decision, failure, context.recorded, (*refused, *capable.refused()), capable.sent())

    def start(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Run:
        """Run it here and now: there is one thread."""
        return Ran(self.call(placement, projection, request_id, seconds))

    def begin(self) -> None:
        self._deadlines.begin()

    def rest(self) -> None:
        self._deadlines.rest()

    def end(self) -> None:
        self._deadlines.end()


# What the plugin's method returns is checked while the timer still runs.
def _before(plugin: Plugin, projection: Projection, context: Context, terms: Terms) -> Decision:
    return checked(plugin.before_upstream(Request(projection), context), terms)


def _after(plugin: Plugin, projection: Projection, context: Context, terms: Terms) -> Decision:
    return checked(plugin.after_upstream(Response(projection), context), terms)


_OURS = (PluginError, FieldNotGrantedError)


def _failure(error: BaseException, *, may_reach: bool) -> PluginError:
    """What is known of a crash, in our own words: the plugin's could hold content.

    A run that `may_reach` something can be denied it, when its role may not do what its grant lets it.
    Exact types, and no `isinstance`: either could ask the error itself, and no timer runs any more.
    """
    known = cast("PluginError", error) if any(type(error) is kind for kind in _OURS) else None
    if known is not None and known.failure is FailureClass.CONTRACT:
        return PluginError(FailureClass.CONTRACT, "the plugin broke its contract")
    if known is not None and known.failure is FailureClass.DENIED and may_reach:
        return PluginError(FailureClass.DENIED, "the plugin's role was refused")
    return PluginError(FailureClass.EXCEPTION, "the plugin raised")
