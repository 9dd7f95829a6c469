"""The HTTP front, as API Gateway is in AWS: callers on one side, events for the function on the other."""

from __future__ import annotations

import contextlib
import errno
import json
import time
from collections.abc import Callable

from penstock.dev.gateway_responses import code_for, reason_for, render
from penstock.dev.http_server import BodyError, BodyTooLargeError, Connection, Server
from penstock.dev.invocation import Outcome, Refused, Relay, Returned, Streamed
from penstock.dev.proxy_events import MalformedResponseError, Received, event_for, response_from
from penstock.dev.runtime_api import PAYLOAD_LIMIT_BYTES
from penstock.dev.streamed_answer import StreamedAnswer
from penstock.errors import ConfigurationError
from penstock.front import APPROVALS
from penstock.ids import uuid7

# API Gateway's quota for a payload, which cannot be raised.
BODY_LIMIT_BYTES = 10 * 1024 * 1024
# Read of a body that is too large, so that its sender comes to read the answer; a longer one sees a reset.
DRAIN_LIMIT_BYTES = 64 * 1024 * 1024


class Front:
    """Listens on 127.0.0.1 as soon as it is made. `approve` is invoked where approvers answer.

    Raises:
        ConfigurationError: the port is taken.
    """

    def __init__(
        self,
        invoke: Callable[[bytes, Relay], Outcome],
        port: int,
        *,
        approve: Callable[[bytes, Relay], Outcome] | None = None,
        tell: Callable[[str], None],
        new_id: Callable[[], str] = uuid7,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._invoke = invoke
        self._approve = approve or invoke
        self._tell = tell
        self._new_id = new_id
        self._now_ms = now_ms
        self._server = _listening(self._answer, self._refuse, port)

    @property
    def port(self) -> int:
        return self._server.server_port

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def _answer(self, connection: Connection) -> None:
        request_id = self._new_id()
        body = connection.body
        try:
            content = body.read(BODY_LIMIT_BYTES)
        except BodyError:
            self._respond(connection, "bad_request", request_id, last=True)
            return
        except BodyTooLargeError:
            self._respond(connection, "payload_too_large", request_id, last=True)
            with contextlib.suppress(BodyError, BodyTooLargeError):
                body.read(DRAIN_LIMIT_BYTES)
            return
        event = event_for(self._received(connection, content, request_id))
        payload = json.dumps(event, ensure_ascii=False).encode()
        if len(payload) > PAYLOAD_LIMIT_BYTES:
            self._respond(connection, "payload_too_large", request_id)
        else:
            answer = StreamedAnswer(connection, request_id)
            invoke = self._approve if _is_approvers(event["path"]) else self._invoke
            self._deliver(connection, invoke(payload, answer), answer, request_id)

    def _received(self, connection: Connection, body: bytes, request_id: str) -> Received:
        return Received(
            method=connection.command,
            target=connection.path,
            protocol=connection.request_version,
            headers=tuple(connection.headers.items()),
            body=body,
            source_ip=str(connection.client_address[0]),
            port=self.port,
            request_id=request_id,
            received_at_ms=self._now_ms(),
        )

    def _deliver(
        self, connection: Connection, outcome: Outcome, answer: StreamedAnswer, request_id: str
    ) -> None:
        match outcome:
            case Streamed() if answer.begun:
                answer.finish()
            case Refused() if not answer.malformed:
                connection.close_connection = True
            case _ if answer.begun:
                # All that a caller can be told now: the body ends before its last chunk.
                connection.close_connection = True
                self._tell(reason_for(outcome))
            case Returned() | Streamed() | Refused():
                self._return(connection, outcome, request_id)
            case failure:
                self._tell(reason_for(failure))
                self._respond(connection, code_for(failure), request_id)

    def _return(
        self, connection: Connection, outcome: Returned | Streamed | Refused, request_id: str
    ) -> None:
        with contextlib.suppress(MalformedResponseError):
            response = response_from(outcome.body if isinstance(outcome, Returned) else b"")
            headers = [*response.headers, ("x-amzn-RequestId", request_id)]
            connection.send(response.status, headers, response.body)
            return
        self._tell(reason_for(outcome))
        self._respond(connection, "function_failed", request_id)

    def _refuse(self, connection: Connection, _status: int) -> None:
        self._respond(connection, "bad_request", self._new_id(), last=True)

    def _respond(self, connection: Connection, code: str, request_id: str, *, last: bool = False) -> None:
        connection.close_connection = connection.close_connection or last
        status, headers, body = render(code, request_id)
        connection.send(status, headers, body)


def _is_approvers(path: str) -> bool:
    """Whether API Gateway would send it to the approvals function."""
    return path.count("/") == 3 and path.startswith(f"/{APPROVALS}/")


def _listening(
    answer: Callable[[Connection], None], refuse: Callable[[Connection, int], None], port: int
) -> Server:
    try:
        return Server(answer, refuse=refuse, port=port)
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        problem = "is taken." if error.errno == errno.EADDRINUSE else "may not be used."
        remedy = "Choose another with --port, or end what listens there."
        raise ConfigurationError(f"port {port} of 127.0.0.1", problem, remedy) from error
