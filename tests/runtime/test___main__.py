"""The process itself, with a handler of the tests' own, against a Runtime API that keeps every byte."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.runtime.__main__ import main
from penstock.runtime.breakage import MESSAGE
from tests.runtime.sample_stream import CONTENT
from tests.runtime.wire_api import WireApi

pytestmark = pytest.mark.loopback

ROOT = Path(__file__).resolve().parents[2]
HANDLER = "tests.runtime.sample_stream.handler"
Serve = Callable[..., WireApi]


def event(path: str) -> bytes:
    return json.dumps({"httpMethod": "POST", "path": path}).encode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def serve(tmp_path: Path, log: Path) -> Iterator[Serve]:
    """Start the runtime on some events; what it posts comes to the `requests` of what is returned."""
    running: list[tuple[subprocess.Popen[bytes], WireApi]] = []

    def start(*events: bytes, command: list[str] | None = None, **variables: str) -> WireApi:
        api = WireApi(*events)
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "FOLDER": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            **variables,
        }
        with log.open("ab") as sink:
            process = subprocess.Popen(
                command or [sys.executable, "-m", "penstock.runtime", HANDLER],
                env=environment,
                cwd=tmp_path,
                stdout=sink,
                stderr=sink,
            )
        running.append((process, api))
        return api

    yield start
    for process, api in running:
        process.kill()
        process.wait()
        api.stop()


def posted(api: WireApi) -> tuple[str, dict[str, str], bytes]:
    """Path, headers with their names in lower case, and body as it was framed, of the next POST."""
    head, _, body = api.requests.get(timeout=60).partition(b"\r\n\r\n")
    request_line, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return request_line.split(" ")[1], headers, body


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(content), content)


def prelude(status: int, headers: dict[str, str], **more: Any) -> bytes:
    value = {"statusCode": status, "headers": headers, **more}
    return json.dumps(value, separators=(",", ":")).encode() + b"\0\0\0\0\0\0\0\0"


SSE = {"Content-Type": "text/event-stream"}
TWICE = {"X-Twice": ["1", "2"]}


def test_a_streamed_answer_is_on_the_wire_as_the_runtime_api_wants_it(serve: Serve) -> None:
    path, headers, body = posted(serve(event("/two")))
    assert path == "/2018-06-01/runtime/invocation/id-1/response"
    assert headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert headers["lambda-runtime-function-response-mode"] == "streaming"
    assert headers["transfer-encoding"] == "chunked"
    assert headers["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    assert headers["lambda-runtime-invocation-id"] == "invocation-1"
    assert "content-length" not in headers
    head = chunk(prelude(200, SSE, multiValueHeaders=TWICE))
    assert body == head + chunk(b"data: 1\n\n") + chunk("data: é\n\n".encode()) + b"0\r\n\r\n"


def test_an_empty_chunk_is_never_sent(serve: Serve) -> None:
    _, _, body = posted(serve(event("/empty")))
    assert (
        body == chunk(prelude(200, SSE, multiValueHeaders=TWICE)) + chunk(b"a") + chunk(b"b") + b"0\r\n\r\n"
    )


def test_an_answer_without_a_body_is_its_prelude(serve: Serve) -> None:
    _, _, body = posted(serve(event("/nothing")))
    assert body == chunk(prelude(200, SSE, multiValueHeaders=TWICE)) + b"0\r\n\r\n"


def test_an_error_after_the_first_byte_is_in_the_trailers_without_content(serve: Serve, log: Path) -> None:
    _, _, body = posted(serve(event("/later")))
    _, _, ending = body.partition(chunk(b"data: 1\n\n"))
    last, error_type, error_body, *rest = ending.split(b"\r\n")
    assert (last, error_type, rest) == (b"0", b"Lambda-Runtime-Function-Error-Type: ValueError", [b"", b""])
    name, _, encoded = error_body.partition(b": ")
    assert name == b"Lambda-Runtime-Function-Error-Body"
    error = json.loads(base64.b64decode(encoded))
    assert error.keys() == {"errorType", "errorMessage", "stackTrace"}
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", MESSAGE)
    assert "in broken_later" in error["stackTrace"][-1]
    assert CONTENT not in json.dumps(error)
    written = log.read_text()
    assert "ValueError" in written
    assert "in broken_later" in written
    assert CONTENT not in written


def test_an_error_before_the_first_byte_fails_the_invocation_without_content(serve: Serve, log: Path) -> None:
    path, _, body = posted(serve(event("/first")))
    assert path == "/2018-06-01/runtime/invocation/id-1/error"
    error = json.loads(body)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", MESSAGE)
    assert "in broken_at_first" in error["stackTrace"][-1]
    assert CONTENT not in body.decode() + log.read_text()


def test_a_handler_that_raises_fails_the_invocation_as_before(serve: Serve) -> None:
    path, headers, body = posted(serve(event("/raise"), PENSTOCK_STREAMING="1"))
    assert path.endswith("/error")
    assert headers["lambda-runtime-invocation-id"] == "invocation-1"
    assert json.loads(body)["errorType"] == "ValueError"


def test_a_proxy_response_is_buffered_where_the_route_is(serve: Serve) -> None:
    _, headers, body = posted(serve(event("/buffered")))
    assert "lambda-runtime-function-response-mode" not in headers
    assert json.loads(body)["statusCode"] == 403


def test_a_proxy_response_has_the_prelude_where_the_route_streams(serve: Serve) -> None:
    _, headers, body = posted(serve(event("/buffered"), PENSTOCK_STREAMING="1"))
    assert headers["lambda-runtime-function-response-mode"] == "streaming"
    content = json.dumps({"no": "é"}).encode()
    assert body == chunk(prelude(403, {"X-A": "1"})) + chunk(content) + b"0\r\n\r\n"


def test_what_is_no_proxy_response_is_buffered_on_every_route(serve: Serve) -> None:
    _, headers, body = posted(serve(event("/object"), PENSTOCK_STREAMING="1"))
    assert "lambda-runtime-function-response-mode" not in headers
    assert json.loads(body) == {"answer": 42}


def test_an_event_that_is_no_proxy_event_is_acknowledged_and_the_next_is_served(serve: Serve) -> None:
    api = serve(b'{"completion":true}', event("/two"), PENSTOCK_STREAMING="1")
    path, headers, body = posted(api)
    assert (path.rpartition("/")[2], body) == ("response", b"{}")
    assert headers["lambda-runtime-invocation-id"] == "invocation-1"
    assert b"data: 1" in posted(api)[2]


def test_one_process_serves_streams_and_buffered_answers_in_turn(serve: Serve) -> None:
    api = serve(event("/later"), event("/two"), event("/first"), event("/buffered"), event("/two"))
    ends = [posted(api)[0].rpartition("/")[2] for _ in range(5)]
    assert ends == ["response", "response", "error", "response", "response"]


def test_a_restored_snapshot_asks_for_work_after_its_hooks(serve: Serve) -> None:
    api = serve(event("/two"), AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    posted(api)
    assert [path.rpartition("runtime/")[2] for path in api.paths[:2]] == ["restore/next", "invocation/next"]


def test_the_wrapper_starts_the_runtime_with_the_path_of_the_task_and_its_layers(
    serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "as_lambda.py").write_text("raise SystemExit('the runtime of Lambda was started')\n")
    wrapper = str(ROOT / "penstock" / "runtime" / "exec-wrapper")
    api = serve(
        event("/two"),
        command=[wrapper, sys.executable, str(tmp_path / "as_lambda.py")],
        PYTHONPATH="",
        LAMBDA_TASK_ROOT=str(ROOT),
        _HANDLER=HANDLER,
    )
    assert b"data: 1" in posted(api)[2]


def test_the_wrapper_keeps_pydantic_from_looking_for_plugins(tmp_path: Path) -> None:
    interpreter = tmp_path / "python"
    interpreter.write_text('#!/bin/sh\necho "$PYDANTIC_DISABLE_PLUGINS"\n')
    interpreter.chmod(0o755)
    wrapper = str(ROOT / "penstock" / "runtime" / "exec-wrapper")
    done = subprocess.run([wrapper, str(interpreter)], capture_output=True, text=True, check=True)
    assert done.stdout == "__all__\n"


def test_an_environment_for_several_requests_at_a_time_is_refused() -> None:
    variables = {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "AWS_LAMBDA_MAX_CONCURRENCY": "4"}
    with pytest.raises(ConfigurationError, match="one request at a time"):
        main(["penstock.runtime", HANDLER], variables)
