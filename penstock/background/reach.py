"""What a plugin that the gateway calls may reach from its function: granted hosts and secrets, run by run."""

from __future__ import annotations

import httpx

from penstock.adapters.secrets import Secrets
from penstock.background.capabilities import GrantedCapabilities, GrantedTransport
from penstock.background.inline import InlinePlugin
from penstock.gates.host import Sent
from penstock.gates.hosted_answer import MAX_RECEIPT_CHARS
from penstock.gates.placement import Placement
from penstock.sdk.context import Capabilities


class Undigested:
    """Leaves receivers' ids as they are, but short: the key that digests them is the gateway's alone."""

    def text(self, _field: str, value: str) -> str:
        return value[:MAX_RECEIPT_CHARS]


class Reach:
    """One run's, and what came of it."""

    def __init__(self, transport: GrantedTransport, granted: Capabilities) -> None:
        self._transport = transport
        self.granted = granted

    def sent(self) -> tuple[Sent, ...]:
        return tuple(Sent(each.host, each.status, each.delivery_id) for each in self._transport.deliveries)

    def refused(self) -> tuple[str, ...]:
        return ("hosts",) if self._transport.refused else ()


class Reaches:
    """Makes it for each run. `transport` really sends; `local` admits plain http to this machine."""

    def __init__(
        self, plugin: InlinePlugin, secrets: Secrets, transport: httpx.BaseTransport, *, local: bool = False
    ) -> None:
        self._plugin = plugin
        self._secrets = secrets
        self._transport = transport
        self._local = local

    def __call__(self, placement: Placement) -> Reach:
        hosts = self._plugin.hosts if "emit" in placement.terms.effects else frozenset[str]()
        transport = GrantedTransport(self._transport, hosts, Undigested(), local=self._local)
        return Reach(transport, GrantedCapabilities(transport, self._plugin.secrets, self._secrets))
