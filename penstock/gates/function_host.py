"""Calls plugins in functions of their own: IAM is the wall, and what comes back is checked like a stranger's.

    project (gate) → encode → invoke, once → wait until the deadline → decode → check → `Answer`

The waiting is here and not in a socket's timeout: the deadline holds for all of a call, connecting included.
Whoever is given up goes on in its function until its own end, and what it then says is not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from penstock.errors import PluginError
from penstock.gates.host import Answer, Ran, Run
from penstock.gates.hosted_answer import decode_answer
from penstock.gates.hosted_call import encode_call
from penstock.gates.placement import Placement
from penstock.sdk.fields import Moment
from penstock.sdk.projection import Projection


class Invoked(Protocol):
    """A function that has been invoked."""

    def result(self, seconds: float) -> bytes:
        """What it returned, waited for no longer than `seconds`.

        Raises PluginError: `timeout`, `throttled`, `denied`, `unavailable`, or what the function died of.
        """

    @property
    def ended(self) -> float | None:
        """When it returned or failed, on the clock that the caller waits by; None while it has not."""


class Functions(Protocol):
    """Invokes plugins' functions."""

    def invoke(self, plugin: str, payload: bytes) -> Invoked:
        """Begin to invoke the function of `plugin`, once, whatever comes of it. Returns at once."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """What the gateway knows of a plugin with a function. `terms`: by moment, a digest of what it may do."""

    terms: Mapping[Moment, str]
    hosts: frozenset[str] = frozenset()
    """`host:port` that it may have called."""


class FunctionHost:
    """Plugins in functions of their own, by name."""

    def __init__(
        self,
        functions: Functions,
        plugins: Mapping[str, Hosted],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._functions = functions
        self._plugins = plugins
        self._clock = clock

    def call(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Answer:
        return self.start(placement, projection, request_id, seconds).answer()

    def start(self, placement: Placement, projection: Projection, request_id: str, seconds: float) -> Run:
        hosted, began = self._plugins[placement.plugin], self._clock()
        terms = hosted.terms[placement.moment]
        try:
            payload = encode_call(placement, terms, projection, request_id, seconds)
            invoked = self._functions.invoke(placement.plugin, payload)
        except PluginError as failure:
            return Ran(Answer(failure=failure))
        return _Distant(invoked, placement, request_id, hosted.hosts, began, began + seconds, self._clock)

    def begin(self) -> None:
        """Nothing guards these runs here."""

    def rest(self) -> None:
        """As `begin`."""

    def end(self) -> None:
        """As `begin`."""


@dataclass(slots=True)
class _Distant:
    """A run in a function. `began`, `ends` in seconds of the clock."""

    _invoked: Invoked
    _placement: Placement
    _request_id: str
    _hosts: frozenset[str]
    _began: float
    _ends: float
    _clock: Callable[[], float]

    def answer(self) -> Answer:
        try:
            raw = self._invoked.result(max(0.0, self._ends - self._clock()))
            return decode_answer(raw, self._placement, self._request_id, self._hosts)
        except PluginError as failure:
            return Answer(failure=failure)

    @property
    def ms(self) -> float:
        ended = self._invoked.ended
        return (min(self._ends, self._ends if ended is None else ended) - self._began) * 1000
