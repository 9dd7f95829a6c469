"""`POST /v1/messages/count_tokens`: a request that carries the same content, and an answer of one number.

A dialect of its own to the gateway, so that the same machinery serves it: the request passes the gates like
any other, and the answer has no text that a gate could look at. Counting costs nothing (API reference).
"""

from __future__ import annotations

from typing_extensions import override

from penstock.content import Content
from penstock.dialects import rawjson
from penstock.dialects.anthropic.dialect import Anthropic
from penstock.dialects.anthropic.messages import MessagesRequest, MessagesResponse


class CountRequest(MessagesRequest):
    """A request for a count. It streams nothing, whatever it says."""

    __slots__ = ()

    @property
    @override
    def streams(self) -> bool:
        return False


class CountResponse(MessagesResponse):
    """A count, or an upstream's refusal."""

    __slots__ = ()

    @override
    def replaced(self, text: str) -> CountResponse:
        """The count itself: there is no text that another could stand for."""
        return self


class AnthropicCount(Anthropic):
    """The Anthropic dialect where it counts."""

    @override
    def decode_request(self, body: bytes) -> CountRequest:
        return CountRequest.decode(body)

    @override
    def decode_response(self, body: bytes) -> CountResponse:
        return CountResponse.decode(body)

    @override
    def answer(self, text: str, request: Content, request_id: str, created: int) -> CountResponse:
        """What a plugin answers instead costs no tokens, so there are none to count."""
        none = {"input_tokens": 0}
        return CountResponse(rawjson.dumps(none), none)
