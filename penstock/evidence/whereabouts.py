"""Where a record can be looked at: the recorder and the sweeper know under which key they store it.

What is filled in follows from the record alone, so that a message that comes twice is stored once.
"""

from __future__ import annotations

from dataclasses import replace

from penstock.evidence import layout
from penstock.evidence.encoding import encode
from penstock.evidence.record import EvidenceRecord, Inspect


def as_terminal(record: EvidenceRecord) -> EvidenceRecord:
    """`record` as it is stored when it is the first of its request."""
    return _at(record, layout.terminal_key(record.principal.organisation, record.request_id))


def as_amendment(record: EvidenceRecord) -> EvidenceRecord:
    """`record` as it is stored beside an earlier one of its request."""
    return _at(record, amendment_key(record))


def amendment_key(record: EvidenceRecord) -> str:
    """Named by what the record says without its whereabouts, which hold this very name."""
    bare = replace(record, inspect=None, placements=[replace(p, inspect=None) for p in record.placements])
    return layout.amendment_key(record.principal.organisation, record.request_id, encode(bare))


def _at(record: EvidenceRecord, key: str) -> EvidenceRecord:
    query = f'filter request_id = "{record.request_id}"'
    placements = [
        replace(placement, inspect=Inspect(f'{query} and plugin = "{placement.plugin}"', key))
        for placement in record.placements
    ]
    return replace(record, placements=placements, inspect=Inspect(query, key))
