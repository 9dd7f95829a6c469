"""What a plugin in its function may reach: granted hosts, secrets, storage, e-mail, exports; nothing else.

The transport checks every request that leaves the plugin's httpx client, redirects included: https, exactly a
granted `host:port`, bounded sizes. It is a library check: code in the same process could go around it, and
only `egress = "enforced"` is a wall. For secrets, storage, e-mail and exports the function's role is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import httpx

from penstock.adapters.secrets import Secrets
from penstock.background.starting import IDENTITY, GrantedWorkflow, Workflows
from penstock.egress.addresses import is_this_machine
from penstock.egress.network import RefusedAddressError
from penstock.errors import FieldNotGrantedError
from penstock.evidence.record import Delivery
from penstock.sdk.email import EMAIL, Email
from penstock.sdk.exports import EXPORTS, Exports
from penstock.sdk.storage import Storage
from penstock.sdk.workflow import Workflow

# A record has 64 KB at most, and whoever answers a delivery has little to say; far above both.
MAX_REQUEST_BYTES: Final = 1_048_576
MAX_RESPONSE_BYTES: Final = 1_048_576
# Within these a plugin's own deadline ends a call anyway.
CONNECT_TIMEOUT_S: Final = 2.0
READ_TIMEOUT_S: Final = 10.0

DEFAULT_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
TAKEN: Final = 200  # what Amazon SES answers when it has taken a message, and S3 an object
THERE: Final = 412  # what S3 answers when something is at a key already
# What is between two ends of a connection (RFC 9110, section 7.6.1), and how long a body is.
OF_CONNECTIONS: Final = frozenset(
    {"connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)
# Where receivers say under which id they took a delivery, the likeliest first.
RECEIPT_HEADERS: Final = ("x-request-id", "request-id", "x-amzn-requestid", "x-correlation-id")


Mailer = Callable[[Callable[[str], None]], Email]
"""Makes what sends e-mail; it tells its argument the id under which the service has taken a message."""


class Ways(NamedTuple):
    """What really reaches outside for one plugin, made once per environment; None where it is not granted."""

    transport: httpx.BaseTransport
    """One pool of connections for all runs."""
    storage: Storage | None = None
    mailer: Mailer | None = None
    exports: Exports | None = None
    workflows: Workflows | None = None


class Digests(Protocol):
    """Makes a receiver's own id of a delivery fit to be kept."""

    def text(self, field: str, value: str, /) -> str: ...


class TooLargeError(httpx.TransportError):
    """A request or a response is larger than a background plugin's may be."""


class GrantedTransport(httpx.BaseTransport):
    """Lets requests to granted hosts pass, and keeps what each came to as a `Delivery`."""

    def __init__(
        self,
        inner: httpx.BaseTransport,
        hosts: frozenset[str],
        digester: Digests,
        *,
        local: bool = False,
    ) -> None:
        self._inner = inner
        self.hosts = hosts
        self._digester = digester
        self._local = local
        self.deliveries: list[Delivery] = []
        self.refused = False
        self._answers: list[httpx.Response] = []
        self._ended = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.check_time()
        host = self._admitted(request)
        if len(request.read()) > MAX_REQUEST_BYTES:
            raise TooLargeError(f"a request is larger than {MAX_REQUEST_BYTES} bytes")
        delivery = Delivery(host, None)
        self.deliveries.append(delivery)
        try:
            response = self._inner.handle_request(_plain(request))
        except (
            RefusedAddressError,
            FieldNotGrantedError,
        ):  # the second is what the egress function grants less
            self.refused = True
            raise
        self._answers.append(response)
        delivery.status = response.status_code
        delivery.delivery_id = self._receipt(response)
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=BoundedStream(response),
            request=request,
        )

    def end(self) -> None:
        """The run is over: what the plugin left open is closed, and what it has kept reaches nothing more."""
        self._ended = True
        for answer in self._answers:
            answer.close()

    def check_time(self) -> None:
        """Raises FieldNotGrantedError after the run: what is sent then, no record would say."""
        if self._ended:
            raise FieldNotGrantedError("hosts")

    def digested(self, receipt: str) -> str:
        """A receiver's own id as evidence may keep it."""
        return self._digester.text("deliveries.delivery_id", receipt)

    def close(self) -> None:
        """Leave the inner transport open: its connections serve the next message."""

    def _admitted(self, request: httpx.Request) -> str:
        """The granted `host:port` that a request goes to. Raises FieldNotGrantedError."""
        url = request.url
        host = f"{url.host}:{url.port or DEFAULT_PORTS.get(url.scheme, 0)}"
        secure = url.scheme == "https" or (self._local and url.scheme == "http" and is_this_machine(url.host))
        # Another Host header would reach another site behind the same address.
        named = request.headers.get("host", "").encode() == url.netloc
        if not (secure and named and not url.userinfo and host in self.hosts):
            self.refused = True
            raise FieldNotGrantedError("hosts")
        return host

    def _receipt(self, response: httpx.Response) -> str | None:
        found = next((response.headers[name] for name in RECEIPT_HEADERS if name in response.headers), None)
        return None if found is None else self.digested(found)


class GrantedEmail:
    """One run's e-mail. Each message is kept as a `Delivery` beside those of `transport`."""

    def __init__(self, mailer: Mailer, transport: GrantedTransport) -> None:
        self._mailer = mailer
        self._transport = transport
        self.refused = False

    def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """`penstock.sdk.email.Email`. What the service did not answer may have left: it has no status."""
        self._transport.check_time()
        taken: list[str] = []
        delivery = Delivery(EMAIL, None)
        self._transport.deliveries.append(delivery)
        try:
            self._mailer(taken.append).send(to, subject, text, html)
        except (FieldNotGrantedError, ValueError) as error:
            self._transport.deliveries.remove(delivery)
            self.refused |= isinstance(error, FieldNotGrantedError)
            raise
        delivery.status = TAKEN
        delivery.delivery_id = self._transport.digested(taken[0])


class GrantedExports:
    """One run's exports. Each object is kept as a `Delivery` beside those of `transport`."""

    def __init__(self, exports: Exports, transport: GrantedTransport) -> None:
        self._exports = exports
        self._transport = transport

    def put(self, key: str, body: bytes) -> bool:
        """`penstock.sdk.exports.Exports`. What the bucket did not answer may be there: it has no status."""
        self._transport.check_time()
        delivery = Delivery(EXPORTS, None)
        self._transport.deliveries.append(delivery)
        try:
            is_new = self._exports.put(key, body)
        except ValueError:
            self._transport.deliveries.remove(delivery)
            raise
        delivery.status = TAKEN if is_new else THERE
        delivery.delivery_id = self._transport.digested(key)
        return is_new


class GrantedCapabilities:
    """One run's capabilities. `secrets`: logical name → name or ARN; what is None is not granted."""

    def __init__(
        self,
        transport: GrantedTransport,
        secrets: Mapping[str, str],
        store: Secrets,
        *,
        storage: Storage | None = None,
        mailer: Mailer | None = None,
        exports: Exports | None = None,
        workflow: GrantedWorkflow | None = None,
    ) -> None:
        self._transport = transport
        self._secrets = secrets
        self._store = store
        self._storage = storage
        self._email = GrantedEmail(mailer, transport) if mailer is not None else None
        self._exports = GrantedExports(exports, transport) if exports is not None else None
        self._workflow = workflow
        self._client: httpx.Client | None = None

    @property
    def refused(self) -> tuple[str, ...]:
        """What was tried beyond the grant with a capability that is there."""
        tried = {
            "hosts": self._transport.refused,
            EMAIL: self._email is not None and self._email.refused,
            IDENTITY: self._workflow is not None and self._workflow.refused,
        }
        return tuple(name for name, refused in tried.items() if refused)

    def http(self) -> httpx.Client:
        """The run's client: no redirects unless asked for, no proxies, no environment."""
        if not self._transport.hosts:
            raise FieldNotGrantedError("hosts")
        if self._client is None:
            self._client = httpx.Client(
                transport=self._transport,
                timeout=httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                follow_redirects=False,
                trust_env=False,
                headers={"user-agent": "penstock"},
            )
        return self._client

    def secret(self, name: str, *, fresh: bool = False) -> str:
        """The current value of a granted secret."""
        if name not in self._secrets:
            raise FieldNotGrantedError("secrets")  # without the name, which the plugin may have made up
        return self._store.get(self._secrets[name], fresh=fresh)

    def storage(self) -> Storage:
        if self._storage is None:
            raise FieldNotGrantedError("storage")
        return self._storage

    def email(self) -> Email:
        if self._email is None:
            raise FieldNotGrantedError("email")
        return self._email

    def exports(self) -> Exports:
        if self._exports is None:
            raise FieldNotGrantedError("exports")
        return self._exports

    def workflow(self) -> Workflow:
        if self._workflow is None:
            raise FieldNotGrantedError("workflow")
        return self._workflow


def _plain(request: httpx.Request) -> httpx.Request:
    """The request as it leaves: asking for no compression, with no extension but its timeouts.

    Where it ends is for httpx to say, once: two lengths are two requests to who reads the other one.
    """
    headers = request.headers.copy()
    for name in [name for name in headers if name in OF_CONNECTIONS or name.startswith("proxy-")]:
        del headers[name]
    headers["accept-encoding"] = "identity"
    extensions = {name: value for name, value in request.extensions.items() if name == "timeout"}
    return httpx.Request(
        request.method, request.url, headers=headers, content=request.content, extensions=extensions
    )


class BoundedStream(httpx.SyncByteStream):
    """The raw body, as far as it is read: who asks for the status alone waits for nothing else.

    A compressed one is refused: it was not asked for, and it can unpack to anything.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        if self._response.headers.get("content-encoding", "identity").lower() != "identity":
            raise TooLargeError("a response came compressed, which was not asked for")
        if not isinstance(self._response.stream, httpx.SyncByteStream):
            raise TypeError("the inner transport is not synchronous")
        size_bytes = 0
        for chunk in self._response.stream:
            size_bytes += len(chunk)
            if size_bytes > MAX_RESPONSE_BYTES:
                raise TooLargeError(f"a response is larger than {MAX_RESPONSE_BYTES} bytes")
            yield chunk

    def close(self) -> None:
        self._response.close()
