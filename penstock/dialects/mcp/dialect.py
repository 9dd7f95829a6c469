"""The MCP dialect, as far as it is like the others: its name and its errors.

No model is asked and no list of models shown: what a message says is in `content`, and the gateway's way for
it is `penstock.gateway.mcp_passage`.
"""

from __future__ import annotations

from typing import NoReturn

from penstock.denial import Denial
from penstock.dialects.dialect import Rendered
from penstock.dialects.mcp import errors
from penstock.errors import PenstockError, RequestError


class Mcp:
    """Implements `penstock.dialects.dialect.Dialect`; what is about models raises RequestError."""

    name = "mcp"
    id_headers = ("x-request-id",)

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def decode_request(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def decode_response(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def streaming(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def collecting(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def as_stream(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def answer(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def forwarded_headers(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def list_models(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()

    def show_model(self, *_: object, **__: object) -> NoReturn:
        raise _no_models()


def _no_models() -> RequestError:
    return RequestError("MCP has no models.", code="unknown_route", status=404)
