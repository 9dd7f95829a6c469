"""The child that is AWS: moto's server, which saves its state when its parent ends, however that happens.

moto 5.2 can only record requests and replay them, which makes new ids and new times. Its backends pickle well
but for locks, so one file holds them. A file of another version of moto or Python is set aside unread.

Step Functions runs workflows, by moto's own interpreter of their definitions. It invokes functions of this
very server, as in AWS those of its account: the server hands these calls on to who has the functions.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import os
import pickle
import platform
import re
import sys
import threading
import time
from _thread import LockType, RLock
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

import moto
from moto import backends
from moto.backends import get_backend
from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import BaseWSGIServer, make_server

from penstock.dev.processes import announce_port, wait_for_parent_to_end

SERVICES: tuple[Literal["dynamodb", "s3", "secretsmanager", "sqs"], ...] = (
    "dynamodb",
    "s3",
    "secretsmanager",
    "sqs",
)
INVOCATION: Final = re.compile(r"/2015-03-31/functions/[^/]+/invocations")
# Of one connection, and not of what is answered (RFC 9110, section 7.6.1).
BETWEEN: Final = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})
StartResponse = Callable[[str, list[tuple[str, str]]], Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]
# What wrote a file: moto's own classes are its format.
FORMAT = ("penstock.state/1", moto.__version__, platform.python_version())


class _Pickler(pickle.Pickler):
    """A lock is pickled as a new one: nobody holds any when the server has ended."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, LockType):
            return threading.Lock, ()
        if isinstance(value, RLock):
            return threading.RLock, ()
        return NotImplemented


def dump_state() -> bytes:
    """All backends of `SERVICES`, account by account and region by region."""
    state = {
        service: {account: dict(regions) for account, regions in get_backend(service).items()}
        for service in SERVICES
    }
    return _pickled((FORMAT, _pickled(state)))


def _pickled(state: object) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(state)
    return buffer.getvalue()


def load_state(content: bytes) -> bool:
    """Put the backends back; `False` if another version wrote them."""
    written_by, state = pickle.loads(content)  # noqa: S301 - our own file, in a folder of the user's, mode 0600
    if written_by != FORMAT:
        return False
    for service, accounts in pickle.loads(state).items():  # noqa: S301 - same
        for account, regions in accounts.items():
            get_backend(service)[account].update(regions)
    _index_buckets()
    return True


def _index_buckets() -> None:
    """S3 knows apart from its backends who owns which name: else a bucket could be made over a kept one."""
    for account, partitions in s3_backends.items():
        for backend in partitions.values():
            for name, bucket in backend.buckets.items():
                s3_backends.bucket_accounts[name] = (bucket.partition, account)


def restore(path: Path) -> None:
    """Load the file if there is one; one that cannot be used is renamed, and the log says so."""
    if not path.exists():
        return
    try:
        usable = load_state(path.read_bytes())
    except Exception as error:  # noqa: BLE001 - unpickling can raise anything, and none of it may stop the start
        sys.stderr.write(f"{path} cannot be read: {type(error).__name__}\n")
        usable = False
    if not usable:
        aside = path.with_suffix(".unusable")
        path.replace(aside)
        sys.stderr.write(
            f"AWS starts empty: the state of another version, or a damaged one, is now {aside}\n"
        )


def save(path: Path) -> None:
    """Replace the file whole: a crash leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with open(new, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(dump_state())
    new.replace(path)


def read_modules_once() -> None:
    """Else moto reads their names from its folder for each request, which takes it a millisecond."""
    names = tuple(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: names


class LambdaElsewhere:
    """Hands invocations on to `url`, and all else to `inner`."""

    def __init__(self, inner: Application, url: str) -> None:
        self._inner = inner
        self._host = url.removeprefix("http://")

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        if not INVOCATION.fullmatch(environ["PATH_INFO"]):
            return self._inner(environ, start)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        connection = http.client.HTTPConnection(self._host)
        try:
            connection.request("POST", quote(environ["PATH_INFO"]), body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in BETWEEN]
        start(f"{answer.status} {answer.reason}", kept)
        return [content]


@contextlib.contextmanager
def serving(lambda_url: str | None = None) -> Iterator[BaseWSGIServer]:
    application: Application = DomainDispatcherApplication(create_backend_app)
    if lambda_url is not None:
        application = LambdaElsewhere(application, lambda_url)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_QuietHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _QuietHandler(MotoRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive
    disable_nagle_algorithm = True

    def log_request(self, *_: Any) -> None:
        """Nothing: one line per request would bury what matters."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", type=Path)
    parser.add_argument("--lambda-url")
    given = parser.parse_args(arguments)
    state: Path | None = given.state
    if state:
        restore(state)
    read_modules_once()
    default_user_config["stepfunctions"]["execute_state_machine"] = True
    with serving(given.lambda_url) as server:
        os.environ["MOTO_PORT"] = str(server.server_port)  # where its own Step Functions looks for AWS
        announce_port(server.server_port)
        wait_for_parent_to_end()
    time.sleep(0.05)  # a request that had arrived may still be at work on the backends
    if state:
        save(state)
    os._exit(0)  # connection threads wait for requests that will not come


if __name__ == "__main__":
    main()
