"""Runs one plugin in its own function while a caller waits: the gateway's call in, its answer out.

It runs as it would in the gateway's process, by the same host, under the same timers and checks. What the
gateway does not mean is not run: another plugin, another digest, other terms, a moment not placed here.
No word of a request is logged; a failure leaves as its class.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from penstock.adapters.secrets import Secrets
from penstock.background.capabilities import GrantedCapabilities, GrantedTransport
from penstock.errors import FailureClass
from penstock.gates.deadline import Deadlines
from penstock.gates.host import InProcessHost, Sent
from penstock.gates.hosted_answer import MAX_RECEIPT_CHARS, encode_answer, encode_refusal
from penstock.gates.hosted_call import Call, decode_call
from penstock.gates.placement import Placement
from penstock.sdk.context import Capabilities
from penstock.sdk.fields import Moment
from penstock.sdk.loading import LoadedPlugin

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InlinePlugin:
    """A plugin as it was deployed before and after the upstream. `terms`: by moment, `Snapshot.terms`."""

    placements: Mapping[Moment, Placement]
    terms: Mapping[Moment, str]
    load: Callable[[], LoadedPlugin]
    hosts: frozenset[str] = frozenset()
    """`host:port` that it may call where it may `emit`."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Logical name → name or ARN in Secrets Manager."""


class Undigested:
    """Leaves receivers' ids as they are, but short: the key that digests them is the gateway's alone."""

    def text(self, _field: str, value: str) -> str:
        return value[:MAX_RECEIPT_CHARS]


class Reach:
    """What one run may reach, and what came of it."""

    def __init__(self, transport: GrantedTransport, granted: Capabilities) -> None:
        self._transport = transport
        self.granted = granted

    def sent(self) -> tuple[Sent, ...]:
        return tuple(Sent(each.host, each.status, each.delivery_id) for each in self._transport.deliveries)

    def refused(self) -> tuple[str, ...]:
        return ("hosts",) if self._transport.refused else ()


class InlineHost:
    """One environment's plugin. It is loaded once; what cannot be loaded fails every call as `import`."""

    def __init__(
        self,
        plugin: InlinePlugin,
        deadlines: Deadlines,
        secrets: Secrets,
        transport: httpx.BaseTransport,
        *,
        local: bool = False,
    ) -> None:
        """`transport` really sends; `local` admits plain http to this machine."""
        self._plugin = plugin
        self._secrets = secrets
        self._transport = transport
        self._local = local
        self._host = InProcessHost(self._load(), deadlines, capable=self._reach)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to one call, for Lambda to write as JSON. Raises ValueError for what is no call."""
        call = decode_call(event)
        placement = self._plugin.placements.get(call.moment)
        if placement is None or not self._is_meant(call, placement):
            log.error("a call of the gateway was for another deployment of this plugin")
            return encode_refusal(call, FailureClass.IMPORT)
        seconds = min(call.remaining_ms, placement.timeout_ms) / 1000
        if seconds <= 0:
            return encode_refusal(call, FailureClass.TIMEOUT)
        answer = self._host.call(placement, call.projection, call.request_id, seconds)
        if answer.failure is not None:
            names = {"plugin": placement.plugin, "request_id": call.request_id, "moment": placement.moment}
            log.warning("the plugin failed; the evidence of the request says how", extra=names)
        return encode_answer(placement, call.request_id, answer)

    def _is_meant(self, call: Call, placement: Placement) -> bool:
        named = (call.plugin, call.digest, call.terms)
        return named == (placement.plugin, placement.digest, self._plugin.terms[call.moment])

    def _load(self) -> dict[str, LoadedPlugin]:
        (name, *_) = {placement.plugin for placement in self._plugin.placements.values()}
        try:
            return {name: self._plugin.load()}
        except (Exception, SystemExit):
            log.exception("the plugin cannot be loaded", extra={"plugin": name})
            return {}

    def _reach(self, placement: Placement) -> Reach:
        hosts = self._plugin.hosts if "emit" in placement.terms.effects else frozenset[str]()
        transport = GrantedTransport(self._transport, hosts, Undigested(), local=self._local)
        return Reach(transport, GrantedCapabilities(transport, self._plugin.secrets, self._secrets))
