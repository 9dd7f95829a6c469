"""Stops what holds a credential, on its way to the model and back, or only counts it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from penstock.sdk import (
    Allow,
    Block,
    Context,
    Decision,
    Members,
    Plugin,
    PluginConfig,
    Request,
    Response,
    Span,
    Texts,
)

from .detector import Detector, Find, apart, open_token
from .rules import RULES

Action = Literal["block", "record", "off"]
BLOCK: Final = "block"
OFF: Final = "off"
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$")]

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
RESPONSE_FIELDS: Mapping[str, Callable[[Response], Texts]] = MappingProxyType(
    {
        "response.text": lambda response: response.text,
        "response.reasoning": lambda response: response.reasoning,
        "response.tool_calls": lambda response: response.tool_calls,
        "response.mcp.result": lambda response: response.mcp.result,
    }
)


class RuleActions(PluginConfig):
    """What to do with each rule's finds: stop the request, only count them, or not look. See rules.py."""

    aws_access_key_id: Action = BLOCK
    aws_secret_access_key: Action = BLOCK
    aws_bedrock_key: Action = BLOCK
    google_api_key: Action = BLOCK
    google_oauth: Action = BLOCK
    google_service_account: Action = BLOCK
    azure_storage: Action = BLOCK
    github: Action = BLOCK
    gitlab: Action = BLOCK
    npm: Action = BLOCK
    pypi: Action = BLOCK
    docker_hub: Action = BLOCK
    slack: Action = BLOCK
    slack_webhook: Action = BLOCK
    stripe: Action = BLOCK
    anthropic: Action = BLOCK
    openai: Action = BLOCK
    huggingface: Action = BLOCK
    penstock: Action = BLOCK
    twilio: Action = BLOCK
    sendgrid: Action = BLOCK
    private_key: Action = BLOCK
    jwt: Action = BLOCK
    url_password: Action = BLOCK
    authorization_header: Action = BLOCK
    assigned_secret: Action = OFF


class ScannerConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    rules: RuleActions = RuleActions()
    allowed_sha256: Annotated[tuple[Sha256, ...], Field(max_length=1000)] = ()
    """SHA-256 of values that are no secrets, such as examples: README.md says what a value is."""


class SecretScanner(Plugin):
    """See README.md."""

    config_model = ScannerConfig

    def prepare(self, config: ScannerConfig) -> None:
        actions = config.rules.model_dump()
        self._blocking = frozenset(rule for rule, action in actions.items() if action == BLOCK)
        wanted = [rule for rule, action in actions.items() if action != OFF]
        self._detector = Detector(wanted, config.allowed_sha256)

    def before_upstream(self, request: Request, ctx: Context[ScannerConfig]) -> Decision:
        return self._decided(
            (view(request) for name, view in REQUEST_FIELDS.items() if request.grants(name)), ctx
        )

    def after_upstream(self, response: Response, ctx: Context[ScannerConfig]) -> Decision:
        return self._decided(
            (view(response) for name, view in RESPONSE_FIELDS.items() if response.grants(name)), ctx
        )

    def _decided(self, views: Iterable[Texts | Members], ctx: Context[ScannerConfig]) -> Decision:
        counts: Counter[str] = Counter()
        first: Find | None = None
        for view in views:
            is_open = isinstance(view, Texts) and view.is_open
            for text in _strings(view):
                found = self._detector.find(text)
                counts.update(RULES[find.rule].family.record for find in apart(found))
                first = first or self._stopping(found, text if is_open else "")
        for name, count in counts.items():
            ctx.record(name, count)
        return Block(RULES[first.rule].family.reason, at=Span(first.start, first.end)) if first else Allow()

    def _stopping(self, found: Iterable[Find], piece: str) -> Find | None:
        """The first find that blocks; in a piece of a stream, what may still become one counts too."""
        first = next((find for find in found if find.rule in self._blocking), None)
        rest = open_token(piece) if piece and "jwt" in self._blocking else None
        return rest if rest and (first is None or rest.start < first.start) else first


def _strings(value: Any) -> Iterator[str]:
    """Every text in a field's value, however deep; of an object its names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for pair in value.items() for item in pair for text in _strings(item))
    elif isinstance(value, Texts | list | tuple):
        yield from (text for item in value for text in _strings(item))
