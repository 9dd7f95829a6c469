"""From one `[[plugin]]` stanza and the plugin's manifest to its placements, one for each granted moment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from penstock.configuration.model import DROPPABLE, MomentGrant, PluginStanza
from penstock.evidence.record import Code, Name
from penstock.gates.placement import HostKind, Mode, OnError, Placement, Style, derived_style
from penstock.gates.placement import Policy as PlacementPolicy
from penstock.gates.scope import Scope
from penstock.sdk import fields
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.fields import AFTER, LATER, MOMENTS, REFERENCE, Moment
from penstock.sdk.manifest import (
    Manifest,
    MomentRequest,
    RecordRequest,
    StreamWay,
    hosts_by_key,
    moment_problem,
    texts_at,
)
from penstock.sdk.steps import Steps

IDENTITY = "identity"
# behaviour.md, section 3: what a call may take when nobody says.
TIMEOUT_MS: Mapping[HostKind, int] = {"in_process": 100, "function": 1500}
# What a background plugin may take: its function's timeout, a sixth of its queue's visibility.
BACKGROUND_TIMEOUT_MS = 50_000
# What it may take while a caller waits for it: for longer no stream is silent (`SILENCE_S` in streaming.py).
WAIT_TIMEOUT_MS = 10_000


class PlacingError(Exception):
    """A stanza that cannot be placed: the key in it, what is wrong, the remedy."""

    def __init__(self, key: tuple[str, ...], problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin that a stanza names: its folder, manifest, digest, and its configuration with defaults."""

    folder: Path
    manifest: Manifest
    digest: str
    config: Mapping[str, Any]
    built_in: bool
    packages_digest: str | None = None
    """Of the packages that it brings, as Lambda gets them; None when it brings none."""
    modules: Mapping[str, str] = field(default_factory=dict)
    """First name of an import → digest, of these packages."""
    steps: Steps | None = None
    """Of its workflow, with what its configuration says of them."""


def place(stanza: PluginStanza, plugin: Installed) -> list[Placement]:
    """Its placements. Raises PlacingError."""
    _check_capabilities(stanza, plugin.manifest)
    _check_hosts(stanza, plugin)
    _check_workflow(stanza, plugin)
    grants = {moment: grant for moment in MOMENTS if (grant := getattr(stanza.grant, moment)) is not None}
    if not grants:
        raise PlacingError(("grant",), "is given no moment.", "Add [plugin.grant.<moment>], or remove it.")
    placements = [_placement(stanza, plugin, moment, grant) for moment, grant in grants.items()]
    for placement in placements:
        _check_style(stanza, placement)
    _check_wait(stanza, placements)
    return placements


def _placement(stanza: PluginStanza, plugin: Installed, moment: Moment, grant: MomentGrant) -> Placement:
    manifest = plugin.manifest
    asked = _asked(manifest, moment, grant)
    effects = frozenset(grant.effects)
    after = tuple(dict.fromkeys((*asked.after, *stanza.after))) if moment != LATER else ()
    style = derived_style(moment, effects, grant.reads, after)
    host = _host(stanza, plugin, moment)
    wait = stanza.wait and moment == LATER
    return Placement(
        plugin=stanza.name,
        version=manifest.version,
        digest=plugin.digest,
        moment=moment,
        style=style,
        host=host,
        timeout_ms=stanza.timeout_ms or _timeout_ms(style, host, asked, wait=wait),
        on_error=stanza.on_error or ("block" if wait else derived_on_error(style, asked)),
        order=stanza.order,
        after=after,
        scope=scope_of(stanza),
        mode=Mode[stanza.mode.upper()],
        rollout=stanza.rollout,
        sample=stanza.sample,
        reads=grant.reads,
        terms=_terms(grant, manifest, plugin.config),
        reasons=dict(manifest.reasons) if "block" in effects else {},
        records=_records(manifest, plugin.config) if "record" in effects else {},
        uninspected=_policies(stanza),
        required=stanza.required,
        delivery=asked.delivery,
        wait=wait,
        stream=stream_way(style, moment, asked),
        window_chars=asked.window_chars if style == "ordered" else None,
        max_hold_chars=asked.max_hold_chars if style == "ordered" else None,
    )


def scope_of(stanza: PluginStanza) -> Scope:
    """Where it applies."""
    return Scope.of(stanza.scope.table(), tuple(table.table() for table in stanza.scope.exceptions))


def _asked(manifest: Manifest, moment: Moment, grant: MomentGrant) -> MomentRequest:
    """What the manifest asks for at `moment`, which the grant does not exceed."""
    asked: MomentRequest | None = getattr(manifest, moment)
    if asked is None:
        raise PlacingError(
            ("grant", moment), f"the manifest asks for nothing at {moment}.", "Remove the table."
        )
    for what in ("reads", "writes", "effects"):
        beyond = sorted(set(getattr(grant, what)) - set(getattr(asked, what)))
        if beyond:
            problem = f"{beyond[0]!r} is more than the manifest asks for."
            raise PlacingError(("grant", moment, what), problem, "A grant may only be smaller.")
    unfit = moment_problem(
        moment, MomentRequest(reads=grant.reads, writes=grant.writes, effects=grant.effects)
    )
    if unfit:
        raise PlacingError(("grant", moment), unfit)
    return asked


def _host(stanza: PluginStanza, plugin: Installed, moment: Moment) -> HostKind:
    if moment == LATER:
        return "function"
    given = stanza.grant
    capable = bool(given.hosts or given.secrets or given.storage or given.email or given.exports)
    capable = capable or given.workflow
    host = stanza.host or ("in_process" if plugin.built_in and not capable else "function")
    if capable and host == "in_process":
        granted = "hosts, secrets, storage, e-mail, exports or a workflow"
        problem = f"a plugin that is granted {granted} does not run in the gateway's process."
        raise PlacingError(("host",), problem, "Take out `host`, or the capability.")
    return host


def _check_capabilities(stanza: PluginStanza, manifest: Manifest) -> None:
    beyond = sorted(set(stanza.grant.secrets) - set(manifest.secrets))
    if beyond:
        problem = f"{beyond[0]!r} is more than the manifest asks for."
        raise PlacingError(("grant", "secrets"), problem, "A grant may only be smaller.")
    for what in ("storage", "email", "exports"):
        if getattr(stanza.grant, what) and not getattr(manifest, what):
            raise PlacingError(("grant", what), "is more than the manifest asks for.", "Take it out.")
    for what, said in (("email", "e-mail is"), ("exports", "exports are")):
        if getattr(stanza.grant, what) and not _may_emit(stanza):
            problem = f"is granted, but at no moment may it `emit`, which {said}."
            remedy = f'Grant effects = ["emit"] where it sends, or take `{what}` out.'
            raise PlacingError(("grant", what), problem, remedy)
    if set(stanza.secrets) != set(stanza.grant.secrets):
        odd = min(set(stanza.secrets) ^ set(stanza.grant.secrets))
        problem = f"{odd!r} is not both granted and given a place in Secrets Manager."
        raise PlacingError(("secrets",), problem, f'Write secrets = {{ {odd} = "its/name" }}, and grant it.')


def _check_hosts(stanza: PluginStanza, plugin: Installed) -> None:
    """The grant names what it may ask for, and where its own configuration sends it, in so many words."""
    manifest, granted = plugin.manifest, set(stanza.grant.hosts)
    derived = hosts_by_key(manifest, plugin.config)
    led_to = {host: key for key, hosts in derived.items() for host in hosts}
    beyond = sorted(granted - {*manifest.hosts, *led_to})
    if beyond:
        problem = f"{beyond[0]!r} is more than the manifest asks for."
        if manifest.hosts_from:
            keys = " or ".join(f"`config.{key}`" for key in manifest.hosts_from)
            problem = f"{beyond[0]!r} is neither in the manifest's `hosts` nor where {keys} leads."
        raise PlacingError(("grant", "hosts"), problem, _hosts_line({*manifest.hosts, *led_to}))
    missing = sorted(set(led_to) - granted)
    if missing and _may_emit(stanza):
        problem = f"`config.{led_to[missing[0]]}` leads to {missing[0]!r}, which is not granted."
        raise PlacingError(("grant",), problem, _hosts_line({*granted, *led_to}))


def _check_workflow(stanza: PluginStanza, plugin: Installed) -> None:
    """Who starts a workflow knows whose request it is: the records of its steps lie beside that one's."""
    if not stanza.grant.workflow:
        return
    if not plugin.manifest.workflow:
        raise PlacingError(("grant", "workflow"), "is more than the manifest asks for.", "Take it out.")
    gates = (stanza.grant.before_upstream, stanza.grant.after_upstream)
    if stanza.grant.after_response is None and not any(gate and IDENTITY in gate.reads for gate in gates):
        problem = "is granted, and at no moment does it know whose request it would start it for."
        remedy = f'Grant reads = ["{IDENTITY}"] where it starts it.'
        raise PlacingError(("grant", "workflow"), problem, remedy)


def _may_emit(stanza: PluginStanza) -> bool:
    moments = (getattr(stanza.grant, moment) for moment in MOMENTS)
    return any(grant and "emit" in grant.effects for grant in moments)


def _hosts_line(hosts: Iterable[str]) -> str:
    named = ", ".join(f'"{host}"' for host in sorted(hosts))
    return f"Write hosts = [{named}] into [plugin.grant]." if named else "A grant may only be smaller."


def _check_style(stanza: PluginStanza, placement: Placement) -> None:
    if placement.style == "independent" and stanza.on_error == "block":
        problem = f"at {placement.moment} it can stop nothing, so that a failure of it cannot either."
        raise PlacingError(("on_error",), problem, 'Write on_error = "allow".')
    if placement.style == "ordered" and stanza.sample != 100:
        problem = f"at {placement.moment} it can stop or change a request, so that it runs on each."
        raise PlacingError(("sample",), problem, "Use `rollout` to enforce for a part of the API keys.")


def _check_wait(stanza: PluginStanza, placements: Iterable[Placement]) -> None:
    """Waited for is a call of a function, after the response, for no longer than a caller can be kept."""
    if not stanza.wait:
        return
    waited = next((placement for placement in placements if placement.wait), None)
    if waited is None:
        raise PlacingError(("wait",), "it has no placement at after_response.", "Take `wait` out.")
    if stanza.host == "in_process":
        problem = "a plugin that is waited for after the response runs in a function of its own."
        raise PlacingError(("host",), problem, "Take out `host`, or `wait`.")
    if waited.timeout_ms > WAIT_TIMEOUT_MS:
        problem = f"{waited.timeout_ms} ms are more than a caller can be made to wait for it."
        raise PlacingError(("timeout_ms",), problem, f"Write timeout_ms = {WAIT_TIMEOUT_MS} or less.")


def _timeout_ms(style: Style, host: HostKind, asked: MomentRequest, *, wait: bool = False) -> int:
    """When the stanza is silent. A manifest says what the method takes: it knows no way to a function."""
    if style == "background" and not wait:
        return asked.timeout_ms or BACKGROUND_TIMEOUT_MS
    if host == "function":
        return max(asked.timeout_ms or 0, TIMEOUT_MS[host])
    return asked.timeout_ms or TIMEOUT_MS[host]


def derived_on_error(style: Style, asked: MomentRequest) -> OnError:
    """When the stanza is silent. The manifest's wish counts for ordered placements: no other can stop."""
    return (asked.on_error or "block") if style == "ordered" else "allow"


def stream_way(style: Style, moment: Moment, asked: MomentRequest) -> StreamWay | None:
    """How it meets a stream: who may change or stop one and says nothing needs the whole answer.

    None where no stream passes, and for who only looks, once, at what has left.
    """
    return (asked.stream or "buffer") if style == "ordered" and moment == AFTER else None


def _terms(grant: MomentGrant, manifest: Manifest, config: Mapping[str, Any]) -> Terms:
    tags = (
        {
            name: _tag_values(name, asked.values or texts_at(config, asked.values_from))
            for name, asked in manifest.tags.items()
        }
        if "request.tags" in grant.writes
        else {}
    )
    effects = frozenset(grant.effects)
    reasons = frozenset(manifest.reasons) if "block" in effects else frozenset[str]()
    return Terms(frozenset(grant.writes), effects, reasons, tags, REFERENCE in grant.reads)


def _tag_values(name: str, values: tuple[str, ...]) -> frozenset[str]:
    """The values that a tag may have: they go to evidence and metrics, so they look as names do."""
    for value in values:
        try:
            _NAME.validate_python(value)
        except ValidationError:
            problem = f"the tag {name!r} could become a value that is no name."
            raise PlacingError(("config",), problem, "Use letters, digits and . _ : @ / + - only.") from None
    return frozenset(values)


_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _records(manifest: Manifest, config: Mapping[str, Any]) -> dict[str, RecordSpec]:
    return {
        name: RecordSpec(
            asked.unit, asked.minimum, asked.maximum, asked.values or _record_values(name, asked, config)
        )
        for name, asked in manifest.records.items()
    }


def _record_values(name: str, asked: RecordRequest, config: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that a record may have by the plugin's configuration, as evidence holds them."""
    values = texts_at(config, asked.values_from)
    try:
        return tuple(map(_CODE.validate_python, values))
    except ValidationError:
        problem = f"the record {name!r} could become a value that is no code."
        remedy = "Use lower-case letters, digits and _, after a letter."
        raise PlacingError(("config",), problem, remedy) from None


_CODE: TypeAdapter[str] = TypeAdapter(Code)


def _policies(stanza: PluginStanza) -> dict[str, PlacementPolicy]:
    """One policy per kind. A `default` of `drop` is for parts, not for fields: these are refused."""
    policies = stanza.policies()
    if policies.get("default") == "drop":
        refused: dict[str, PlacementPolicy] = dict.fromkeys(
            fields.CONTENT_FIELDS - {DROPPABLE, *policies}, "refuse"
        )
        policies |= refused
    return policies
