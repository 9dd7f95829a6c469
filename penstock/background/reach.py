"""What a plugin that the gateway calls may reach from its function, run by run."""

from __future__ import annotations

from collections.abc import Mapping

from penstock.adapters.secrets import Secrets
from penstock.background.capabilities import GrantedCapabilities, GrantedTransport, Ways
from penstock.background.inline import InlinePlugin
from penstock.background.starting import GrantedWorkflow, Origin
from penstock.gates.host import Sent
from penstock.gates.hosted_answer import MAX_RECEIPT_CHARS
from penstock.gates.hosted_call import Call
from penstock.gates.placement import Placement
from penstock.sdk.context import Capabilities


class Undigested:
    """Leaves receivers' ids as they are, but short: the key that digests them is the gateway's alone."""

    def text(self, _field: str, value: str) -> str:
        return value[:MAX_RECEIPT_CHARS]


class Reach:
    """One run's, and what came of it."""

    def __init__(self, transport: GrantedTransport, capabilities: GrantedCapabilities) -> None:
        self._transport = transport
        self._capabilities = capabilities

    @property
    def granted(self) -> Capabilities:
        return self._capabilities

    def sent(self) -> tuple[Sent, ...]:
        self._transport.end()
        return tuple(Sent(each.host, each.status, each.delivery_id) for each in self._transport.deliveries)

    def refused(self) -> tuple[str, ...]:
        return self._capabilities.refused


class Reaches:
    """Makes it for each run. `local` admits plain http to this machine."""

    def __init__(self, plugin: InlinePlugin, secrets: Secrets, ways: Ways, *, local: bool = False) -> None:
        self._plugin = plugin
        self._secrets = secrets
        self._ways = ways
        self._local = local

    def __call__(self, placement: Placement, call: Call | None = None) -> Reach:
        emits = "emit" in placement.terms.effects
        hosts = self._plugin.hosts if emits else frozenset[str]()
        transport = GrantedTransport(self._ways.transport, hosts, Undigested(), local=self._local)
        granted = GrantedCapabilities(
            transport,
            self._plugin.secrets,
            self._secrets,
            storage=self._ways.storage,
            mailer=self._ways.mailer if emits else None,
            workflow=self._workflow(call),
            exports=self._ways.exports if emits else None,
        )
        return Reach(transport, granted)

    def _workflow(self, call: Call | None) -> GrantedWorkflow | None:
        """For the call's request; whose it is, only the field `identity` says here."""
        if self._ways.workflows is None or call is None:
            return None
        identity = call.projection.values.get("identity")
        if not isinstance(identity, Mapping):
            return GrantedWorkflow(self._ways.workflows, None)
        return GrantedWorkflow(self._ways.workflows, Origin(call.request_id, identity.get("organisation")))
