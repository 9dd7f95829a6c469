"""Has an external DLP judge what goes to a model and what comes back. What it did not see, stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Members,
    Plugin,
    Replace,
    Request,
    Response,
    Texts,
    Transform,
)

from .asking import asked
from .segments import TooMuchError, batches, edits, texts_of
from .service import Direction, encoded
from .settings import SEGMENT_BYTES, DlpConfig

REQUEST_FIELDS: Final[Mapping[str, Callable[[Request], Texts | Members]]] = MappingProxyType(
    {
        "request.messages.system": lambda request: request.messages.system,
        "request.messages.user": lambda request: request.messages.user,
        "request.messages.assistant": lambda request: request.messages.assistant,
        "request.messages.tool": lambda request: request.messages.tool,
        "request.tools": lambda request: request.tools,
        "request.tool_calls": lambda request: request.tool_calls,
        "request.mcp.arguments": lambda request: request.mcp.arguments,
        "request.metadata": lambda request: request.metadata,
        "request.parameters": lambda request: request.parameters,
    }
)
RESPONSE_FIELDS: Final[Mapping[str, Callable[[Response], Texts | Members]]] = MappingProxyType(
    {
        "response.text": lambda response: response.text,
        "response.reasoning": lambda response: response.reasoning,
        "response.tool_calls": lambda response: response.tool_calls,
        "response.mcp.result": lambda response: response.mcp.result,
    }
)


class DlpHttp(Plugin):
    """See README.md. Whatever goes wrong on the way raises: `on_error` stops the request."""

    config_model = DlpConfig
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def prepare(self, config: DlpConfig) -> None:
        self._service = config.service

    def before_upstream(self, request: Request, ctx: Context[DlpConfig]) -> Decision:
        views = [view(request) for name, view in REQUEST_FIELDS.items() if request.grants(name)]
        return self._decided(views, "request", ctx)

    def after_upstream(self, response: Response, ctx: Context[DlpConfig]) -> Decision:
        views = [view(response) for name, view in RESPONSE_FIELDS.items() if response.grants(name)]
        return self._decided(views, "response", ctx)

    def _decided(
        self, views: Sequence[Texts | Members], direction: Direction, ctx: Context[DlpConfig]
    ) -> Decision:
        texts = texts_of(views)
        ctx.record("segments", len(texts))
        sizes_bytes = [len(encoded(text)) + SEGMENT_BYTES for text in texts]
        try:
            planned = batches(texts, sizes_bytes, ctx.config.limits)
        except TooMuchError:
            return Block("too_much_text")
        found: dict[str, tuple[Replace, ...]] = {}
        for batch in planned:
            masked = self._masked(batch, direction, ctx)
            if masked is None:
                return Block("sensitive_data")
            found |= masked
        ctx.record("masked", sum(map(len, found.values())))
        if found and ctx.config.on_mask == "block":
            return Block("sensitive_data")
        made = tuple(edits(views, found)) if found else ()
        return Transform(*made) if made else Allow()

    def _masked(
        self, texts: Sequence[str], direction: Direction, ctx: Context[DlpConfig]
    ) -> dict[str, tuple[Replace, ...]] | None:
        """What is to be replaced in each text where anything is; None when one of them must not pass."""
        body = self._service.body(texts, direction)
        answer, requests = asked(ctx, ctx.config.url, ctx.config.header, body, self.sleep)
        ctx.record("requests", requests)
        verdicts = self._service.verdicts(answer, texts)
        if any(verdict.block for verdict in verdicts):
            return None
        return {text: verdict.spans for text, verdict in zip(texts, verdicts, strict=True) if verdict.spans}
