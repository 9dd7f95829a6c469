"""What is broken. A way leads to one invocation, whose calls are numbered and broken one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.asks import (
    CUTS,
    ENDS,
    GONE,
    HELD_CASES,
    MESSAGES,
    RESPONSES,
    STREAM,
    UNARY,
    WAITED,
    WAITED_ONCE,
    Case,
    stream,
    streamed_at,
)
from tests.faults.caller import Answer, Ask
from tests.faults.lane import Lane, Plan
from tests.faults.seam import BROKEN, READ, Fault, Kind


@dataclass(frozen=True, slots=True)
class Step:
    """One invocation of the gateway, the recorder, the sweeper or a background plugin, by name.

    A plugin after "call ": the gateway serves a request and waits for it; else its queue brings a message.

    `fault`: what goes wrong on the way; it makes the state that the way's own invocation finds.
    """

    name: str
    fault: Fault | None = None
    claim_s: float | None = None
    """For how long its claim of a delivery holds; as a rule for no time at all."""


@dataclass(frozen=True, slots=True)
class Way:
    """`before` leads to the invocation of `target`. With `cases`, these happen, and no call is broken."""

    name: str
    title: str
    target: str
    before: tuple[Step, ...] = ()
    ask: Ask = UNARY
    breaks_from: str | None = None
    """The first operation that is broken: what comes before is broken in another way."""
    cases: tuple[Case, ...] = ()


GATEWAY, RECORDER, SWEEPER = Step("gateway"), Step("recorder"), Step("sweeper")
EXPORT, ONCE = "audit-export", "once"
# A call of the gateway, which waits for it: this, and who is called.
CALL: Final = "call "
UPSTREAM: Final = "/v1/chat/completions"
INVOKE: Final = "Invoke"
EVENT: Final = READ.rpartition(" ")[2]


def _denied(name: str, operation: str) -> Step:
    return Step(name, Fault(Kind.DENIED, operation))


WAYS: Final = (
    Way("gateway", "A unary request, in an environment that has just started", "gateway"),
    Way("stream", "A streamed request that nobody guards", "gateway", ask=STREAM),
    Way(
        "stream_guarded",
        "A streamed request through a guard's windows, from its upstream on",
        "gateway",
        ask=stream("guarded"),
        breaks_from=UPSTREAM,
    ),
    Way(
        "stream_stopped",
        "A streamed request that a guard stops in its middle",
        "gateway",
        ask=stream("guarded", is_forbidden=True),
        breaks_from=UPSTREAM,
    ),
    Way(
        "stream_held",
        "A streamed request that is held whole, for longer than the gateway is silent",
        "gateway",
        ask=stream("held", pauses=True),
        breaks_from=UPSTREAM,
    ),
    Way(
        "messages_guarded",
        "A streamed message through a guard's windows, from its first event on",
        "gateway",
        ask=streamed_at(MESSAGES, "guarded"),
        breaks_from=EVENT,
    ),
    Way(
        "responses_guarded",
        "A streamed response through a guard's windows, from its first event on",
        "gateway",
        ask=streamed_at(RESPONSES, "guarded"),
        breaks_from=EVENT,
    ),
    Way("stream_cut", "A stream whose upstream breaks off, or does not end", "gateway", cases=CUTS),
    Way(
        "dialects_end",
        "A streamed message or response whose upstream breaks off, or does not end",
        "gateway",
        cases=ENDS,
    ),
    Way("stream_gone", "A stream whose caller goes, while its upstream is silent", "gateway", cases=GONE),
    Way("stream_ends", "How else a stream can end that is held whole", "gateway", cases=HELD_CASES),
    Way("recorder", "The recorder, with the request's outcome", "recorder", (GATEWAY,)),
    Way(
        "recorder_late",
        "The recorder, with an outcome that comes after the sweeper has closed the request",
        "recorder",
        (GATEWAY, SWEEPER),
    ),
    Way(
        "sweeper",
        "The sweeper, with an intent of which nothing more was heard",
        "sweeper",
        (_denied("gateway", "SendMessage"),),
    ),
    Way(
        "sweeper_late",
        "The sweeper, with an intent whose outcome is stored, but not settled",
        "sweeper",
        (GATEWAY, _denied("recorder", "UpdateItem")),
    ),
    Way("at_least_once", "A background delivery, at least once", EXPORT, (GATEWAY, RECORDER)),
    Way("at_most_once", "A background delivery, at most once", ONCE, (GATEWAY, RECORDER)),
    Way(
        "at_most_once_again",
        "A delivery at most once that comes back: the plugin was called, its record is missing",
        ONCE,
        (GATEWAY, RECORDER, _denied(ONCE, "PutObject")),
    ),
    Way(
        "at_most_once_recorded",
        "A delivery at most once that comes back: its record is stored, its claim is not finished",
        ONCE,
        (GATEWAY, RECORDER, _denied(ONCE, "UpdateItem")),
    ),
    Way(
        "at_most_once_claimed",
        "A delivery at most once that comes back while the claim of the first attempt, killed, still holds",
        ONCE,
        (GATEWAY, RECORDER, Step(ONCE, Fault(Kind.KILLED_COMMITTED, "/once"), claim_s=3600.0)),
    ),
    Way(
        "waited",
        "A request that waits for a delivery at least once, from its call on",
        "gateway",
        ask=WAITED,
        breaks_from=INVOKE,
    ),
    Way(
        "waited_stream",
        "A streamed request that waits for a delivery at least once, from its call on",
        "gateway",
        ask=stream("waited"),
        breaks_from=INVOKE,
    ),
    Way("waited_called", "The delivery at least once that a request waits for", f"{CALL}kept", ask=WAITED),
    Way(
        "waited_once",
        "A request that waits for a delivery at most once, from its call on",
        "gateway",
        ask=WAITED_ONCE,
        breaks_from=INVOKE,
    ),
    Way(
        "waited_once_called",
        "The delivery at most once that a request waits for",
        f"{CALL}kept-once",
        ask=WAITED_ONCE,
    ),
)


class UnbrokenError(Exception):
    """A fault had no call to break: the table and the product differ."""


def go(
    way: Way, lane: Lane, journal: Path, fault: Fault | None = None, case: Case | None = None
) -> tuple[Answer, list[str]]:
    """Go the whole way and break what is to be broken; what the caller saw, and the calls that were made.

    Raises UnbrokenError.
    """
    wanted = case.ask if case else way.ask
    answers = [
        take(step, lane, wanted, _plan(step, journal.with_suffix(f".{number}")))
        for number, step in enumerate(way.before)
    ]
    plan = Plan(journal, fault, silence_s=wanted.silence_s)
    answers.append(take(Step(way.target, fault), lane, wanted, plan))
    return next(answer for answer in answers if answer is not None), calls_of(journal, fault)


def _plan(step: Step, journal: Path) -> Plan | None:
    return Plan(journal, step.fault, claim_s=step.claim_s) if step.fault else None


def take(step: Step, lane: Lane, wanted: Ask, plan: Plan | None) -> Answer | None:
    """One step; what the caller saw, if there was one. Without a plan it goes as it goes."""
    answer = None
    if step.name == "gateway":
        answer = lane.ask(wanted, plan)
    elif step.name.startswith(CALL):
        answer = lane.ask(wanted, called=plan)
    elif step.name == "sweeper":
        lane.sweep(plan)
    elif not lane.poll(step.name, plan):
        raise UnbrokenError(f"there is nothing in the queue of {step.name}")
    if plan is not None:
        calls_of(plan.journal, plan.fault)
    return answer


def calls_of(journal: Path, fault: Fault | None) -> list[str]:
    """The calls of an invocation, in their order. Raises UnbrokenError."""
    lines = journal.read_text(encoding="utf-8").split("\n")[:-1] if journal.exists() else []
    if (fault is not None) != (BROKEN in lines):
        raise UnbrokenError(f"{fault} met none of {lines}")
    return [line for line in lines if line != BROKEN]
