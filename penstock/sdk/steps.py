"""`workflow.toml`: the steps of a workflow, readable before any of the plugin's code is imported.

    timeout_s = 604800             of a whole run; the rest is about its steps

    [[step]]
    name = "tell"
    do = true                      the plugin's method step_tell(self, run, ctx), in its own function
    outcomes = ["told", "nobody"]  what it may return; None where there are none
    timeout_s = 30
    retry = { attempts = 4, wait_s = 2, backoff = 2.0 }
    on_failure = "settle"          where it goes when no attempt succeeded, as `failed`; else the run fails

    [[step]]
    name = "decide"
    approval = true                a human: `approved`, `denied`, or what `on_timeout` says
    timeout_s_from = "answer_s"    a key of the plugin's configuration; or timeout_s
    on_timeout = "expired"

    [[step]]
    name = "pause"
    wait_s = 60                    or wait_s_from

    [[step]]
    name = "which"
    choose = "decide"              by what an earlier step came to
    cases = { approved = "settle" }
    otherwise = "pause"

A step is followed by the next in the file unless it says `next` or `end = true`. What can never run, or never
end, is refused (`flow_problem`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from penstock.errors import ConfigurationError, FailureClass, PluginError
from penstock.sdk.manifest import CARD, Code, ConfigKey

FILE: Final = "workflow.toml"
METHOD: Final = "step_"
APPROVED: Final = "approved"
DENIED: Final = "denied"
FAILED: Final = "failed"
"""What a step with `on_failure` came to when no attempt succeeded."""

# Of the plugin's function: its own 60 s, less what storing the record may take.
MAX_STEP_S: Final = 50
# The sealer looks at an hour's evidence for 31 days; a step's record that came later would have no seal.
MAX_RUN_S: Final = 30 * 24 * 3600
DEFAULT_RUN_S: Final = 7 * 24 * 3600
MAX_STEPS: Final = 40

Kind = Literal["do", "approval", "wait", "choose"]

_GENERAL: Final = frozenset({"name"})
_ONWARD: Final = frozenset({"next", "end"})
_KEYS: Final[Mapping[Kind, frozenset[str]]] = {
    "do": _GENERAL | _ONWARD | {"do", "outcomes", "timeout_s", "retry", "on_failure"},
    "approval": _GENERAL | _ONWARD | {"approval", "timeout_s", "timeout_s_from", "on_timeout", "on_failure"},
    "wait": _GENERAL | _ONWARD | {"wait_s", "wait_s_from"},
    "choose": _GENERAL | {"choose", "cases", "otherwise"},
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retry(_Strict):
    """How often a step is tried in all, and how long to wait before the next attempt."""

    attempts: int = Field(default=4, ge=1, le=20)
    wait_s: int = Field(default=2, ge=1, le=3600)
    backoff: float = Field(default=2.0, ge=1, le=10, allow_inf_nan=False)
    """By what each wait is longer than the one before; none is longer than an hour."""


class Step(_Strict):
    """One step, of one kind."""

    name: Code
    do: Literal[True] | None = None
    approval: Literal[True] | None = None
    wait_s: int | None = Field(default=None, ge=1, le=MAX_RUN_S)
    wait_s_from: ConfigKey | None = None
    choose: Code | None = None
    outcomes: tuple[Code, ...] = ()
    timeout_s: int | None = Field(default=None, ge=1, le=MAX_RUN_S)
    timeout_s_from: ConfigKey | None = None
    retry: Retry = Retry()
    on_failure: Code | None = None
    on_timeout: Code | None = None
    cases: dict[Code, Code] = {}
    otherwise: Code | None = None
    next: Code | None = None
    end: bool = False

    @property
    def kind(self) -> Kind:
        """What it is. Of one that names nothing, `wait`."""
        return "do" if self.do else "approval" if self.approval else "choose" if self.choose else "wait"

    @property
    def results(self) -> tuple[str, ...]:
        """All that it can come to, as far as another step may ask."""
        failed = (FAILED,) if self.on_failure else ()
        if self.approval:
            return (APPROVED, DENIED, self.on_timeout or DENIED, *failed)
        return (*self.outcomes, *failed)

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        waits = self.wait_s is not None or self.wait_s_from is not None
        given = [bool(self.do), bool(self.approval), waits, self.choose is not None]
        if sum(given) != 1:
            raise ValueError("give one of `do`, `approval`, `wait_s`, `wait_s_from`, `choose`")
        beyond = sorted(self.model_fields_set - _KEYS[self.kind])
        if beyond:
            raise ValueError(f"`{beyond[0]}` is nothing for a step of the kind `{self.kind}`")
        problem = self._own_problem()
        if problem:
            raise ValueError(problem)
        return self

    def _own_problem(self) -> str | None:
        checks = {
            "`wait_s` and `wait_s_from` exclude each other": bool(self.wait_s and self.wait_s_from),
            "`next` and `end` exclude each other": bool(self.next and self.end),
            "an approval needs `timeout_s` or `timeout_s_from`, and only one": self.kind == "approval"
            and bool(self.timeout_s) == bool(self.timeout_s_from),
            "an approval needs `on_timeout`, the outcome when nobody answers": self.kind == "approval"
            and self.on_timeout is None,
            f"on_timeout cannot be `{APPROVED}`: silence is no consent": self.on_timeout == APPROVED,
            f"a step is done within {MAX_STEP_S} s": self.kind == "do" and (self.timeout_s or 0) > MAX_STEP_S,
            "`outcomes` names one twice": len(set(self.outcomes)) < len(self.outcomes),
            f"`{FAILED}` is what a step comes to that failed": FAILED in (*self.outcomes, self.on_timeout),
            "`choose` needs `cases`": self.kind == "choose" and not self.cases,
        }
        return next((problem for problem, is_so in checks.items() if is_so), None)


class Steps(_Strict):
    """The whole of `workflow.toml`. The first step is where a run begins."""

    step: tuple[Step, ...] = Field(min_length=1, max_length=MAX_STEPS)
    timeout_s: int = Field(default=DEFAULT_RUN_S, ge=60, le=MAX_RUN_S)

    def named(self, name: str) -> Step | None:
        """The step of that name."""
        return next((step for step in self.step if step.name == name), None)

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps that are methods of the plugin."""
        return tuple(step for step in self.step if step.kind == "do")

    @property
    def approvals(self) -> tuple[Step, ...]:
        """The steps that a human answers."""
        return tuple(step for step in self.step if step.kind == "approval")

    @property
    def config_keys(self) -> tuple[str, ...]:
        """Keys of the plugin's configuration that it names."""
        keys = (key for step in self.step for key in (step.wait_s_from, step.timeout_s_from))
        return tuple(key for key in keys if key is not None)

    def after(self, step: Step) -> str | None:
        """Which step follows when all went well; None where the run ends. Of a choice, None."""
        if step.next or step.end or step.kind == "choose":
            return step.next
        later = self.step[self.step.index(step) + 1 :]
        return later[0].name if later else None

    def ways(self, step: Step) -> tuple[str, ...]:
        """All the steps that may follow."""
        named = (*step.cases.values(), step.otherwise, self.after(step), step.on_failure)
        return tuple(dict.fromkeys(name for name in named if name is not None))

    def filled(self, config: Mapping[str, Any]) -> Steps:
        """The same with what `…_from` names in `config`. Raises ConfigurationError that names the key."""
        steps = tuple(self._filled(step, config) for step in self.step)
        return Steps(step=steps, timeout_s=self.timeout_s)

    def told(self) -> dict[str, Any]:
        """As JSON has it, without what is the default: for a snapshot."""
        return self.model_dump(mode="json", exclude_defaults=True)

    def _filled(self, step: Step, config: Mapping[str, Any]) -> Step:
        told = step.model_dump(exclude_defaults=True)
        for key in ("wait_s", "timeout_s"):
            origin = told.pop(f"{key}_from", None)
            if origin is not None:
                told[key] = _seconds(config, origin, self.timeout_s)
        return Step.model_validate(told)


def checked_outcome(step: Step, outcome: object) -> str | None:
    """What a step may come to. Raises PluginError (`contract`) for anything that it does not declare."""
    plain = str.__str__(outcome) if isinstance(outcome, str) else outcome
    if plain is None and not step.outcomes:
        return None
    if isinstance(plain, str) and plain in step.outcomes:
        return plain
    raise PluginError(FailureClass.CONTRACT, f"step {step.name} came to what it does not declare")


def _seconds(config: Mapping[str, Any], key: str, most_s: int) -> int:
    value: Any = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= most_s:
        problem = f"is no number of seconds from 1 to {most_s}, which its {FILE} makes a run's longest."
        raise ConfigurationError(f"config.{key}", problem, "Write how many seconds it takes.")
    return round(value)


def parse_steps(text: str, where: str) -> Steps:
    """The steps in `text`. Raises ConfigurationError that names file, key, reason and remedy."""
    try:
        steps = Steps.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(where, f"is not TOML: {error}.", "Mend the line it names.") from error
    except ValidationError as error:
        raise _refused(where, error) from error
    problem = next(flow_problems(steps), None)
    if problem is not None:
        key, what, remedy = problem
        raise ConfigurationError(where, f"{key}: {what}", remedy)
    return steps


def read_steps(folder: Path) -> Steps:
    """The steps of the plugin in `folder`. Raises ConfigurationError."""
    path = folder / FILE
    try:
        return parse_steps(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        problem = f"there is no such file, and its plugin.toml says `{MANIFEST_KEY}`."
        raise ConfigurationError(str(path), problem, "Write its steps, or take the line out.") from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(path), "is not UTF-8.", "Save it as UTF-8.") from None


MANIFEST_KEY: Final = "workflow = true"
_DOCS: Final = "docs/workflows.md has an example."


def _refused(where: str, error: ValidationError) -> ConfigurationError:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = f"is not a key of {FILE}"
    return ConfigurationError(where, f"{key or 'the file'}: {message}.", _DOCS)


Problem = tuple[str, str, str]
"""Key, what is wrong, remedy."""


def flow_problems(steps: Steps) -> Iterator[Problem]:
    """What is wrong with how the steps follow each other."""
    yield from _name_problems(steps)
    yield from _time_problems(steps)
    names = {step.name for step in steps.step}
    if any(name not in names for step in steps.step for name in steps.ways(step)):
        return  # said already; the rest walks by names
    yield from _choice_problems(steps)
    reached = reachable(steps)
    for step in steps.step:
        if step.name not in reached:
            yield step.name, "no step leads to it.", "Lead `next`, a case or a failure to it, or take it out."
    yield from _loop_problems(steps)


def _name_problems(steps: Steps) -> Iterator[Problem]:
    names = [step.name for step in steps.step]
    for name in names:
        if names.count(name) > 1:
            yield name, "there are two steps of this name.", "Rename one of them."
        if CARD.search(name):
            yield name, "holds 13 digits or more, which evidence takes for a card's.", "Shorten it."
    for step in steps.step:
        aims = {"next": step.next, "on_failure": step.on_failure, "otherwise": step.otherwise, **step.cases}
        for key, aim in aims.items():
            if aim is not None and aim not in names:
                yield f"{step.name}.{key}", f"there is no step {aim!r}.", f"There are {', '.join(names)}."


def _time_problems(steps: Steps) -> Iterator[Problem]:
    for step in steps.step:
        for key in ("wait_s", "timeout_s"):
            if (getattr(step, key) or 0) > steps.timeout_s:
                problem = f"is longer than a whole run may take, {steps.timeout_s} s."
                yield f"{step.name}.{key}", problem, "Shorten it, or raise the file's own `timeout_s`."


def _choice_problems(steps: Steps) -> Iterator[Problem]:
    for step in steps.step:
        asked = steps.named(step.choose) if step.choose else None
        if step.choose is None:
            continue
        if asked is None or not asked.results:
            problem = f"{step.choose!r} is no step that comes to anything."
            yield f"{step.name}.choose", problem, "Name a step with `outcomes`, or an approval."
            continue
        unknown = [case for case in step.cases if case not in asked.results]
        if unknown:
            problem = f"{step.choose!r} never comes to {unknown[0]!r}."
            yield f"{step.name}.cases", problem, f"It comes to {', '.join(asked.results)}."
        missing = [result for result in _to_expect(steps, asked, step) if result not in step.cases]
        if missing and step.otherwise is None:
            problem = f"nothing is said for {missing[0]!r}, to which {step.choose!r} may come."
            yield f"{step.name}.cases", problem, "Add the case, or `otherwise`."
        if step.otherwise is None and step.name in reachable(steps, without=step.choose):
            problem = f"{step.choose!r} may not have run when it is asked for."
            yield f"{step.name}.choose", problem, "Add `otherwise`."


def _to_expect(steps: Steps, asked: Step, choice: Step) -> list[str]:
    """What `asked` can have come to when a run is at `choice`: not `failed`, if that leads elsewhere."""
    elsewhere = not asked.on_failure or choice.name not in reachable(steps, start=asked.on_failure)
    return [result for result in asked.results if not (result == FAILED and elsewhere)]


def _loop_problems(steps: Steps) -> Iterator[Problem]:
    """A way back to a step that passes no wait would spend transitions as fast as they go."""
    for step in steps.step:
        if step.kind == "wait":
            continue
        seen, ahead = set[str](), list(steps.ways(step))
        while ahead:
            name = ahead.pop()
            found = steps.named(name)
            if found is None or name in seen or found.kind == "wait":
                continue
            seen.add(name)
            ahead += steps.ways(found)
        if step.name in seen:
            problem = "comes back to itself without a wait in between."
            yield step.name, problem, "Put a step with `wait_s` into the circle."
            return


def reachable(steps: Steps, *, start: str = "", without: str = "") -> frozenset[str]:
    """Names of the steps to which a run can come, from `start` (default: the first).

    `without` passing through one of them.
    """
    seen, ahead = set[str](), [start or steps.step[0].name]
    while ahead:
        step = steps.named(ahead.pop())
        if step is None or step.name in seen or step.name == without:
            continue
        seen.add(step.name)
        ahead += steps.ways(step)
    return frozenset(seen)
