"""The checks that every plugin should pass, whatever it does. Free of charge for its author.

    from penstock.sdk.conformance import conformance

    def test_it_behaves() -> None:
        assert conformance("plugins/my_plugin", {"some": "setting"}) == []

It loads the plugin as the gateway does, so manifest and class must agree; then it runs each moment on
empty, odd and large input, and looks at what any plugin must keep to: no exception, no ungranted field,
edits that fit and stay within the grant, the same answer to the same question, no memory of the request
before, no more time than is decent. A plugin that meets streams in windows is shown odd texts, and examples
of the patterns in its code, piece by piece: what leaves must be what leaves of the whole text. The steps of a
workflow are run as a run would come to them, and then once for each thing that a step or a human may come to.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import ConfigurationError, UndeliverableError
from penstock.sdk.fields import AFTER, BEFORE, LATER, Moment
from penstock.sdk.rehearsal import StepFailedError, rehearse
from penstock.sdk.sample import EVIDENCE, REQUEST_ID, RequestValues, ResponseValues
from penstock.sdk.steps import FAILED, Step, Steps
from penstock.sdk.testing import Harness, Result, harness
from penstock.sdk.workflow import Started

if TYPE_CHECKING:
    import httpx

# A long chapter, put into every place of a request: ten times that in all. More is for a benchmark to judge.
LARGE_CHARS = 20_000
# Of processor time: a busy machine accuses nobody. Far over what is decent, far under what backtracks.
MAX_SECONDS = 10.0
# Of the runs that a plugin starts while it is tried: each is gone through in every way.
RUNS = 2

ODD_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "nothing": "",
        "blanks": " \t\r\n\u00a0\u3000\u2028",
        "control characters": "a\x00b\x07c\x1b[0m\x7f",
        "zero-width characters": "\ufeff\u200b\u200c\u200d\u2060" * 8,
        "characters beyond the BMP": "\U0001f469\u200d\U0001f4bb \U0001d7d8\U0001d7d9 \U000e0041",
        "combining marks": "e\u0301\u0323" * 16 + "\u20e3",
        "right-to-left text": "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd \u0661\u0662\u0663",
        "replacement signs": r"\1 \g<0> {0} {} %s %(a)s $1 \\",
        "markup": "<b>&amp;</b> ```py\nx=1\n``` | a | b |",
        "JSON": '{"a": [1, 2.5e300, null, "\\u0000"], "__proto__": {}}',
        "one character, often": "a" * LARGE_CHARS,
        "digits, often": "4111 " * (LARGE_CHARS // 5),
        "brackets, often": "((((" * (LARGE_CHARS // 4),
        "words, often": "lorem ipsum dolor sit amet " * (LARGE_CHARS // 27),
    }
)


class _Trial(NamedTuple):
    """One way to call the plugin, and what to call it by when it goes wrong."""

    moment: Moment
    name: str
    run: Callable[[], Result]


def conformance(
    folder: str | Path,
    config: Mapping[str, Any] | None = None,
    *,
    secrets: Mapping[str, str] | None = None,
    transport: httpx.BaseTransport | None = None,
) -> list[str]:
    """What is wrong with the plugin in `folder`, one sentence for each problem; nothing is good.

    `config`, `secrets` and `transport` as for `harness`. Runs the plugin's code.
    """
    try:
        run = harness(folder, config, secrets=secrets, transport=transport)
    except ConfigurationError as error:
        return [str(error)]
    trials = list(_trials(run))
    behaviour = list(_behaviour(trials))  # which starts the runs that the steps belong to
    return [
        *_papers(Path(folder)),
        *behaviour,
        *_memory(trials),
        *stream_problems(run),
        *dict.fromkeys(step_problems(run)),
    ]


def stream_problems(run: Harness) -> Iterator[str]:
    """What a stream in pieces makes of texts, where it is not what the whole text becomes; each once."""
    asked = run.manifest.after_upstream
    if asked is None or asked.window_chars is None:
        return
    texts = [text for text in ODD_TEXTS.values() if len(text) < LARGE_CHARS // 2]
    longer = [f"{text} " + "and so on, " * (asked.window_chars // 10) for text in texts]
    told: set[str] = set()
    fields = [name for name in ("response.text", "response.reasoning") if name in asked.reads]
    for name in fields:
        for text in (*longer, *(run.stream_samples() if name == fields[0] else ())):
            problem = run.stream_problem(text, field=name)
            if problem is not None and problem not in told:
                told.add(problem)
                yield f"{AFTER}, {name} as a stream: {problem}"


def _papers(folder: Path) -> Iterator[str]:
    """What a reviewer reads before any code."""
    if not (folder / "README.md").is_file():
        yield "README.md: there is none; say what the plugin does, its settings, and what it misses."


def _behaviour(trials: list[_Trial]) -> Iterator[str]:
    """Each run on its own: no failure, nothing asked beyond the grant, in time."""
    for trial in trials:
        yield from _tried(f"{trial.moment}, {trial.name}", trial.run)[1]


def _tried(where: str, call: Callable[[], Result]) -> tuple[Result, list[str]]:
    """What came of a call, and what is wrong with it."""
    problems = []
    began = time.process_time()
    result = call()
    seconds = time.process_time() - began
    if result.refused:
        problems.append(f"{where}: it asked for what it was not granted: {', '.join(result.refused)}.")
    elif result.failure:
        raised = f" ({type(result.error).__name__})" if result.error else ""
        problems.append(f"{where}: it failed: {result.failure}{raised}.")
    if seconds > MAX_SECONDS:
        problems.append(f"{where}: it took {seconds:.0f} s; look for a pattern that backtracks.")
    return result, problems


def step_problems(run: Harness) -> Iterator[str]:
    """What goes wrong in its steps, in runs that its moments have started, or in one that nobody did."""
    if run.steps is None:
        return
    started = run.capabilities.started[:RUNS] or [Started(REQUEST_ID, REQUEST_ID, "")]
    for one in started:
        for forced in _ways(run.steps):
            yield from _rehearsed(run, run.steps, one, forced)


def _ways(steps: Steps) -> Iterator[Mapping[str, str]]:
    """Step → what it is to come to, besides what it says itself: nothing at first, then each result alone."""
    yield {}
    for step in steps.step:
        for result in step.results:
            if not (step.approval and result == FAILED):  # nobody answers that
                yield {step.name: result}


def _rehearsed(run: Harness, steps: Steps, started: Started, forced: Mapping[str, str]) -> list[str]:
    """What is wrong with the steps that such a run comes to."""
    evidence = EVIDENCE if LATER in run.manifest.moments else None
    problems: list[str] = []

    def do(step: Step, outcomes: Mapping[str, str]) -> str | None:
        def call() -> Result:
            return run.step(
                step.name,
                outcomes=outcomes,
                evidence=evidence,
                run_id=started.run_id,
                reference=started.reference,
            )

        result, wrong = _tried(f"step {step.name}", call)
        if not isinstance(result.error, UndeliverableError):  # which is how a step ends a run on purpose
            problems.extend(wrong)
        if result.action == "fail" or forced.get(step.name) == FAILED:
            raise StepFailedError(step.name)
        return forced.get(step.name, result.outcome)

    with suppress(RuntimeError):  # one that waits for something outside may go round and round here
        rehearse(steps, do, forced)
    return problems


def _memory(trials: list[_Trial]) -> Iterator[str]:
    """The same question, asked again after all the others, has the same answer."""
    small = [trial for trial in trials if "often" not in trial.name and trial.moment != LATER]
    first = [trial.run() for trial in small]
    again = [trial.run() for trial in reversed(small)]
    for trial, one, other in zip(small, first, reversed(again), strict=True):
        if (one.action, one.reason, one.values, one.recorded) != (
            other.action,
            other.reason,
            other.values,
            other.recorded,
        ):
            yield f"{trial.moment}, {trial.name}: the same request had another answer the second time."


def _trials(run: Harness) -> Iterator[_Trial]:
    moments = run.manifest.moments
    if BEFORE in moments:
        yield _Trial(BEFORE, "an empty request", run.before)
        for name, text in ODD_TEXTS.items():
            yield _Trial(BEFORE, name, _before(run, text))
    if AFTER in moments:
        yield _Trial(AFTER, "an empty response", run.after)
        for name, text in ODD_TEXTS.items():
            yield _Trial(AFTER, name, _after(run, text))
    if LATER in moments:
        yield _Trial(LATER, "an evidence record", run.background)
        yield _Trial(LATER, "the smallest evidence record", _background(run))


def _before(run: Harness, text: str) -> Callable[[], Result]:
    return lambda: run.before(**_request(text))


def _after(run: Harness, text: str) -> Callable[[], Result]:
    values: ResponseValues = {
        "text": [text, "", text],
        "reasoning": text,
        "tool_calls": [text],
        "mcp_result": [text, "", text],
        "request": _request(text),
    }
    return lambda: run.after(**values)


def _background(run: Harness) -> Callable[[], Result]:
    smallest = {name: EVIDENCE[name] for name in ("schema", "request_id", "outcome")}
    return lambda: run.background(smallest)


def _request(text: str) -> RequestValues:
    """A request that has `text` in every place that can hold it."""
    definition = {"name": "look_up", "description": text, "parameters": {"type": "object", "title": text}}
    return {
        "system": text,
        "user": [text, "", text],
        "assistant": text,
        "tool": text,
        "tools": [{"type": "function", "function": definition}],
        "tool_calls": [text],
        "mcp_arguments": [text, "", text],
        "mcp_method": "tools/call",
        "mcp_tool": "look_up",
        "metadata": {"note": text, "count": 2**70},
        "parameters": {"stop": [text], "temperature": 0.5, "user": None},
    }
