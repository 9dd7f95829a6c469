"""Connections of plugins' clients: a name is resolved once, judged, and connected to as it was judged.

Who resolves, looks, and lets a client resolve again has looked at another answer. So this stands below TLS,
where the socket is made: the certificate is still checked for the name, `Host` still says it. One address
that is not public refuses a name with all of them: it is resolved by someone who sends requests inside.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

import httpcore
import httpx

from penstock.egress.addresses import Address, is_public
from penstock.egress.deadline import Deadline, DeadlineNetwork
from penstock.errors import FailureClass, PluginError

Resolve = Callable[[str, int], Sequence[str]]
"""A name's addresses for a port, the preferred first. Raises OSError when it has none."""

# A receiver's many addresses: two that do not answer are tried past, and time is left for the third.
MOST_TRIED: Final = 3


class RefusedAddressError(PluginError):
    """A granted host's name leads to an address that is not public."""

    def __init__(self, host: str) -> None:
        """`host` is a granted one, so it is no content."""
        super().__init__(
            FailureClass.DENIED,
            f"{host} leads to an address that is not public, which no plugin may reach; put what is inside "
            "of a network behind a public name",
        )


class PublicTransport(httpx.HTTPTransport):
    """httpx's own transport to public addresses only. `loopback`: names that may be this machine's."""

    def __init__(
        self,
        loopback: frozenset[str] = frozenset(),
        resolve: Resolve | None = None,
        verify: ssl.SSLContext | bool = True,
        *,
        keeps: bool = True,
        deadline: Deadline | None = None,
    ) -> None:
        """`keeps`: connections serve further requests; not where these are of several plugins.

        `deadline`: of all that this one does, its resolving too.
        """
        limits = httpx.Limits() if keeps else httpx.Limits(max_keepalive_connections=0)
        super().__init__(verify=verify, trust_env=False, retries=0, limits=limits)
        # httpx has no parameter for what httpcore calls `network_backend`.
        below, resolve = self._pool._network_backend, resolve or resolved
        if deadline is not None:
            below, resolve = DeadlineNetwork(below, deadline), partial(deadline.resolved, resolve)
        self._pool._network_backend = PublicNetwork(below, resolve, loopback)


class PublicNetwork(httpcore.NetworkBackend):
    """Makes connections to public addresses."""

    def __init__(
        self, inner: httpcore.NetworkBackend, resolve: Resolve, loopback: frozenset[str] = frozenset()
    ) -> None:
        self._inner = inner
        self._resolve = resolve
        self._loopback = loopback

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Raises RefusedAddressError; httpcore's errors when nobody answers."""
        options = None if socket_options is None else list(socket_options)
        addresses = self._admitted(host, port)[:MOST_TRIED]
        share = None if timeout is None else timeout / len(addresses)
        for number, address in enumerate(addresses, 1):
            try:
                return self._inner.connect_tcp(address, port, share, local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise httpcore.ConnectError("the name has no address")

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)

    def _admitted(self, host: str, port: int) -> list[str]:
        try:
            found = list(dict.fromkeys(self._resolve(host, port)))
        except (OSError, UnicodeError) as error:  # a label that is too long is no text to the resolver
            raise httpcore.ConnectError("the name cannot be resolved") from error
        if not found:
            raise httpcore.ConnectError("the name has no address")
        if not all(self._admits(host, ipaddress.ip_address(address)) for address in found):
            raise RefusedAddressError(host)
        return found

    def _admits(self, host: str, address: Address) -> bool:
        return is_public(address) or (host in self._loopback and address.is_loopback)


def resolved(host: str, port: int) -> list[str]:
    """The system's answer, as `Resolve`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
