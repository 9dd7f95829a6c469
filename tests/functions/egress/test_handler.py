"""The function as Lambda has it: from the snapshot in its asset, by the ARN that it was invoked by."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from functions.egress import handler
from penstock.configuration.snapshot import encode_snapshot
from penstock.egress.function import Egress
from penstock.egress.messages import encode_request
from tests.background.test_deployed import LIMITS, SETTINGS, snapshot
from tests.background.test_sending import EMITS, SILENT

PLACE = "arn:aws:lambda:eu-central-1:123456789012:function:d-egress"
EVENT = json.loads(encode_request(httpx.Request("GET", "https://other.example.com/")))
INSIDE = json.loads(encode_request(httpx.Request("GET", "https://siem.example.com/")))


def made(tmp_path: Path, *placements: object) -> Egress:
    deployed = snapshot(*placements)  # type: ignore[arg-type]  # placements
    path = tmp_path / "snapshot.json"
    path.write_bytes(
        encode_snapshot(LIMITS, list(deployed.plugins.values()), list(placements))  # type: ignore[arg-type]  # same
    )
    return handler.egress_of("d-egress", replace(SETTINGS, snapshot_path=str(path)))


def test_the_allow_list_is_the_snapshot_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        return [(None, None, None, None, ("10.0.0.1", 443))]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    egress = made(tmp_path, EMITS)
    assert egress.answer(EVENT, f"{PLACE}:audit-export", 60) == {"failure": "not_granted"}
    assert egress.answer(INSIDE, f"{PLACE}:audit-export", 60) == {"failure": "not_public"}
    assert asked == ["siem.example.com"]


def test_a_plugin_that_may_not_emit_has_no_alias_that_sends(tmp_path: Path) -> None:
    assert made(tmp_path, SILENT).answer(INSIDE, f"{PLACE}:audit-export", 60) == {"failure": "not_granted"}


class FakeContext:
    invoked_function_arn = f"{PLACE}:audit-export"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def test_an_invocation_is_judged_by_its_context_and_not_by_its_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    egress = made(tmp_path, EMITS)
    monkeypatch.setattr(handler, "egress", lambda: egress)
    assert handler.handler(EVENT, FakeContext()) == {"failure": "not_granted"}
    assert handler.handler({**EVENT, "plugin": "x"}, FakeContext()) == {"failure": "malformed"}
