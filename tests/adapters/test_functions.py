from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.functions import MOST_BYTES, LambdaFunctions, MemoryFunctions
from penstock.errors import FailureClass, PluginError

URL = "http://127.0.0.1:9"


class FakeLambda:
    """Stands for boto3's client; remembers what it was asked."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self._answer = answer
        self.asked: list[dict[str, Any]] = []

    def invoke(self, **asked: Any) -> Any:
        self.asked.append(asked)
        return self._answer()


def functions(answer: Callable[[], Any], plugins: int = 1) -> tuple[LambdaFunctions, FakeLambda]:
    clients, fake = Clients(), FakeLambda(answer)
    clients._made["lambda"] = fake
    return LambdaFunctions(clients, "acme-plugin-{plugin}", plugins, 1.5), fake


def returned(body: bytes, **more: Any) -> Callable[[], Any]:
    return lambda: {"StatusCode": 200, "Payload": io.BytesIO(body), **more}


def raising(error: BaseException) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer


def of_service(code: str, status: int) -> ClientError:
    said: Any = {
        "Error": {"Code": code, "Message": "my prompt says hello"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(said, "Invoke")


def failure_of(answer: Callable[[], Any]) -> str:
    """How one call fails; what is said of it holds nobody else's words, and it is not made again."""
    made, fake = functions(answer)
    with pytest.raises(PluginError) as caught:
        made.invoke("guard", b"{}").result(5.0)
    made.close()
    assert "prompt" not in str(caught.value)
    assert len(fake.asked) == 1
    return caught.value.failure.value


def test_a_function_is_called_by_its_name_and_what_it_returned_comes_back() -> None:
    made, fake = functions(returned(b'{"a": 1}'))
    flight = made.invoke("guard", b"{}")
    assert flight.result(5.0) == b'{"a": 1}'
    assert fake.asked == [{"FunctionName": "acme-plugin-guard", "Payload": b"{}"}]
    assert flight.ended is not None
    made.close()


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (of_service("TooManyRequestsException", 429), "throttled"),
        (of_service("ThrottlingException", 400), "throttled"),
        (of_service("SomethingNew", 429), "throttled"),
        (of_service("EC2ThrottledException", 502), "throttled"),
        (of_service("AccessDeniedException", 403), "denied"),
        (of_service("ExpiredTokenException", 403), "denied"),
        (of_service("SomethingNew", 403), "denied"),
        (of_service("KMSAccessDeniedException", 502), "denied"),
        (NoCredentialsError(), "denied"),
        (of_service("ResourceNotFoundException", 404), "unavailable"),
        (of_service("ServiceException", 500), "unavailable"),
        (of_service("ResourceNotReadyException", 502), "unavailable"),
        (EndpointConnectionError(endpoint_url=URL), "unavailable"),
        (ConnectTimeoutError(endpoint_url=URL), "unavailable"),
        (ReadTimeoutError(endpoint_url=URL), "timeout"),
        (of_service("RequestTooLargeException", 413), "contract"),
        (of_service("InvalidRequestContentException", 400), "contract"),
    ],
    ids=str,
)
def test_what_lambda_refuses_and_what_does_not_reach_it_each_has_its_class(
    error: Exception, failure: str
) -> None:
    assert failure_of(raising(error)) == failure


@pytest.mark.parametrize(
    ("payload", "failure"),
    [
        ({"errorType": "Sandbox.Timedout", "errorMessage": "my prompt"}, "timeout"),
        ({"errorMessage": "2026-11-22T10:00:00Z 0a1b Task timed out after 3.00 seconds"}, "timeout"),
        ({"errorType": "Runtime.ImportModuleError"}, "import"),
        ({"errorType": "Runtime.HandlerNotFound"}, "import"),
        ({"errorType": "Function.ResponseSizeTooLarge"}, "contract"),
        ({"errorType": "Runtime.ExitError"}, "exception"),
        ({"errorType": "Runtime.OutOfMemory"}, "exception"),
        (
            {
                "errorType": "ValueError",
                "errorMessage": "my prompt says: Task timed out after",
                "stackTrace": [],
            },
            "exception",
        ),
        ({"errorType": ["Sandbox.Timedout"]}, "exception"),
        ("my prompt", "exception"),
        ([], "exception"),
    ],
)
def test_of_what_a_function_died_of_only_the_type_is_read(payload: Any, failure: str) -> None:
    body = json.dumps(payload).encode()
    assert failure_of(returned(body, FunctionError="Unhandled")) == failure


def test_no_more_is_read_of_an_answer_than_lambda_may_give() -> None:
    made, _ = functions(returned(b" " * (MOST_BYTES + 1000)))
    assert len(made.invoke("guard", b"{}").result(5.0)) == MOST_BYTES
    made.close()


def test_a_call_is_given_up_at_its_deadline_and_goes_on_alone() -> None:
    let_go = threading.Event()
    made, fake = functions(lambda: let_go.wait(10) and returned(b"late")())
    flight, before = made.invoke("guard", b"{}"), time.monotonic()
    with pytest.raises(PluginError) as caught:
        flight.result(0.05)
    assert (caught.value.failure, flight.ended) == (FailureClass.TIMEOUT, None)
    assert time.monotonic() - before < 5
    let_go.set()
    made.close()
    assert len(fake.asked) == 1


def test_a_call_that_was_given_up_before_it_was_made_is_never_made() -> None:
    let_go = threading.Event()
    made, fake = functions(lambda: let_go.wait(10) and returned(b"x")())
    flights = [made.invoke("guard", b"{}") for _ in range(5)]  # one more than there are threads
    with pytest.raises(PluginError):
        flights[-1].result(0.05)
    let_go.set()
    for flight in flights[:-1]:
        flight.result(5.0)
    made.close()
    assert len(fake.asked) == 4


def test_a_plugin_that_never_answers_holds_no_other_plugins_calls_up() -> None:
    let_go = threading.Event()
    made, fake = functions(returned(b"x"), plugins=2)
    first = fake.invoke

    def invoke(**asked: Any) -> Any:
        if asked["FunctionName"].endswith("stuck"):
            let_go.wait(30)
        return first(**asked)

    fake.invoke = invoke  # type: ignore[method-assign]  # the fake of this one test
    stuck = [made.invoke("stuck", b"{}") for _ in range(9)]  # more than two plugins have threads together
    assert made.invoke("guard", b"{}").result(10.0) == b"x"
    assert not any(flight.ended for flight in stuck)
    let_go.set()
    made.close()


def test_calls_go_side_by_side() -> None:
    together = threading.Barrier(4, timeout=10)
    made, _ = functions(lambda: together.wait() >= 0 and returned(b"met")())
    flights = [made.invoke("guard", b"{}") for _ in range(4)]
    assert [flight.result(10.0) for flight in flights] == [b"met"] * 4
    made.close()


def test_nobody_is_asked_twice_and_idle_connections_are_watched() -> None:
    client: Any = Clients(Endpoint("eu-central-1", URL, "id", "key")).functions(4.0, 8)
    config = client.meta.config
    assert config.retries == {"total_max_attempts": 1, "mode": "standard"}
    assert (config.read_timeout, config.connect_timeout, config.max_pool_connections) == (4.0, 1.0, 8)
    assert config.tcp_keepalive is True


def test_in_memory_a_function_is_called_and_one_that_is_not_there_is_unavailable() -> None:
    made = MemoryFunctions({"guard": bytes.upper})
    assert made.invoke("guard", b"abc").result(1.0) == b"ABC"
    with pytest.raises(PluginError) as caught:
        made.invoke("other", b"abc").result(1.0)
    assert caught.value.failure == "unavailable"
