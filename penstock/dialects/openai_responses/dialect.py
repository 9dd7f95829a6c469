"""The OpenAI dialect where it speaks of responses, all its parts in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.dialects.openai import errors, headers, models
from penstock.dialects.openai_responses import responses
from penstock.dialects.openai_responses.echo import Echo
from penstock.errors import PenstockError
from penstock.streams import AnswerStream, Guard

if TYPE_CHECKING:
    from penstock.dialects.openai_responses.stream_collecting import Collected


class OpenAIResponses:
    """Implements `penstock.dialects.dialect.Dialect`.

    `echo`: what the one request said whose answer it reads; without it all that an answer repeats of a
    request counts as the answer's own.
    """

    name = "openai"
    id_headers = ("x-request-id",)

    def __init__(self, echo: Echo | None = None) -> None:
        self._echo = echo

    def answering(self, request: Content) -> OpenAIResponses:
        """The dialect for the answer to `request`, as it goes to the upstream."""
        return OpenAIResponses(
            Echo(request.tree) if isinstance(request, responses.ResponsesRequest) else None
        )

    def decode_request(self, body: bytes) -> responses.ResponsesRequest:
        return responses.ResponsesRequest.decode(body)

    def decode_response(self, body: bytes) -> responses.ResponsesResponse:
        return responses.ResponsesResponse.decode(body, self._echo)

    def streaming(self, guard: Guard | None = None, *, hide_usage: bool = False) -> AnswerStream:
        from penstock.dialects.openai_responses.stream_guarded import GuardedStream
        from penstock.dialects.openai_responses.stream_passing import PassingStream

        del hide_usage  # every streamed response says its usage, asked or not
        return PassingStream() if guard is None else GuardedStream(guard, self._echo)

    def collecting(self, *, hide_usage: bool = False) -> Collected:
        from penstock.dialects.openai_responses.stream_collecting import Collected

        del hide_usage  # as above
        return Collected(self._echo)

    def as_stream(self, response: Content, request: Content) -> bytes:
        from penstock.dialects.openai_responses.stream_assembly import as_stream

        if not (
            isinstance(response, responses.ResponsesResponse)
            and isinstance(request, responses.ResponsesRequest)
        ):
            raise TypeError("a response answers a request for one")
        return b"".join(as_stream(response))

    def answer(
        self, text: str, request: Content, request_id: str, created: int
    ) -> responses.ResponsesResponse:
        return responses.answer(text, request, request_id, created)

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        return headers.forwarded_headers(sent)

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return models.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return models.show_model(model)
