"""What is broken. A way leads to one invocation, whose calls are numbered and broken one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.faults.lane import Answer, Lane, Plan
from tests.faults.seam import BROKEN, Fault, Kind


@dataclass(frozen=True, slots=True)
class Step:
    """One invocation of the gateway, the recorder, the sweeper or a background plugin, by name.

    `fault`: what goes wrong on the way; it makes the state that the way's own invocation finds.
    """

    name: str
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """`before` leads to the invocation of `target`."""

    name: str
    title: str
    target: str
    before: tuple[Step, ...] = ()


GATEWAY, RECORDER, SWEEPER = Step("gateway"), Step("recorder"), Step("sweeper")
EXPORT, ONCE = "audit-export", "once"


def _denied(name: str, operation: str) -> Step:
    return Step(name, Fault(Kind.DENIED, operation))


WAYS: Final = (
    Way("gateway", "A unary request, in an environment that has just started", "gateway"),
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
)


class UnbrokenError(Exception):
    """A fault had no call to break: the table and the product differ."""


def go(way: Way, lane: Lane, journal: Path, fault: Fault | None) -> tuple[Answer, list[str]]:
    """Go the whole way and break what is to be broken; what the caller saw, and the calls that were made.

    Raises UnbrokenError.
    """
    answers = [
        take(step, lane, Plan(journal.with_suffix(f".{number}"), step.fault) if step.fault else None)
        for number, step in enumerate(way.before)
    ]
    answers.append(take(Step(way.target, fault), lane, Plan(journal, fault)))
    return next(answer for answer in answers if answer is not None), calls_of(journal, fault)


def take(step: Step, lane: Lane, plan: Plan | None) -> Answer | None:
    """One step; what the caller saw, if there was one. Without a plan it goes as it goes."""
    answer = None
    if step.name == "gateway":
        answer = lane.ask(plan)
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
