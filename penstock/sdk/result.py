"""What one run of a plugin came to, as its tests look at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock.errors import PluginError
from penstock.sdk.decisions import Block, Decision, Respond
from penstock.sdk.email import Message
from penstock.sdk.views import Projection, Request, Response

Action = Literal["allow", "record", "emit", "transform", "block", "fail"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one run came to. `action` is what the evidence would say; the strongest when several apply."""

    action: Action
    decision: Decision | None = None
    failure: PluginError | None = None
    error: Exception | None = None
    """What the plugin itself raised, for the author to look at; the gateway keeps its class only."""
    recorded: Mapping[str, float | str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    """What the plugin asked for without a grant, also when it swallowed the error."""
    changed: tuple[str, ...] = ()
    deliveries: tuple[tuple[str, int], ...] = ()
    """Host and status of each answer that came through `ctx.http`."""
    emails: tuple[Message, ...] = ()
    """What `ctx.email` has sent."""
    exported: tuple[str, ...] = ()
    """Keys that `ctx.exports` has put; `run.capabilities.exported.kept` has the objects."""
    values: Mapping[str, Any] = field(default_factory=dict)
    outcome: str | None = None
    """What a step of the workflow came to."""

    @property
    def reason(self) -> str | None:
        """The reason of a block."""
        return self.decision.reason if isinstance(self.decision, Block) else None

    @property
    def answer(self) -> str | None:
        """The text of a `Respond`."""
        return self.decision.content if isinstance(self.decision, Respond) else None

    @property
    def request(self) -> Request:
        """The request as the plugin left it, with every field granted."""
        return Request(Projection(self.values))

    @property
    def response(self) -> Response:
        """The response as the plugin left it, with every field granted."""
        return Response(Projection(self.values))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of the field `name` as the plugin left them."""
        return tuple(self.values[name].texts)

    def members(self, name: str) -> Mapping[str, Any]:
        """The members of the field `name` as the plugin left them."""
        return dict(self.values[name])

    def header(self, name: str) -> str | None:
        """One header by its field's name, as `request.headers.x-team`; None when it is absent."""
        value = self.values.get(name)
        return None if value is None else str(value)
