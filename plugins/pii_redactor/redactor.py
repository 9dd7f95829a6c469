"""Masks personal data and secrets in what goes to the model and in what comes back, or stops them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Edit,
    Members,
    Plugin,
    PluginConfig,
    Request,
    Response,
    Texts,
    Transform,
)

from .detector import Detector, Kind, detector_of
from .sweep import Action, Sweep

REQUEST_FIELDS: Mapping[str, Callable[[Request], Texts | Members]] = MappingProxyType(
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
RESPONSE_FIELDS: Mapping[str, Callable[[Response], Texts | Members]] = MappingProxyType(
    {
        "response.text": lambda response: response.text,
        "response.reasoning": lambda response: response.reasoning,
        "response.tool_calls": lambda response: response.tool_calls,
        "response.mcp.result": lambda response: response.mcp.result,
    }
)
BLOCKS: Mapping[Kind, Block] = MappingProxyType(
    {
        "email": Block("email_address"),
        "phone": Block("phone_number"),
        "card": Block("card_number"),
        "iban": Block("iban"),
        "key": Block("secret_key"),
        "jwt": Block("access_token"),
    }
)


class KindActions(PluginConfig):
    """What to do with each kind: mask it, stop the request, or do not look for it."""

    email: Action = "mask"
    phone: Action = "mask"
    card: Action = "mask"
    iban: Action = "mask"
    key: Action = "mask"
    jwt: Action = "mask"


class RedactorConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    kinds: KindActions = KindActions()
    mask: Literal["kind", "numbered"] = "kind"
    """`<email>`, or `<email_1>`: the same value has the same number throughout one request."""
    allowed_email_domains: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """Addresses at exactly these domains stay as they are; a subdomain is another domain."""
    default_region: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""
    """Whose national phone numbers to look for (ISO 3166-1, as in `DE`); empty: only international ones."""


class PiiRedactor(Plugin):
    """See README.md."""

    config_model = RedactorConfig

    def prepare(self, config: RedactorConfig) -> None:
        self._actions: dict[Kind, Action] = config.kinds.model_dump()  # type: ignore[assignment]  # its fields are the kinds
        wanted = [kind for kind, action in self._actions.items() if action != "off"]
        self._detector: Detector = detector_of(wanted, config.default_region, config.allowed_email_domains)

    def before_upstream(self, request: Request, ctx: Context[RedactorConfig]) -> Decision:
        sweep = Sweep(self._detector, self._actions, numbered=ctx.config.mask == "numbered")
        views = [view(request) for name, view in REQUEST_FIELDS.items() if request.grants(name)]
        edits = [edit for view in views for edit in _edits(sweep, view)]
        _record(sweep.counts, ctx)
        if sweep.blocked:
            return BLOCKS[sweep.blocked[0]]
        return Transform(*edits) if edits else Allow()

    def after_upstream(self, response: Response, ctx: Context[RedactorConfig]) -> Decision:
        # Never numbered: a stream is seen piece by piece, and what comes out must not depend on the cuts.
        sweep = Sweep(self._detector, self._actions, numbered=False)
        views = [view(response) for name, view in RESPONSE_FIELDS.items() if response.grants(name)]
        edits = [edit for view in views for edit in _edits(sweep, view)]
        _record(sweep.counts, ctx)
        if sweep.blocked:
            kind, span = sweep.blocked
            return Block(BLOCKS[kind].reason, at=span)
        return Transform(*edits) if edits else Allow()


def _edits(sweep: Sweep, view: Texts | Members) -> Iterator[Edit]:
    if isinstance(view, Members):
        yield from sweep.members(view)
    elif view and (edit := sweep.texts(view)):
        yield edit


def _record(counts: Counter[Kind], ctx: Context[RedactorConfig]) -> None:
    """Leave how many of each kind there were; a kind of which there was none leaves nothing."""
    if counts["email"]:
        ctx.record("emails", counts["email"])
    if counts["phone"]:
        ctx.record("phones", counts["phone"])
    if counts["card"]:
        ctx.record("cards", counts["card"])
    if counts["iban"]:
        ctx.record("ibans", counts["iban"])
    if counts["key"]:
        ctx.record("keys", counts["key"])
    if counts["jwt"]:
        ctx.record("tokens", counts["jwt"])
