"""The OpenAI dialect, all its parts in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.dialects.openai import chat, errors, headers, models
from penstock.errors import PenstockError
from penstock.streams import AnswerStream, Guard

if TYPE_CHECKING:
    from penstock.dialects.openai.stream_collecting import Collected


class OpenAI:
    """Implements `penstock.dialects.dialect.Dialect`."""

    name = "openai"
    id_headers = ("x-request-id",)

    def decode_request(self, body: bytes) -> chat.ChatRequest:
        return chat.ChatRequest.decode(body)

    def decode_response(self, body: bytes) -> chat.ChatResponse:
        return chat.ChatResponse.decode(body)

    def streaming(self, guard: Guard | None = None, *, hide_usage: bool = False) -> AnswerStream:
        from penstock.dialects.openai.stream_guarded import GuardedStream
        from penstock.dialects.openai.stream_passing import PassingStream

        if guard is None:
            return PassingStream(hide_usage=hide_usage)
        return GuardedStream(guard, hide_usage=hide_usage)

    def collecting(self, *, hide_usage: bool = False) -> Collected:
        from penstock.dialects.openai.stream_collecting import Collected

        return Collected(hide_usage=hide_usage)

    def as_stream(self, response: Content, request: Content) -> bytes:
        from penstock.dialects.openai.stream_assembly import Template
        from penstock.dialects.openai.stream_writer import as_stream

        if not (isinstance(response, chat.ChatResponse) and isinstance(request, chat.ChatRequest)):
            raise TypeError("a chat completion answers a chat request")
        return b"".join(as_stream(response, Template("apart" if request.streams_usage else "none")))

    def answer(self, text: str, request: Content, request_id: str, created: int) -> chat.ChatResponse:
        return chat.answer(text, request, request_id, created)

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        return headers.forwarded_headers(sent)

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return models.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return models.show_model(model)
