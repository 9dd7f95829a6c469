"""Runs one plugin in its own function while a caller waits: the gateway's call in, its answer out.

It runs as it would in the gateway's process, by the same host, under the same timers and checks. What the
gateway does not mean is not run: another plugin, another digest, other terms, a moment not placed here.
No word of a request is logged; a failure leaves as its class.

A caller waits for a cold start: what only capabilities need is in reach.py, and not imported here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import DeployedPlugin, Snapshot
from penstock.errors import FailureClass
from penstock.gates.deadline import Deadlines
from penstock.gates.host import Capable, InProcessHost
from penstock.gates.hosted_answer import encode_answer, encode_refusal
from penstock.gates.hosted_call import Call, decode_call
from penstock.gates.placement import Placement
from penstock.sdk.fields import Moment
from penstock.sdk.loading import LoadedPlugin, load_plugin

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


class InlineHost:
    """One environment's plugin. It is loaded once; what cannot be loaded fails every call as `import`."""

    def __init__(
        self,
        plugin: InlinePlugin,
        deadlines: Deadlines,
        reach: Callable[[Placement, Call], Capable] | None = None,
    ) -> None:
        """`reach` makes what one run may reach outside; None where nothing may."""
        self._plugin = plugin
        self._reach = reach
        self._call: Call | None = None
        capable = self._capable if reach is not None else None
        self._host = InProcessHost(self._load(), deadlines, capable=capable)

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
        self._call = call
        answer = self._host.call(placement, call.projection, call.request_id, seconds)
        if answer.failure is not None:
            names = {"plugin": placement.plugin, "request_id": call.request_id, "moment": placement.moment}
            log.warning("the plugin failed; the evidence of the request says how", extra=names)
        return encode_answer(placement, call.request_id, answer)

    def _capable(self, placement: Placement) -> Capable:
        """What the run at hand may reach: an environment has one at a time."""
        if self._reach is None or self._call is None:
            raise RuntimeError("there is no run at hand")
        return self._reach(placement, self._call)

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


def inline_plugin(snapshot: Snapshot, settings: Settings, name: str) -> InlinePlugin | None:
    """The plugin `name`; None when the gateway does not call it. Nothing of it is imported yet."""
    placements = {p.moment: p for p in snapshot.inline("function") if p.plugin == name}
    if not placements:
        return None
    deployed = snapshot.plugins[name]
    return InlinePlugin(
        placements=placements,
        terms={moment: snapshot.terms(placement) for moment, placement in placements.items()},
        load=loader(deployed, settings),
        hosts=frozenset(deployed.hosts),
        secrets=deployed.secrets,
    )


def loader(deployed: DeployedPlugin, settings: Settings) -> Callable[[], LoadedPlugin]:
    """What imports the plugin, and only the files that were reviewed."""
    return lambda: load_plugin(
        settings.plugin_folder(deployed.folder),
        dict(deployed.config),
        digest=deployed.digest,
        packages_digest=deployed.packages_digest,
        any_packages=settings.local,
    )
