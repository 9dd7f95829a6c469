"""The Anthropic dialect, all its parts in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.anthropic import errors, headers, messages, models
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.errors import PenstockError
from penstock.streams import AnswerStream, Guard

if TYPE_CHECKING:
    from penstock.dialects.anthropic.stream_collecting import Collected


class Anthropic:
    """Implements `penstock.dialects.dialect.Dialect`."""

    name = "anthropic"
    id_headers = ("x-request-id", "request-id")

    def decode_request(self, body: bytes) -> messages.MessagesRequest:
        return messages.MessagesRequest.decode(body)

    def decode_response(self, body: bytes) -> messages.MessagesResponse:
        return messages.MessagesResponse.decode(body)

    def streaming(self, guard: Guard | None = None, *, hide_usage: bool = False) -> AnswerStream:
        from penstock.dialects.anthropic.stream_guarded import GuardedStream
        from penstock.dialects.anthropic.stream_passing import PassingStream

        del hide_usage  # every streamed message says its usage, asked or not
        return PassingStream() if guard is None else GuardedStream(guard)

    def collecting(self, *, hide_usage: bool = False) -> Collected:
        from penstock.dialects.anthropic.stream_collecting import Collected

        del hide_usage  # as above
        return Collected()

    def as_stream(self, response: Content, request: Content) -> bytes:
        from penstock.dialects.anthropic.stream_assembly import as_stream

        if not (
            isinstance(response, messages.MessagesResponse) and isinstance(request, messages.MessagesRequest)
        ):
            raise TypeError("a message answers a request for one")
        return b"".join(as_stream(response))

    def answer(
        self,
        text: str,
        request: Content,
        request_id: str,
        created: int,  # noqa: ARG002 - a message has no time
    ) -> messages.MessagesResponse:
        return messages.answer(text, request, request_id)

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return models.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return models.show_model(model)

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        """The caller's headers that go on to the upstream."""
        return headers.forwarded_headers(sent)
