from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import backends, mock_aws

from penstock.adapters.clients import Clients
from penstock.dev import aws_process
from penstock.dev.invocation import FunctionFailed, Outcome, Returned
from penstock.dev.lambda_api import LambdaApi


@mock_aws
def test_a_dumped_state_loads_into_empty_backends() -> None:
    clients = Clients()
    clients.sqs.create_queue(QueueName="outbox")
    content = aws_process.dump_state()
    clients.sqs.delete_queue(QueueUrl=clients.sqs.get_queue_url(QueueName="outbox")["QueueUrl"])
    assert aws_process.load_state(content)
    assert clients.sqs.list_queues()["QueueUrls"][0].endswith("/outbox")


def test_a_state_of_another_version_is_not_even_unpickled() -> None:
    content = pickle.dumps((("penstock.state/1", "0.0.1", "3.11.0"), b"would raise if it were read"))
    assert not aws_process.load_state(content)


def test_a_lock_is_pickled_as_a_free_one() -> None:
    lock = threading.Lock()
    with lock:
        copy = pickle.loads(aws_process._pickled({"lock": lock, "condition": threading.Condition()}))
    assert copy["lock"].acquire(blocking=False)
    with copy["condition"]:
        pass


@mock_aws
def test_saving_replaces_the_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "aws.state"
    aws_process.save(path)
    before = path.read_bytes()

    def fail() -> bytes:
        raise MemoryError

    monkeypatch.setattr(aws_process, "dump_state", fail)
    with pytest.raises(MemoryError):
        aws_process.save(path)
    assert path.read_bytes() == before


def test_the_names_of_motos_modules_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = list(backends.list_of_moto_modules())
    monkeypatch.setattr(backends, "list_of_moto_modules", backends.list_of_moto_modules)  # to put it back
    aws_process.read_modules_once()
    monkeypatch.setattr(backends, "os", None)
    assert list(backends.list_of_moto_modules()) == names
    assert "sqs" in names


@pytest.fixture
def elsewhere() -> Iterator[LambdaApi]:
    def look(event: bytes) -> Outcome:
        return Returned(event.upper())

    api = LambdaApi({"d-plugin-größe": look, "broken": lambda _: FunctionFailed(b'{"errorType":"Bad"}')})
    api.start()
    yield api
    api.stop()


def asked(api: LambdaApi, path: str, body: bytes = b'"a"') -> tuple[str, dict[str, str], bytes]:
    """Status, headers and body of what the server that hands invocations on answers."""
    began: list[tuple[str, list[tuple[str, str]]]] = []

    def inner(_: dict[str, Any], start: aws_process.StartResponse) -> Iterable[bytes]:
        start("200 OK", [("x-by", "moto")])
        return [b"moto's"]

    environ = {"PATH_INFO": path, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    application = aws_process.LambdaElsewhere(inner, api.url)
    content = b"".join(application(environ, lambda status, headers: began.append((status, headers))))
    ((status, headers),) = began
    return status, {name.lower(): value for name, value in headers}, content


def test_an_invocation_is_handed_on_to_who_has_the_function(elsewhere: LambdaApi) -> None:
    status, headers, content = asked(elsewhere, "/2015-03-31/functions/d-plugin-größe/invocations")
    assert (status, content) == ("200 OK", b'"A"')
    assert not aws_process.BETWEEN & set(headers)


def test_what_the_function_or_lambda_says_of_a_failure_comes_back(elsewhere: LambdaApi) -> None:
    _, headers, content = asked(elsewhere, "/2015-03-31/functions/broken/invocations")
    assert (headers["x-amz-function-error"], content) == ("Unhandled", b'{"errorType":"Bad"}')
    status, headers, _ = asked(elsewhere, "/2015-03-31/functions/nobody/invocations")
    assert (status[:3], headers["x-amzn-errortype"]) == ("404", "ResourceNotFoundException")


@pytest.mark.parametrize(
    "path", ["/", "/2015-03-31/functions/d/configuration", "/x/2015-03-31/functions/d/invocations"]
)
def test_all_else_stays_here(elsewhere: LambdaApi, path: str) -> None:
    assert asked(elsewhere, path) == ("200 OK", {"x-by": "moto"}, b"moto's")
