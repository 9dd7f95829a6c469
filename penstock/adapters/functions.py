"""Lambda: plugins' functions, invoked synchronously, and what a call that brought nothing failed of.

A thread waits for each call: the caller waits for as long as its deadline lets it, and no longer, whatever
the network does; and calls that do not depend on each other go side by side. Each plugin has threads of its
own: one that never answers, or has many calls that were given up, takes none from a guard beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from typing import TYPE_CHECKING, Any, Final

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code
from penstock.errors import FailureClass, PluginError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError
    from mypy_boto3_lambda import LambdaClient

PLUGIN: Final = "{plugin}"
# Lambda's quota for a response, 6 MB, is counted as 6,291,556 bytes; one more shows that there was more.
MOST_BYTES: Final = 6_291_557
ERROR_BYTES: Final = 65_536
# Of one plugin: what was given up may still hold a thread until its socket's timeout.
THREADS_EACH: Final = 4

# By the codes of Invoke (Lambda API reference) and of requests that are not authorised ("Common errors").
# What one caller's input can cause is `contract`; what is not here is `unavailable`.
_OF_SERVICE: Final[Mapping[str, FailureClass]] = {
    "AccessDeniedException": FailureClass.DENIED,
    "ExpiredTokenException": FailureClass.DENIED,
    "IncompleteSignature": FailureClass.DENIED,
    "InvalidSignatureException": FailureClass.DENIED,
    "KMSAccessDeniedException": FailureClass.DENIED,
    "MissingAuthenticationTokenException": FailureClass.DENIED,
    "UnrecognizedClientException": FailureClass.DENIED,
    "EC2ThrottledException": FailureClass.THROTTLED,
    "RequestLimitExceeded": FailureClass.THROTTLED,
    "Throttling": FailureClass.THROTTLED,
    "ThrottlingException": FailureClass.THROTTLED,
    "TooManyRequestsException": FailureClass.THROTTLED,
    "InvalidRequestContentException": FailureClass.CONTRACT,
    "RequestTooLargeException": FailureClass.CONTRACT,
}
# By the `errorType` of what Lambda or its runtime says of a function that has not answered; else `exception`.
_OF_FUNCTION: Final[Mapping[str, FailureClass]] = {
    "Function.ResponseSizeTooLarge": FailureClass.CONTRACT,
    "Runtime.HandlerNotFound": FailureClass.IMPORT,
    "Runtime.ImportModuleError": FailureClass.IMPORT,
    "Runtime.InvalidEntrypoint": FailureClass.IMPORT,
    "Runtime.UserCodeSyntaxError": FailureClass.IMPORT,
    "Sandbox.Timedout": FailureClass.TIMEOUT,
}


class LambdaFunctions:
    """Functions in Lambda. `pattern`: their names, with `{plugin}` where the plugin's goes."""

    def __init__(
        self,
        clients: Clients,
        pattern: str,
        plugins: int,
        longest_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`plugins`: how many there are to call; `longest_s`: what any of them may take."""
        at_once = max(1, plugins) * THREADS_EACH
        self._client: LambdaClient = clients.functions(longest_s, at_once)
        self._pattern = pattern
        self._clock = clock
        self._threads: dict[str, ThreadPoolExecutor] = {}

    def invoke(self, plugin: str, payload: bytes) -> Flight:
        name = self._pattern.replace(PLUGIN, plugin)
        return Flight(self._threads_of(plugin).submit(self._invoke, name, payload), self._clock)

    def close(self) -> None:
        """Wait for what is under way, and end the threads."""
        for threads in self._threads.values():
            threads.shutdown(cancel_futures=True)

    def _threads_of(self, plugin: str) -> ThreadPoolExecutor:
        if plugin not in self._threads:
            self._threads[plugin] = ThreadPoolExecutor(THREADS_EACH, thread_name_prefix=f"function-{plugin}")
        return self._threads[plugin]

    def _invoke(self, name: str, payload: bytes) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._client.invoke(FunctionName=name, Payload=payload)
            failed = "FunctionError" in answer
            body = answer["Payload"].read(ERROR_BYTES if failed else MOST_BYTES)
        except ClientError as error:
            raise _refused(error) from error
        except BotoCoreError as error:
            raise _unreached(error) from error
        if failed:
            raise _died(body)
        return body


class Flight:
    """An invocation under way. `clock` in seconds, monotonic."""

    def __init__(self, future: Future[bytes], clock: Callable[[], float]) -> None:
        self._future = future
        self._clock = clock
        self.ended: float | None = None
        future.add_done_callback(self._end)

    def result(self, seconds: float) -> bytes:
        try:
            return self._future.result(seconds)
        except NotYetError:
            self._future.cancel()  # one that no thread has taken up yet shall not be made late
            raise PluginError(FailureClass.TIMEOUT, "the function has not answered in time") from None

    def _end(self, _: Future[bytes]) -> None:
        self.ended = self._clock()


class MemoryFunctions:
    """The same in memory, for tests: each function is called when it is invoked."""

    def __init__(self, functions: Mapping[str, Callable[[bytes], bytes]]) -> None:
        self._functions = functions

    def invoke(self, plugin: str, payload: bytes) -> Flight:
        future: Future[bytes] = Future()
        flight = Flight(future, time.monotonic)
        try:
            future.set_result(self._functions.get(plugin, _missing)(payload))
        except PluginError as error:
            future.set_exception(error)
        return flight


def _missing(_: bytes) -> bytes:
    raise PluginError(FailureClass.UNAVAILABLE, "there is no such function")


def _refused(error: ClientError) -> PluginError:
    """What Lambda itself said, by its code alone: the message is not ours to pass on."""
    failure = _OF_SERVICE.get(error_code(error))
    if failure is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        by_status = {401: FailureClass.DENIED, 403: FailureClass.DENIED, 429: FailureClass.THROTTLED}
        failure = by_status.get(status, FailureClass.UNAVAILABLE)
    return PluginError(failure, "Lambda did not take the call")


def _unreached(error: BotoCoreError) -> PluginError:
    from botocore.exceptions import NoCredentialsError, ReadTimeoutError

    if isinstance(error, ReadTimeoutError):
        return PluginError(FailureClass.TIMEOUT, "the function has not answered in time")
    if isinstance(error, NoCredentialsError):
        return PluginError(FailureClass.DENIED, "there are no credentials to call with")
    return PluginError(FailureClass.UNAVAILABLE, "Lambda was not reached")


def _died(body: bytes) -> PluginError:
    """Of the error that Lambda gives, only its type is looked at: text and stack may hold content."""
    try:
        told: Any = json.loads(body)
        kind = told.get("errorType")
    except (ValueError, AttributeError, RecursionError):
        kind = None
    failure = _OF_FUNCTION.get(kind) if isinstance(kind, str) else None
    if failure is None and b"Task timed out after" in body and kind is None:
        failure = FailureClass.TIMEOUT  # before `Sandbox.Timedout`, it was said in words only
    return PluginError(failure or FailureClass.EXCEPTION, "the function failed")
