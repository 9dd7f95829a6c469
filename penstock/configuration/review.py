"""The least-privilege review: seven questions, answered from manifest and grant alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from penstock.configuration.coverage import content_of, surfaces_in
from penstock.configuration.model import Grant, MomentGrant, PluginStanza
from penstock.configuration.placing import derived_on_error, scope_of, stream_way
from penstock.gates.placement import OnError, Style, derived_style, is_content_read
from penstock.gates.scope import Scope
from penstock.sdk import fields
from penstock.sdk.fields import AFTER, LATER, Moment
from penstock.sdk.manifest import Manifest, MomentRequest, hosts_by_key
from penstock.sdk.steps import Step, Steps

_STEERING = ("block", "transform", "respond")


@dataclass(frozen=True, slots=True)
class Review:
    """Question → answer, in order; one line for each placement; whether the plugin can affect a response."""

    answers: tuple[tuple[str, str], ...]
    placements: tuple[str, ...]
    response_path: str


def review(manifest: Manifest, stanza: PluginStanza | None = None, steps: Steps | None = None) -> Review:
    """What `manifest` may do under `stanza`; without one, what it asks for. `steps`: of its workflow."""
    grant = stanza.grant if stanza else _everything(manifest)
    moments = [(name, given) for name in fields.MOMENTS if (given := getattr(grant, name)) is not None]
    answers = (
        ("Which moments?", ", ".join(name for name, _ in moments) or "none"),
        ("Does it block, transform or only observe?", _effects(moments) + _going_on(grant, steps)),
        ("Which fields?", _fields(moments, stanza)),
        ("Does data leave, and to where?", _exits(manifest, grant, stanza)),
        ("Which models, MCP servers, keys, teams, tenants?", _scope(stanza)),
        ("Which secrets?", _secrets(grant, stanza)),
        ("What evidence does it leave?", _evidence(manifest, moments)),
    )
    placed = [_Placed.of(manifest, stanza, name, given) for name, given in moments]
    lines = tuple(_line(each, stanza) for each in placed)
    return Review(answers, lines, _response_path(stanza, moments, placed))


_Moments = Sequence[tuple[Moment, MomentGrant]]


@dataclass(frozen=True, slots=True)
class _Placed:
    """What a placement is, as far as manifest and stanza say; `chosen`: who chose its `on_error`."""

    moment: Moment
    style: Style
    after: tuple[str, ...]
    on_error: OnError
    chosen: str
    stream: str
    """How it meets a stream, in words; empty where none passes."""

    @classmethod
    def of(
        cls, manifest: Manifest, stanza: PluginStanza | None, moment: Moment, given: MomentGrant
    ) -> _Placed:
        asked: MomentRequest = manifest.moments.get(moment) or MomentRequest()
        after = asked.after if moment != LATER else ()
        if stanza is not None and moment != LATER:
            after = tuple(dict.fromkeys((*after, *stanza.after)))
        style = derived_style(moment, frozenset(given.effects), given.reads, after)
        stream = _stream(moment, style, asked)
        if stanza is not None and stanza.on_error:
            return cls(moment, style, after, stanza.on_error, "gateway.toml", stream)
        chosen = "manifest" if asked.on_error and style == "ordered" else f"derived: it is {style}"
        return cls(moment, style, after, derived_on_error(style, asked), chosen, stream)

    @property
    def may_stop(self) -> bool:
        """Whether a failure of it stops a request that it enforces for."""
        return self.style == "ordered" and self.on_error == "block"


def _line(placed: _Placed, stanza: PluginStanza | None) -> str:
    facts: list[str] = [placed.style]
    if stanza is None:
        facts.append("order, mode, rollout and required decided where it is installed")
    else:
        required = "required" if stanza.required else "not required"
        facts += [f"order {stanza.order}", f"mode {stanza.mode}", f"rollout {stanza.rollout} %", required]
    if placed.after:
        facts.append(f"after {' and '.join(placed.after)}")
    facts.append(f"on_error {placed.on_error} ({placed.chosen})")
    return f"{placed.moment}: {', '.join([*facts, *filter(None, [placed.stream])])}"


def _stream(moment: Moment, style: Style, asked: MomentRequest) -> str:
    if moment != AFTER:
        return ""
    way = stream_way(style, moment, asked)
    if way is None:
        return "looks at a stream once it has passed"
    if way == "window":
        held_chars = max(asked.max_hold_chars or 0, asked.window_chars or 0)
        return f"keeps back {asked.window_chars} characters of a stream, at most {held_chars} of one match"
    chosen = "manifest" if asked.stream else "derived: it declares no `stream`"
    return f"holds a stream until it is whole ({chosen})"


def _everything(manifest: Manifest) -> Grant:
    """The grant that gives all that is asked for."""
    asked = {
        moment: MomentGrant(reads=request.reads, writes=request.writes, effects=request.effects)
        for moment, request in manifest.moments.items()
    }
    whole = {"hosts": manifest.hosts, "secrets": manifest.secrets}
    kept = {"storage": manifest.storage, "exports": manifest.exports, "workflow": manifest.workflow}
    return Grant.model_validate({**asked, **whole, **kept})


def _effects(moments: _Moments) -> str:
    lines = [
        f"{name}: {', '.join(given.effects) if set(given.effects) & set(_STEERING) else _watching(given)}"
        for name, given in moments
    ]
    return "\n".join(lines) or "nothing"


def _going_on(grant: Grant, steps: Steps | None) -> str:
    """What its workflow does after the request, if it may start it."""
    if not grant.workflow or steps is None:
        return ""
    named = ", ".join(f"{step.name} ({_step(step)})" for step in steps.step)
    return f"\nafterwards, for {steps.timeout_s} s at most, its workflow: {named}"


def _step(step: Step) -> str:
    if step.kind == "approval":
        within = f"config.{step.timeout_s_from} s" if step.timeout_s_from else f"{step.timeout_s} s"
        return f"a human answers within {within}, else `{step.on_timeout}`"
    return {"do": "its code", "wait": "waits", "choose": f"by {step.choose}"}[step.kind]


def _watching(given: MomentGrant) -> str:
    return f"only observes ({', '.join(given.effects)})" if given.effects else "only observes"


def _fields(moments: _Moments, stanza: PluginStanza | None) -> str:
    lines = []
    for name, given in moments:
        lines.append(f"{name} reads: {', '.join(given.reads) or 'nothing'}")
        if given.writes:
            lines.append(f"{name} writes: {', '.join(given.writes)}")
        lines += _hidden(name, given, stanza)
    return "\n".join(lines) or "none"


def _hidden(moment: Moment, given: MomentGrant, stanza: PluginStanza | None) -> list[str]:
    """What passes under a guard that it does not see, by what is done about it (docs/adr/0003)."""
    if not is_content_read(moment, given.reads) or not set(given.effects) & set(_STEERING):
        return []
    met = surfaces_in(Scope() if stanza is None else scope_of(stanza))
    names = dict.fromkeys(name for surface in met for name in content_of(surface, moment))
    unseen = [name for name in fields.FIELDS if name in names and name not in given.reads]
    policies = stanza.policies() if stanza else {}
    fallback = policies.get("default", "refuse")
    fates: dict[str, list[str]] = {}
    for kind in (*unseen, "anything that no field carries"):
        fates.setdefault(policies.get(kind, fallback), []).append(kind)
    return [f"{moment} does not see, so will {fate}: {', '.join(kinds)}" for fate, kinds in fates.items()]


def _exits(manifest: Manifest, grant: Grant, stanza: PluginStanza | None) -> str:
    exits = _hosts(manifest, grant, stanza)
    if grant.email:
        exits.append(f"e-mail from {grant.email.sender} to {', '.join(grant.email.to)}")
    elif stanza is None and manifest.email:
        exits.append("e-mail, from and to whom is decided where it is installed")
    if grant.exports:
        exits.append(f"objects below {manifest.name}/ in the deployment's exports bucket")
    sent = [
        name
        for moment in (grant.before_upstream, grant.after_upstream)
        for name in (moment.writes if moment else ())
        if ".headers." in name or name == "response.metadata"
    ]
    exits += [f"{name} (to the {'upstream' if name.startswith('request') else 'caller'})" for name in sent]
    kept = "; keeps data in its own storage" if grant.storage else ""
    return (f"yes: {', '.join(exits)}" if exits else "no") + kept


def _hosts(manifest: Manifest, grant: Grant, stanza: PluginStanza | None) -> list[str]:
    """The hosts granted, those by configuration with its key; without a stanza, what would be asked for."""
    if stanza is None:
        return [*grant.hosts, *(f"where config.{key} leads" for key in manifest.hosts_from)]
    derived = hosts_by_key(manifest, stanza.config)
    keys = {host: f"{host} (config.{key})" for key, hosts in derived.items() for host in hosts}
    return [host if host in manifest.hosts else keys.get(host, host) for host in grant.hosts]


def _scope(stanza: PluginStanza | None) -> str:
    if stanza is None:
        return "decided where it is installed"
    only = [f"{name}: {', '.join(patterns)}" for name, patterns in stanza.scope.table().items()]
    left_out = [
        "except " + " and ".join(f"{name}: {', '.join(patterns)}" for name, patterns in table.table().items())
        for table in stanza.scope.exceptions
    ]
    return "\n".join([*(only or ["all traffic"]), *left_out])


def _secrets(grant: Grant, stanza: PluginStanza | None) -> str:
    places = stanza.secrets if stanza else {}
    return (
        ", ".join(f"{name} ({places[name]})" if name in places else name for name in grant.secrets) or "none"
    )


def _evidence(manifest: Manifest, moments: _Moments) -> str:
    effects = {effect for _, given in moments for effect in given.effects}
    lines = ["one record for each run: action, fields seen and changed (as digests), time"]
    if "block" in effects:
        lines.append(f"reasons: {', '.join(manifest.reasons) or 'none'}")
    if "record" in effects:
        lines += _records(manifest)
    if "emit" in effects:
        lines.append("each delivery: host and status")
    if any("request.tags" in given.writes for _, given in moments):
        lines.append(f"tags: {', '.join(manifest.tags) or 'none'}")
    return "\n".join(lines)


def _records(manifest: Manifest) -> Iterator[str]:
    for name, spec in manifest.records.items():
        if spec.unit:
            bounds = f"{spec.unit}, {_number(spec.minimum)} to {_number(spec.maximum)}"
        else:
            bounds = ", ".join(spec.values) or f"one of what config.{spec.values_from} names"
        yield f"{name}: {bounds}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _response_path(stanza: PluginStanza | None, moments: _Moments, placed: Sequence[_Placed]) -> str:
    inline = [(name, given) for name, given in moments if name != LATER]
    if stanza is not None and stanza.wait and stanza.on_error != "allow" and stanza.mode == "enforce":
        return "It CAN affect the response path: no answer leaves that it has not taken the evidence of."
    steering = sorted({effect for _, given in inline for effect in given.effects if effect in _STEERING})
    if not inline and stanza is not None and stanza.wait:
        return "It CANNOT change or stop a response; the caller waits for it, within its deadline."
    if not inline:
        return "It CANNOT affect the response path: it runs after the response."
    enforces = stanza is None or stanza.mode == "enforce"
    stops = any(each.may_stop for each in placed)
    if not steering and stops and enforces:
        return "It CANNOT change a response, but its failure may stop a request."
    if not steering:
        return "It CANNOT change or stop a response; it runs in its time, within its deadline."
    may = ", ".join(steering)
    if stanza is not None and not enforces:
        return f"It does not affect the response path in mode {stanza.mode}; enforced, it may {may}."
    failing = ", and its failure may stop a request" if stops else "; its failure stops no request"
    return f"It CAN affect the response path: it may {may}{failing}."
