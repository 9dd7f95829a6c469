"""The dialect of an opened path: errors in the words of the one that its clients speak, bodies as bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from penstock.denial import Denial
from penstock.dialects.dialect import Dialect, ListedModel, Rendered
from penstock.dialects.opened.content import OpenedAnswer, OpenedRequest
from penstock.errors import PenstockError, UpstreamError
from penstock.streams import AnswerStream, Guard

# A media type with its parameters (RFC 9110, section 8.3.1). A boundary has at most 70 characters (RFC 2046,
# section 5.1.1). Guards see no headers, so nothing that could be a sentence passes in one.
_WORD: Final = r"[A-Za-z0-9!#$&^_.+-]{1,64}"
_BARE: Final = r"[A-Za-z0-9'()+_,./:=?-]{1,70}"
_QUOTED: Final = r'"[A-Za-z0-9\'()+_,./:=? -]{1,70}"'
_PARAMETER: Final = rf"[ \t]*;[ \t]*{_WORD}=(?:{_BARE}|{_QUOTED})"
_MEDIA_TYPE: Final = re.compile(rf"{_WORD}/{_WORD}(?:{_PARAMETER}){{0,3}}")
_ACCEPTED: Final = re.compile(r"(?:\*/\*|[a-z0-9.+-]{1,64}/(?:\*|[a-z0-9.+-]{1,64}))")
UNSAID: Final = "application/octet-stream"  # what a body without a type may be taken for (RFC 9110, 8.3)


class OpenedDialect:
    """Implements `penstock.dialects.dialect.Dialect` over `spoken`, as far as bytes can."""

    def __init__(self, spoken: Dialect) -> None:
        self._spoken = spoken
        self.name = spoken.name
        self.id_headers = spoken.id_headers

    def decode_request(self, body: bytes) -> OpenedRequest:
        return OpenedRequest(body)

    def decode_response(self, body: bytes) -> OpenedAnswer:
        return OpenedAnswer(body)

    def streaming(self, guard: Guard | None = None, *, hide_usage: bool = False) -> AnswerStream:
        """For an error's event only: what passes is read by nobody, so that no guard can be over it."""
        del guard, hide_usage
        return self._spoken.streaming(None)

    def collecting(self, *_: object, **__: object) -> NoReturn:
        raise _unread()

    def as_stream(self, *_: object, **__: object) -> NoReturn:
        raise _unread()

    def answer(self, *_: object, **__: object) -> NoReturn:
        """Raises UpstreamError: a plugin cannot answer in the upstream's place."""
        raise UpstreamError(
            "A plugin answered with a text, where nobody knows what an answer looks like.", outcome="no_text"
        )

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return self._spoken.render(refusal, request_id)

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        """The dialect's own, what the body is, and what the caller would have. Raises nothing."""
        forwarded = self._spoken.forwarded_headers(sent)
        if (kind := media_type(sent)) is not None:
            forwarded["content-type"] = kind
        if _ACCEPTED.fullmatch(accepted := sent.get("accept", "").strip().lower()):
            forwarded["accept"] = accepted
        return forwarded

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return self._spoken.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return self._spoken.show_model(model)


def media_type(headers: Mapping[str, str]) -> str | None:
    """What a body says it is; None when it says nothing, or what looks like no media type."""
    said = headers.get("content-type", "").strip()
    return said if _MEDIA_TYPE.fullmatch(said) else None


def _unread() -> TypeError:
    return TypeError("nobody reads what passes on an opened path")
