"""A plugin's requests by way of the egress function: what sends for `ctx.http` under `egress = "enforced"`.

The plugin's function has no route out. This transport hands each request to the plugin's own alias, and to
the plugin the same errors come back as from a connection of its own. The checks that the library makes before
stay where they are (`penstock.background.capabilities`): they put deliveries into evidence, the egress
function's are the wall.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import httpx

from penstock.egress.messages import Failure, MalformedError, decode_answer, encode_request
from penstock.egress.network import RefusedAddressError
from penstock.errors import FailureClass, FieldNotGrantedError, PluginError

Invoke = Callable[[bytes], bytes]
"""Calls the alias and gives its answer. Raises PluginError."""

_TRANSPORT: Final[dict[Failure, tuple[type[httpx.TransportError], str]]] = {
    Failure.TOO_LARGE: (httpx.ReadError, "a response was larger than it may be, or compressed"),
    Failure.TIMEOUT: (httpx.ReadTimeout, "the host has not answered in time"),
    Failure.UNREACHED: (httpx.ConnectError, "the host was not reached"),
    Failure.PROTOCOL: (httpx.RemoteProtocolError, "the host did not answer as HTTP"),
    Failure.MALFORMED: (httpx.LocalProtocolError, "the request is none that may be sent"),
}


class AliasTransport(httpx.BaseTransport):
    """Sends by an alias of the egress function."""

    def __init__(self, invoke: Invoke) -> None:
        self._invoke = invoke

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        try:
            answer = decode_answer(self._invoke(encode_request(request)))
        except PluginError as error:
            raise _of_invocation(error, request) from error
        except MalformedError as error:
            problem = f"the egress function answered with {error} wrong"
            raise httpx.RemoteProtocolError(problem, request=request) from error
        if isinstance(answer, Failure):
            raise _of_host(answer, request)
        status, headers, body = answer
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), request=request)


def _of_invocation(error: PluginError, request: httpx.Request) -> Exception:
    """A role that may not invoke, or what the far side is too large for, stays what it is."""
    if error.failure in {FailureClass.DENIED, FailureClass.CONTRACT}:
        return error
    if error.failure is FailureClass.TIMEOUT:
        return httpx.ReadTimeout("the egress function has not answered in time", request=request)
    return httpx.ConnectError("the egress function was not reached, or failed", request=request)


def _of_host(failure: Failure, request: httpx.Request) -> Exception:
    if failure is Failure.NOT_GRANTED:
        return FieldNotGrantedError("hosts")
    if failure is Failure.NOT_PUBLIC:
        return RefusedAddressError(request.url.host)
    kind, said = _TRANSPORT[failure]
    return kind(said, request=request)
