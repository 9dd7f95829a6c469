"""Evidence for people to read: one line for a request in a list, tables for one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from penstock.cli.output import print_facts, print_table
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.reading import RequestEvidence
from penstock.evidence.record import Changed, Delivery, EvidenceRecord, PlacementRecord, Saw

SHOWN_FIELDS = 3  # `--json` has them all
ACTED = ("block", "transform", "record", "emit", "fail")


def summary(record: EvidenceRecord, *, is_amended: bool = False) -> str:
    """One line: when, which, how it ended, who asked for what, and which plugins did something."""
    acted = " ".join(f"{p.plugin}:{_did(p)}" for p in record.placements if p.action in ACTED or p.would)
    parts = [
        record.received_at,
        record.request_id,
        f"{record.outcome:<15}",
        f"{_status(record.status):>3}",
        f"{record.timing.total_ms:7.0f} ms",
        f"{record.principal.api_key or '-'}",
        f"{_resource(record)}",
        "amended" if is_amended else "",
        record.code or "",
        acted,
    ]
    return "  ".join(part for part in parts if part)


def print_evidence(evidence: RequestEvidence) -> None:
    """Everything of one request, from who asked to where it can be looked at."""
    record = evidence.latest
    if record is not None:
        print_facts({name: value for name, value in _about(record, evidence) if value})
        print()
        _print_record(record)
    columns = ("plugin", "attempt", "at", "step", "did", "why", "to", "recorded", "ms")
    _print("Deliveries", columns, map(_delivery, evidence.deliveries))
    objects = {f"object {number}": key for number, key in enumerate(evidence.keys, 1)}
    print_facts({"logs": f'filter request_id = "{evidence.request_id}"'} | objects)


def _print_record(record: EvidenceRecord) -> None:
    controls = [(c.stage, c.decision, c.code, c.scope, c.limit) for c in record.controls]
    _print("Controls", ("stage", "decision", "code", "scope", "limit"), controls)
    columns = ("plugin", "moment", "mode", "did", "why", "saw", "changed", "recorded", "ms")
    _print("Placements", columns, map(_placement, record.placements))
    if record.outcome == "outcome_unknown":
        print("Which placements ran is not known: the environment was lost before it could say.\n")
    unseen = [(u.path, u.kind, u.policy, u.plugin) for u in record.uninspected]
    _print("Not inspected", ("path", "kind", "policy", "plugin"), unseen)
    attempts = [
        (a.attempt, a.provider, a.model, _status(a.status), a.outcome, round(a.ms)) for a in record.upstream
    ]
    _print("Upstream", ("attempt", "provider", "model", "status", "outcome", "ms"), attempts)


def _about(record: EvidenceRecord, evidence: RequestEvidence) -> Iterator[tuple[str, str]]:
    who = record.principal
    named = {"organisation": who.organisation, "team": who.team, "user": who.user, "tenant": who.tenant}
    yield "request", record.request_id
    yield "ended", f"{record.outcome} {_status(record.status)}"
    yield "who", ", ".join(f"{name} {value}" for name, value in named.items() if value) or "nobody known"
    yield "key", who.api_key or "none"
    yield "asked", f"{record.dialect} {record.route}, {_resource(record)}"
    yield "when", f"{record.received_at}, {_timing(record)}"
    yield "usage", f"{record.usage.input_tokens} tokens in, {record.usage.output_tokens} out, {_cost(record)}"
    yield "code", record.code or ""
    yield "cause", record.cause or ""
    yield "reference", ", ".join(p.reference for p in record.placements if p.reference)
    yield "tags", ", ".join(f"{name}={value}" for name, value in record.tags.items())
    yield "deployed", f"{record.snapshot[:19]}…, overrides {record.overrides}"
    yield (
        "amended",
        "the outcome came after the sweeper had closed the request" if evidence.amendments else "",
    )
    yield "cut", ", ".join(f"{count} of {name}" for name, count in record.cut.items())


def _placement(placement: PlacementRecord) -> Sequence[str]:
    return (
        f"{placement.plugin} {placement.version}",
        placement.moment,
        placement.mode,
        " + ".join([_did(placement), *placement.also]),
        _why(placement),
        "" if placement.saw is None else _saw(placement.saw),
        "\n".join(map(_changed, placement.changed)),
        _recorded(placement.recorded),
        f"{placement.ms:.2f}",
    )


def _delivery(record: DeliveryRecord) -> Sequence[str]:
    return (
        f"{record.plugin} {record.version}",
        str(record.attempt),
        record.delivered_at,
        _step(record),
        " + ".join([record.action, *record.also]),
        _why(record),
        "\n".join(map(_sent, record.deliveries)),
        _recorded(record.recorded),
        f"{record.ms:.0f}",
    )


def _step(record: DeliveryRecord) -> str:
    """Of a workflow: which step, what it came to, and the digest of who answered."""
    came = f"{record.step}: {record.outcome}" if record.outcome else record.step or ""
    return f"{came}\nby {record.approver}" if record.approver else came


def _print(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table of the columns that hold anything; nothing without rows."""
    filled = list(rows)
    kept = [n for n in range(len(columns)) if any(row[n] not in (None, "") for row in filled)]
    if filled:
        print_table(title, [columns[n] for n in kept], [[row[n] for n in kept] for row in filled])


def _did(placement: PlacementRecord) -> str:
    """What it did; in shadow, what it would have done."""
    return placement.would if placement.would and placement.action != "fail" else placement.action


def _why(record: PlacementRecord | DeliveryRecord) -> str:
    refused = f"refused {', '.join(record.refused)}" if record.refused else None
    return ", ".join(part for part in (record.reason, record.failure, refused) if part)


def _saw(saw: Saw) -> str:
    named = [_short(field) for field in saw.fields[:SHOWN_FIELDS]]
    more = [f"{len(saw.fields) - len(named)} more"] if len(saw.fields) > len(named) else []
    return f"{', '.join([*named, *more])}: {saw.chars} chars in {saw.segments}"


def _timing(record: EvidenceRecord) -> str:
    if record.outcome == "outcome_unknown":
        return "how long it took is not known"
    return f"{record.timing.total_ms:.1f} ms, of which the gateway {record.timing.overhead_ms:.1f} ms"


def _resource(record: EvidenceRecord) -> str:
    resource = record.resource
    if resource.mcp_server:
        return " ".join(filter(None, ("mcp", resource.mcp_server, resource.mcp_method, resource.mcp_tool)))
    return f"model {resource.model}" if resource.model else "no model"


def _cost(record: EvidenceRecord) -> str:
    cost = record.cost_nanousd
    return "cost not known" if cost is None else f"${cost / 1e9:.6f}"


def _changed(change: Changed) -> str:
    return f"{_short(change.field)}: {change.edits}"


def _sent(delivery: Delivery) -> str:
    return f"{delivery.host} {_status(delivery.status)}"


def _recorded(recorded: Mapping[str, float | str]) -> str:
    return ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in recorded.items()
    )


def _short(field: str) -> str:
    return field.removeprefix("request.").removeprefix("response.")


def _status(status: int | None) -> str:
    return "-" if status is None else str(status)
