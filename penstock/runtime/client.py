"""The one seam to awslambdaric: its client, with response streaming. It ships no types, so `Any` ends here.

Written against awslambdaric 4.2.2: `bootstrap.handle_event_request` passes what the handler returned through
`marshaller.marshal_response`, where an exception still fails the invocation, to `post_invocation_result`.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import Any

from awslambdaric.lambda_runtime_client import LambdaRuntimeClient
from awslambdaric.lambda_runtime_exception import FaultException
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

from penstock.runtime.breakage import MESSAGE, breakage_of
from penstock.runtime.post import StreamPost
from penstock.runtime.relaying import Opened, opened, relay
from penstock.runtime.streaming import CONTENT_TYPE, StreamedResponse, streamed

# Kept of the function's time when a caller does not read: its chunks are closed, so that they leave a record.
LAST_WORDS_MS = 3000


class StreamingMarshaller(LambdaMarshaller):  # type: ignore[misc]  # the base is untyped
    """Opens what is to be streamed; all else as awslambdaric has it."""

    def __init__(self, *, stream_always: bool) -> None:
        super().__init__()
        self._stream_always = stream_always

    def marshal_response(self, response: Any) -> tuple[Any, str]:
        if self._stream_always and isinstance(response, Mapping) and "statusCode" in response:
            response = streamed(response)
        if not isinstance(response, StreamedResponse):
            result, content_type = super().marshal_response(response)
            return result, str(content_type)
        try:
            return opened(response), CONTENT_TYPE
        except Exception as error:
            breakage = breakage_of(error)
            raise FaultException(breakage.error_type, MESSAGE, list(breakage.frames)) from error


class StreamingRuntimeClient(LambdaRuntimeClient):  # type: ignore[misc]  # the base is untyped
    """For `bootstrap.run`. A `StreamedResponse` is streamed; any other value is a buffered answer as before.

    `stream_always`: API Gateway's integration streams, so that every answer needs the prelude. Then a proxy
    response is streamed too, and an event that is no proxy event is acknowledged without the handler: some
    report such events after streamed invocations.
    """

    def __init__(
        self,
        address: str,
        poll_in_thread: bool = False,
        *,
        stream_always: bool = False,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        super().__init__(address, poll_in_thread)
        self.marshaller = StreamingMarshaller(stream_always=stream_always)
        self._stream_always = stream_always
        self._now_ms = now_ms
        self._deadline_ms = 0

    def wait_next_invocation(self) -> Any:
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        request = super().wait_next_invocation()
        while self._stream_always and not may_be_proxy_event(request.event_body):
            super().post_invocation_result(request.invoke_id, "{}", invocation_id=request.invocation_id)
            request = super().wait_next_invocation()
        self._deadline_ms = request.deadline_time_in_ms
        return request

    def post_invocation_result(
        self,
        invoke_id: str,
        result_data: Any,
        content_type: str = "application/json",
        invocation_id: str | None = None,
    ) -> None:
        if isinstance(result_data, Opened):
            post = StreamPost(self.lambda_runtime_address, self._left_s)
            relay(result_data, post, invoke_id, invocation_id)
        else:
            super().post_invocation_result(invoke_id, result_data, content_type, invocation_id)

    def _left_s(self) -> float:
        return (self._deadline_ms - LAST_WORDS_MS - self._now_ms()) / 1000


def may_be_proxy_event(event: bytes) -> bool:
    """Whether it names an HTTP method. A glance at the bytes: the handler parses them, once."""
    return b'"httpMethod"' in event
