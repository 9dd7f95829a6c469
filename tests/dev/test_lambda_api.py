from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from penstock.dev.invocation import (
    EnvironmentLost,
    FunctionFailed,
    InitFailed,
    Outcome,
    Returned,
    Streamed,
    Throttled,
    TimedOut,
    error_payload,
)
from penstock.dev.lambda_api import LambdaApi, named
from penstock.dev.runtime_api import PAYLOAD_LIMIT_BYTES

OUTCOMES: dict[str, Outcome] = {
    "raises": FunctionFailed(error_payload("ValueError", "words")),
    "dies": EnvironmentLost("signal: killed"),
    "late": TimedOut(3.0),
    "broken": InitFailed("its log"),
    "busy": Throttled(60.0),
    "streams": Streamed(),
}


@pytest.fixture
def api() -> Iterator[LambdaApi]:
    functions = {name: lambda _, outcome=outcome: outcome for name, outcome in OUTCOMES.items()}
    api = LambdaApi({**functions, "echo": Returned, "echo:live": lambda _: Returned(b'"live"')})
    api.start()
    yield api
    api.stop()


@pytest.fixture
def client(api: LambdaApi) -> Any:
    return Session().create_client(
        "lambda",
        region_name="eu-central-1",
        endpoint_url=api.url,
        aws_access_key_id="id",
        aws_secret_access_key="key",
        config=Config(retries={"total_max_attempts": 1}),
    )


ARN = "arn:aws:lambda:eu-central-1:123456789012:function:echo"


@pytest.mark.parametrize("name", ["echo", "echo:$LATEST", ARN])
def test_a_function_is_invoked_by_the_real_client_by_name_and_arn(client: Any, name: str) -> None:
    answer = client.invoke(FunctionName=name, Payload=b'{"a": 1}')
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    assert (answer["StatusCode"], answer.get("FunctionError")) == (200, None)


@pytest.mark.parametrize("name", [("echo:live", ""), (f"{ARN}:live", ""), ("echo", "live"), (ARN, "live")])
def test_an_alias_is_a_way_of_its_own_however_it_is_named(client: Any, name: tuple[str, str]) -> None:
    function, qualifier = name
    asked = {"FunctionName": function, **({"Qualifier": qualifier} if qualifier else {})}
    assert client.invoke(**asked, Payload=b"{}")["Payload"].read() == b'"live"'


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("raises", "ValueError"),
        ("dies", "Runtime.ExitError"),
        ("late", "Sandbox.Timedout"),
        ("broken", "Runtime.ImportModuleError"),
        ("streams", "Runtime.Unknown"),
    ],
)
def test_a_function_that_fails_is_told_as_lambda_tells_it(client: Any, name: str, kind: str) -> None:
    answer = client.invoke(FunctionName=name, Payload=b"{}")
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == kind


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ({"FunctionName": "busy"}, "TooManyRequestsException"),
        ({"FunctionName": "nobody"}, "ResourceNotFoundException"),
        ({"FunctionName": "echo:other"}, "ResourceNotFoundException"),
        ({"FunctionName": "echo:live", "Qualifier": "other"}, "ResourceNotFoundException"),
        ({"FunctionName": "echo", "InvocationType": "Event"}, "InvalidParameterValueException"),
        ({"FunctionName": "echo", "Payload": b'{"a": NaN}'}, "InvalidRequestContentException"),
        ({"FunctionName": "echo", "Payload": b"{"}, "InvalidRequestContentException"),
    ],
)
def test_what_lambda_refuses_the_client_gets_as_its_own_error(
    client: Any, call: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client.invoke(**call)
    assert caught.value.response["Error"]["Code"] == code


def test_a_payload_over_lambda_s_limit_is_refused_and_not_read_to_its_end(api: LambdaApi) -> None:
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"))
    connection.request("POST", "/2015-03-31/functions/echo/invocations", b" " * (PAYLOAD_LIMIT_BYTES + 1))
    assert connection.getresponse().status == 413
    connection.close()


def test_any_other_path_is_unknown(api: LambdaApi) -> None:
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"))
    connection.request("GET", "/2015-03-31/functions/echo/invocations")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("x-amzn-errortype")) == (404, "UnknownOperationException")
    connection.close()


def test_a_function_s_name_is_found_in_every_way_to_name_it() -> None:
    names = ("echo", ARN, f"{ARN}:$LATEST", "123456789012:function:echo")
    assert {named(name) for name in names} == {"echo"}
