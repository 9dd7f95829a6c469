"""A stream that nobody reads on its way to the caller: as it came. A `penstock.gateway.ways.Way`."""

from __future__ import annotations

from typing import Final

from penstock.denial import Denial
from penstock.dialects import Dialect
from penstock.errors import PenstockError
from penstock.evidence.record import Usage
from penstock.gates.gate import GateResult


class OpenedWay:
    """The gate has been run before its first byte: there is nothing in it that a plugin could see."""

    is_guarded: bool = False
    denial: Denial | None = None
    usage: Usage | None = None
    has_failed: bool = False
    is_done: bool = False  # nobody knows its terminator: it ends with its connection
    ending: Final = b""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def feed(self, piece: bytes) -> bytes:
        return piece

    def due(self) -> bytes:
        return b""

    def wait_ms(self) -> float | None:
        return None

    def close(self) -> bytes:
        return b""

    def error(self, refusal: Denial | PenstockError, request_id: str) -> bytes:
        return self.dialect.streaming(None).error(refusal, request_id)

    def finish(self, *, is_whole: bool) -> GateResult | None:
        del is_whole
        return None
