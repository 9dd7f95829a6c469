"""The OpenAI dialect, all its parts in one object."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.dialects.openai import chat, errors, models
from penstock.errors import PenstockError


class OpenAI:
    """Implements `penstock.dialects.dialect.Dialect`."""

    name = "openai"

    def decode_request(self, body: bytes) -> chat.ChatRequest:
        return chat.ChatRequest.decode(body)

    def decode_response(self, body: bytes) -> chat.ChatResponse:
        return chat.ChatResponse.decode(body)

    def answer(self, text: str, request: Content, request_id: str, created: int) -> chat.ChatResponse:
        return chat.answer(text, request, request_id, created)

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return models.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return models.show_model(model)
