from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from penstock.dev.environments import Environment, Function
from penstock.dev.invocation import (
    EnvironmentLost,
    FunctionFailed,
    Outcome,
    Refused,
    RefusedError,
    Returned,
    TimedOut,
)
from penstock.dev.pool import Pool
from penstock.dev.processes import ProcessGroup
from tests.dev.conftest import ROOT, MakePool
from tests.dev.test_processes import eventually


def invoke(pool: Pool, **event: Any) -> Outcome:
    return pool.invoke(json.dumps(event).encode())


def returned(outcome: Outcome) -> Any:
    assert isinstance(outcome, Returned), outcome
    return json.loads(outcome.body)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_function_gets_its_event_and_what_lambda_says_of_the_invocation(make_pool: MakePool) -> None:
    pool = make_pool(timeout_s=20.0)
    got = returned(invoke(pool, answer=42))
    assert got["event"] == {"answer": 42}
    assert got["arn"] == pool.function.arn
    assert 10_000 < got["left_ms"] <= 20_000
    assert len(got["request_id"]) == 36


def test_one_environment_serves_one_request_after_another(make_pool: MakePool) -> None:
    pool = make_pool(warm=1, maximum=1)
    assert len({returned(invoke(pool))["pid"] for _ in range(3)}) == 1


def test_an_exception_fails_the_invocation_and_leaves_the_environment(make_pool: MakePool) -> None:
    pool = make_pool(warm=1, maximum=1)
    before = returned(invoke(pool))["pid"]
    outcome = invoke(pool, do="raise")
    assert isinstance(outcome, FunctionFailed)
    assert outcome.error_type == "ValueError"
    assert returned(invoke(pool))["pid"] == before


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"do": "exit", "status": 3}, "exit status 3"),
        ({"do": "exit", "status": 0}, "exit status 0"),
        ({"do": "kill"}, "signal: killed"),
    ],
)
def test_a_dying_environment_fails_its_invocation_and_is_replaced(
    make_pool: MakePool, log: Path, event: dict[str, Any], status: str
) -> None:
    pool = make_pool(warm=1, maximum=1)
    assert invoke(pool, **event) == EnvironmentLost(status)
    assert returned(invoke(pool))["event"] == {}
    assert "Runtime.ExitError" in log.read_text()


def test_what_a_dying_environment_wrote_is_in_the_log(make_pool: MakePool, log: Path) -> None:
    invoke(make_pool(), do="exit")
    assert "these are my last words" in log.read_text()


def test_a_request_beyond_the_timeout_kills_its_environment(make_pool: MakePool, log: Path) -> None:
    pool = make_pool(warm=1, maximum=1, timeout_s=1.0)
    before = returned(invoke(pool))["pid"]
    assert invoke(pool, do="sleep", seconds=60) == TimedOut(1.0)
    assert not is_running(before)
    assert "Task timed out after 1.00 seconds" in log.read_text()
    assert returned(invoke(pool))["pid"] != before


def test_a_response_beyond_lambdas_quota_is_an_error_of_the_function(make_pool: MakePool) -> None:
    pool = make_pool(warm=1, maximum=1)
    outcome = invoke(pool, do="large", size=6_300_000)
    assert isinstance(outcome, FunctionFailed)
    assert outcome.error_type == "Function.ResponseSizeTooLarge"
    assert returned(invoke(pool))["event"] == {}


def test_a_function_sees_lambdas_variables_and_none_of_the_operators(
    make_pool: MakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    seen = returned(invoke(make_pool(environment={"PENSTOCK_X": "1"}), do="variables"))
    assert "AWS_PROFILE" not in seen
    assert seen["AWS_SECRET_ACCESS_KEY"] == "local"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "sample"
    assert seen["PENSTOCK_X"] == "1"


def test_a_function_that_cannot_be_imported_says_why(group: ProcessGroup, log: Path) -> None:
    function = Function(name="broken", handler="tests.dev.broken_function.handler", folder=ROOT)
    problem = Environment(function, group, log).start()
    assert problem is not None
    assert "broken did not start: Runtime.ImportModuleError." in problem
    assert "the reason stands here" in problem


def test_a_function_that_ends_while_it_starts_says_so(group: ProcessGroup, log: Path) -> None:
    function = Function(
        name="gone", handler="os._exit", folder=ROOT, environment={"PYTHONHOME": "/nonexistent"}
    )
    problem = Environment(function, group, log).start()
    assert problem is not None
    assert "gone did not start: its process ended (exit status 1)." in problem


def test_a_function_that_never_asks_for_work_is_given_up(group: ProcessGroup, log: Path) -> None:
    function = Function(
        name="slow", handler="tests.dev.sample_function.handler", folder=ROOT, init_timeout_s=0.0
    )
    environment = Environment(function, group, log)
    problem = environment.start()
    assert problem is not None
    assert "did not ask for work" in problem
    assert not environment.alive


def test_an_environment_that_is_stopped_while_it_starts_ends_at_once(group: ProcessGroup, log: Path) -> None:
    function = Function(name="slow", handler="tests.dev.sample_function.handler", folder=ROOT)
    environment = Environment(function, group, log)
    with ThreadPoolExecutor(1) as starting:
        problem = starting.submit(environment.start)
        assert eventually(lambda: environment.pid is not None)
        environment.stop()
        assert problem.result() is not None
    assert environment.pid is not None
    assert not is_running(environment.pid)


def test_an_environment_that_is_stopped_before_it_starts_never_does(group: ProcessGroup, log: Path) -> None:
    environment = Environment(Function(name="none", handler="os._exit"), group, log)
    environment.stop()
    assert environment.start() == "none did not start: it was stopped before."
    assert environment.pid is None


class RefusingRelay:
    """Takes nothing of a stream."""

    gone = True

    def pass_on(self, chunk: bytes) -> None:
        raise RefusedError


def test_an_environment_is_busy_until_it_has_closed_the_stream_that_nobody_takes(
    make_pool: MakePool, tmp_path: Path
) -> None:
    pool = make_pool(
        handler="tests.runtime.sample_stream.handler", streams=True, environment={"FOLDER": str(tmp_path)}
    )
    event = b'{"httpMethod":"GET","path":"/lingering"}'
    assert pool.invoke(event, RefusingRelay()) == Refused()
    assert (tmp_path / "closed").exists()


def test_a_stream_without_a_relay_is_collected(make_pool: MakePool) -> None:
    pool = make_pool(handler="tests.runtime.sample_stream.handler", streams=True)
    outcome = pool.invoke(b'{"httpMethod":"GET","path":"/few"}')
    assert isinstance(outcome, Returned)
    assert outcome.body.endswith(b"\0\0\0\0\0\0\0\0" + b"01234")


class CountingRelay:
    """Counts what it takes of a stream."""

    gone = False

    def __init__(self) -> None:
        self.size_bytes = 0

    def pass_on(self, chunk: bytes) -> None:
        self.size_bytes += len(chunk) if set(chunk) == set(b"x") else 0


def test_all_that_a_dying_environment_streamed_comes_before_its_loss(make_pool: MakePool) -> None:
    pool = make_pool(handler="tests.runtime.sample_stream.handler", streams=True)
    relay = CountingRelay()
    assert pool.invoke(b'{"httpMethod":"GET","path":"/burst"}', relay) == EnvironmentLost("exit status 3")
    assert relay.size_bytes == 20 * 8000
