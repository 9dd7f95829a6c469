"""Metrics as CloudWatch's embedded metric format (EMF): one JSON line per request, also the searchable log.

    who         line                                dimension sets, `deployment` first in each
    gateway     one per request (`request_lines`)   {dialect, route, status_class} {provider} {…}
    recorder    some per batch (`batch_lines`)      {plugin, moment} {plugin, moment, action} {stage}
    background  one per batch (`count_lines`)       {plugin} or {…}

A line of EMF holds one value of each dimension, so plugins cannot share the request's line; the recorder
writes theirs, added up over its batch and out of the caller's time. Dimensions come from bounded sets only:
the first is the deployment's name, so that two in one account and region never add up (one value in each: no
further metric to pay for). Ids of requests, keys and organisations are members that can be searched, never
dimensions. Why by hand: `docs/adr/0002-telemetry-by-hand.md`. Source of the format: Amazon CloudWatch User
Guide, "Specification: Embedded metric format".
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TextIO

from penstock.evidence.encoding import as_json
from penstock.evidence.record import EvidenceRecord, PlacementRecord, UpstreamRecord
from penstock.output import taken

NAMESPACE = "Penstock"
DEPLOYMENT = "deployment"

Unit = Literal["Count", "Milliseconds", "None"]
Value = float | Sequence[float]


class Metric(NamedTuple):
    """One metric in a line. `value`: a number, or up to 100 of them (the format's bound)."""

    name: str
    unit: Unit
    value: Value


class Group(NamedTuple):
    """Metrics that share a dimension set. Every dimension is a member of the line."""

    dimensions: tuple[str, ...]
    metrics: Sequence[Metric]


def line(groups: Sequence[Group], members: Mapping[str, object], now_ms: int, deployment: str) -> str:
    """One line of EMF: `members` hold the groups' dimensions and whatever else shall be searchable."""
    directives = [
        {
            "Namespace": NAMESPACE,
            "Dimensions": [(DEPLOYMENT, *group.dimensions)],
            "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric in group.metrics],
        }
        for group in groups
        if group.metrics
    ]
    values = {metric.name: metric.value for group in groups for metric in group.metrics}
    body: dict[str, Any] = {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": directives}}
    return as_json({**body, DEPLOYMENT: deployment, **members, **values}).decode()


def emit(lines: Iterable[str], out: TextIO | None = None) -> None:
    """Write lines to stdout, where Lambda takes them as log events; flushed, since environments freeze."""
    stream = out or taken() or sys.stdout
    stream.write("".join(f"{text}\n" for text in lines))
    stream.flush()


def request_lines(
    record: EvidenceRecord, now_ms: int, deployment: str, trace_id: str | None = None
) -> list[str]:
    """The request's line; and one more for each further provider, when routing went to several."""
    providers = list(dict.fromkeys(attempt.provider for attempt in reversed(record.upstream)))
    groups = [
        Group(("dialect", "route", "status_class"), _request_metrics(record)),
        Group((), _gate_metrics(record.placements) + _control_metrics(record)),
    ]
    if providers:
        groups.append(Group(("provider",), _upstream_metrics(record, providers[0]) + _usage_metrics(record)))
    members = _members(record, trace_id) | ({"provider": providers[0]} if providers else {})
    further = [
        line(
            [Group(("provider",), _upstream_metrics(record, provider))],
            {"provider": provider, "request_id": record.request_id},
            now_ms,
            deployment,
        )
        for provider in providers[1:]
    ]
    return [line(groups, members, now_ms, deployment), *further]


def batch_lines(records: Iterable[EvidenceRecord], now_ms: int, deployment: str) -> list[str]:
    """What the records of one batch say about plugins and controls, added up."""
    runs: defaultdict[tuple[str, str, str], list[PlacementRecord]] = defaultdict(list)
    denials: defaultdict[str, int] = defaultdict(int)
    for record in records:
        for placement in record.placements:
            if placement.action not in _NO_RUN:
                runs[placement.plugin, placement.moment, placement.action].append(placement)
        for control in record.controls:
            if control.decision == "deny":
                denials[control.stage] += 1
    plugins = [_plugin_line(key, placements, now_ms, deployment) for key, placements in runs.items()]
    controls = [
        count_lines({"ControlDenials": n}, now_ms, deployment, stage=stage) for stage, n in denials.items()
    ]
    return plugins + [text for lines in controls for text in lines]


def count_lines(counts: Mapping[str, int], now_ms: int, deployment: str, **dimensions: str) -> list[str]:
    """One line that counts several things, such as `EvidenceStored`; none when nothing is to be counted."""
    metrics = [Metric(name, "Count", count) for name, count in counts.items() if count]
    group = Group(tuple(dimensions), metrics)
    return [line([group], dimensions, now_ms, deployment)] if metrics else []


# These say that nothing ran here: left out of the executions.
_NO_RUN = ("skipped", "dispatched")
_MAX_VALUES = 100


def _plugin_line(
    key: tuple[str, str, str], placements: Sequence[PlacementRecord], now_ms: int, deployment: str
) -> str:
    plugin, moment, action = key
    gates = _gate_metrics(placements)
    executions = [metric for metric in gates if metric.name == "PluginExecutions"]
    others = [metric for metric in gates if metric.name != "PluginExecutions"]
    return line(
        [Group(("plugin", "moment", "action"), executions), Group(("plugin", "moment"), others)],
        {"plugin": plugin, "moment": moment, "action": action},
        now_ms,
        deployment,
    )


def _gate_metrics(placements: Iterable[PlacementRecord]) -> list[Metric]:
    ran = [placement for placement in placements if placement.action not in _NO_RUN]
    if not ran:
        return []
    counts = {
        "PluginExecutions": len(ran),
        "PluginErrors": sum(placement.action == "fail" for placement in ran),
        "PluginBlocks": sum(placement.action == "block" and placement.would is None for placement in ran),
        "PluginShadowBlocks": sum(placement.would == "would_block" for placement in ran),
    }
    metrics = [Metric(name, "Count", count) for name, count in counts.items() if count]
    return [*metrics, Metric("PluginDuration", "Milliseconds", [p.ms for p in ran[:_MAX_VALUES]])]


def _control_metrics(record: EvidenceRecord) -> list[Metric]:
    denials = sum(control.decision == "deny" for control in record.controls)
    return [Metric("ControlDenials", "Count", denials)] if denials else []


def _request_metrics(record: EvidenceRecord) -> list[Metric]:
    return [
        Metric("Requests", "Count", 1),
        Metric("RequestDuration", "Milliseconds", record.timing.total_ms),
        Metric("GatewayOverhead", "Milliseconds", record.timing.overhead_ms),
    ]


def _upstream_metrics(record: EvidenceRecord, provider: str) -> list[Metric]:
    attempts = [attempt for attempt in record.upstream if attempt.provider == provider][:_MAX_VALUES]
    errors = sum(not _succeeded(attempt) for attempt in attempts)
    metrics = [
        Metric("UpstreamRequests", "Count", len(attempts)),
        Metric("UpstreamDuration", "Milliseconds", [attempt.ms for attempt in attempts]),
    ]
    return [*metrics, Metric("UpstreamErrors", "Count", errors)] if errors else metrics


def _succeeded(attempt: UpstreamRecord) -> bool:
    return attempt.status is not None and attempt.status < 400


def _usage_metrics(record: EvidenceRecord) -> list[Metric]:
    metrics = [
        Metric("TokensInput", "Count", record.usage.input_tokens),
        Metric("TokensOutput", "Count", record.usage.output_tokens),
    ]
    return (
        metrics
        if record.cost_nanousd is None
        else [*metrics, Metric("CostNanoUSD", "None", record.cost_nanousd)]
    )


def _members(record: EvidenceRecord, trace_id: str | None) -> dict[str, object]:
    """The searchable half of the request's line: dimensions, ids, and what each plugin did, as one text."""
    found = {
        "request_id": record.request_id,
        "trace_id": trace_id,
        "dialect": record.dialect,
        "route": record.route,
        "status": record.status,
        "status_class": "unknown" if record.status is None else f"{record.status // 100}xx",
        "outcome": record.outcome,
        "code": record.code,
        "organisation": record.principal.organisation,
        "team": record.principal.team,
        "api_key": record.principal.api_key,
        "model": record.resource.model,
        "plugins": " ".join(f"{p.plugin}@{p.moment}:{p.mode}:{p.action}" for p in record.placements),
        "control": next((c.code for c in record.controls if c.decision == "deny"), None),
    }
    return {name: value for name, value in found.items() if value not in (None, "")}
