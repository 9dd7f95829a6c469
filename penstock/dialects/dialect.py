"""What a dialect is to the gateway: bodies as contents, errors and lists in its own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol, runtime_checkable

from penstock.content import Content
from penstock.denial import Denial
from penstock.errors import PenstockError
from penstock.evidence.record import Usage
from penstock.streams import AnswerStream, CollectedStream, Guard


class Rendered(NamedTuple):
    """A response in a dialect's words. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model as a list of models shows it. `created`: seconds since the epoch."""

    name: str
    created: int
    owned_by: str


class RequestContent(Content, Protocol):
    """A request's body that asks one model for an answer."""

    @property
    def model(self) -> str:
        """The model that the caller asks for: as sent, known to nobody yet."""

    @property
    def other_models(self) -> tuple[str, ...]:
        """Models that the upstream may turn to instead, as the caller names them."""

    @property
    def provider_mcp(self) -> tuple[str, ...]:
        """MCP servers that the provider is to call itself, as the caller names them."""

    @property
    def streams(self) -> bool:
        """Whether the caller wants the answer as a stream."""

    @property
    def streams_usage(self) -> bool:
        """Whether the caller's stream is to say its usage, so that the upstream says it unasked."""

    def with_model(self, name: str, *, asks_usage: bool = False) -> bytes:
        """The bytes for an upstream that calls the model `name`.

        `asks_usage`: a stream is to say its usage, also when the caller did not ask for that.
        """


class ResponseContent(Content, Protocol):
    """An upstream's answer."""

    def usage(self) -> Usage:
        """Tokens, as the upstream counted them."""


class Dialect(Protocol):
    """One wire format. Stateless: one instance serves every request."""

    @property
    def name(self) -> str: ...

    @property
    def id_headers(self) -> tuple[str, ...]:
        """Where its clients look for the request's id."""

    def decode_request(self, body: bytes) -> RequestContent:
        """Raises RequestError (400), which says what is wrong and where, never what stands there."""

    def decode_response(self, body: bytes) -> ResponseContent:
        """Raises UpstreamError (502) when the upstream did not send such an answer."""

    def streaming(self, guard: Guard | None = None, *, hide_usage: bool = False) -> AnswerStream:
        """One streamed answer, in bytes and out; without a guard, what comes passes as it came.

        `hide_usage`: what says nothing but usage is read and not sent, since the caller did not ask for it.
        """

    def collecting(self, *, hide_usage: bool = False) -> CollectedStream:
        """One streamed answer, taken in whole. `hide_usage` as in `streaming`: of `events`."""

    def as_stream(self, response: Content, request: Content) -> bytes:
        """An answer to `request` that came whole, as a whole stream."""

    def answer(self, text: str, request: Content, request_id: str, created: int) -> ResponseContent:
        """An answer that says `text`, without an upstream. `created`: seconds since the epoch."""

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        """A denial or failure in the shape that the dialect's clients know."""

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        """The caller's headers that go on to the upstream; names in lower case. No guard sees them."""

    def list_models(self, models: Sequence[ListedModel]) -> Rendered:
        """The models that the caller may use."""

    def show_model(self, model: ListedModel) -> Rendered:
        """One of them."""


@runtime_checkable
class Answering(Protocol):
    """A dialect whose answers repeat their request, so that it must know that to read them."""

    def answering(self, request: Content) -> Dialect:
        """The dialect for the answer to `request`, as it goes to the upstream."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path. `template` names the parts that vary, as `/v1/models/{model}`."""

    dialect: Dialect
    method: str
    template: str
    operation: str
    """`generate`, `list_models`, `show_model`, `mcp` or `opened`: what the gateway does with a request."""
    surface: str | None = None
    """Which fields its bodies have (`penstock.sdk.fields`); None for a route without content."""
    upstream_path: str = ""
    """Where providers have it, below their base URL."""

    def answering(self, request: Content) -> Route:
        """The route of the answer to `request`, as it goes to the upstream."""
        if isinstance(self.dialect, Answering):
            return replace(self, dialect=self.dialect.answering(request))
        return self


class Match(NamedTuple):
    """A route and the parts of the path that its template names."""

    route: Route
    parameters: Mapping[str, str]
