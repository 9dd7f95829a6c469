"""AWS with its IAM: a proxy before moto that lets pass what the templates' policies allow, and nothing else.

Who asks is told by the access key of the role that was assumed; what is asked by `asking`; whether it may, by
the evaluator (`policies`) over the whole account (`account`). All that was asked is kept.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from penstock.dev.http_server import Connection, Server
from tests.aws.account import Account
from tests.aws.asking import Call, UnknownCallError, asked, bucket_and_key, listing
from tests.aws.policies import Request
from tests.aws.under_keys import asked_of_keys

LARGEST_BYTES = 16 * 1024 * 1024
OF_THE_CONNECTION = ("connection", "content-length", "expect", "keep-alive", "transfer-encoding")


# Another conditional write is under way, says S3; or a write is done and its answer is lost.
Fault = Literal["conflict", "answer lost"]


@dataclass(frozen=True, slots=True)
class Asked:
    """`function`: whose role asked; "" when the access key is nobody's."""

    function: str
    request: Request
    allowed: bool


class Gatekeeper:
    """`who`: access key → function, looked up for each call. `invoke_url`: where functions are invoked."""

    def __init__(self, account: Account, who: Callable[[], Mapping[str, str]]) -> None:
        self.account = account
        self.asked: list[Asked] = []
        self.sent: list[str] = []
        """Bodies of the messages that were sent, in their order."""
        self.invoke_url = ""
        self.faults: dict[str, Fault] = {}
        """By function: what becomes of the next object that it stores."""
        self._who = who
        self._aws_url = ""
        self._local = threading.local()
        self._server = Server(self._answer)

    def before(self, aws_url: str) -> str:
        """The address of what stands before AWS at `aws_url`."""
        self._aws_url = aws_url
        self._server.start()
        return f"http://{self._server.address}"

    def stop(self) -> None:
        self._server.stop()

    def denied(self) -> list[Asked]:
        return [asked for asked in self.asked if not asked.allowed]

    @contextmanager
    def holding(self, account: Account) -> Iterator[None]:
        """Hold everybody to the policies of another account for a while."""
        before, self.account = self.account, account
        try:
            yield
        finally:
            self.account = before

    def _answer(self, connection: Connection) -> None:
        headers = {name.lower(): value for name, value in connection.headers.items()}
        call = Call(connection.command, connection.path, headers, connection.body.read(LARGEST_BYTES))
        try:
            allowed = False not in [self._may(call, request) for request in asked(call)]
        except (UnknownCallError, KeyError, ValueError) as error:
            self.asked.append(Asked(self._name(call), Request(f"unknown: {error}", call.target), False))
            allowed = False
        if not allowed:
            _deny(connection, call.service)
            return
        fault = self.faults.pop(self._name(call), None) if is_storing(call) else None
        if fault == "conflict":
            _say(connection, 409, "ConditionalRequestConflict")
            return
        status, answered, body = self._forwarded(call)
        if fault == "answer lost":
            _say(connection, 500, "InternalError")
            return
        # Who may not list a bucket is told that an object that is not there is forbidden.
        missing = status == 404 and call.service == "s3"
        if missing and not self._may(call, listing(bucket_and_key(call)[0])):
            _deny(connection, call.service)
            return
        if call.operation == "SendMessage":
            self.sent.append(call.parameters["MessageBody"])
        connection.send(status, answered, body)

    def _may(self, call: Call, request: Request) -> bool:
        name = self._name(call)
        # What the service would ask of a key in the caller's name: moto asks no key.
        every = (request, *asked_of_keys(self.account, request))
        found = [Asked(name, each, self.account.may(name, each)) for each in every]
        self.asked += found
        return all(each.allowed for each in found)

    def _name(self, call: Call) -> str:
        return self._who().get(call.access_key_id, "")

    def _forwarded(self, call: Call) -> tuple[int, list[tuple[str, str]], bytes]:
        url = self.invoke_url if call.service == "lambda" else self._aws_url
        client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        kept = {name: value for name, value in call.headers.items() if name not in OF_THE_CONNECTION}
        client.request(call.method, call.target, call.body, kept)
        response = client.getresponse()
        body = response.read()
        client.close()
        named = [(n, v) for n, v in response.getheaders() if n.lower() not in OF_THE_CONNECTION]
        return response.status, named, body


def is_storing(call: Call) -> bool:
    return call.service == "s3" and call.method == "PUT"


def _say(connection: Connection, status: int, code: str) -> None:
    """An error as S3 writes it."""
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
    connection.send(status, [("Content-Type", "application/xml")], body)


def _deny(connection: Connection, service: str) -> None:
    """As each protocol says it."""
    if service == "s3":
        _say(connection, 403, "AccessDenied")
        return
    error = {"__type": "AccessDeniedException", "message": "not authorized to perform this"}
    status = 403 if service == "lambda" else 400
    headers = [("Content-Type", "application/x-amz-json-1.0"), ("x-amzn-errortype", "AccessDeniedException")]
    connection.send(status, headers, json.dumps(error).encode())
