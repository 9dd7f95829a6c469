"""The Anthropic dialect, all its parts in one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from penstock.content import Content
from penstock.denial import Denial
from penstock.dialects.anthropic import errors, headers, messages, models
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.errors import PenstockError


class Anthropic:
    """Implements `penstock.dialects.dialect.Dialect`."""

    name = "anthropic"

    def decode_request(self, body: bytes) -> messages.MessagesRequest:
        return messages.MessagesRequest.decode(body)

    def decode_response(self, body: bytes) -> messages.MessagesResponse:
        return messages.MessagesResponse.decode(body)

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
