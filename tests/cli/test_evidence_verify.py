from __future__ import annotations

import argparse

import pytest

from penstock.adapters.objects import S3Objects
from penstock.adapters.seal_note import DynamoSealNotes
from penstock.cli.evidence_verify import expected, hour_ms
from penstock.evidence import layout
from penstock.evidence.record import now_ms
from penstock.evidence.sealing import Sealer
from penstock.evidence.seals import HOUR_MS
from penstock.ids import uuid7
from tests.cli.gateways import Gateway


@pytest.fixture
def keys(gateway: Gateway) -> list[str]:
    """Two organisations' records of some hours ago, sealed."""
    objects = S3Objects(gateway.clients, gateway.resources.evidence_bucket)
    there = [layout.terminal_key(name, uuid7(now_ms() - 3 * HOUR_MS)) for name in ("acme", "other")]
    for key in there:
        objects.put_once(key, layout.pack(b"{}"))
    notes = DynamoSealNotes(gateway.clients, gateway.resources.ledger_table)
    assert Sealer(objects, notes, now_ms).run().objects == 2
    return there


def forge(gateway: Gateway, key: str) -> None:
    gateway.clients.s3.put_object(Bucket=gateway.resources.evidence_bucket, Key=key, Body=b"forged")


def test_what_was_sealed_is_sound_and_its_end_is_printed_to_be_kept(
    gateway: Gateway, keys: list[str]
) -> None:
    said = gateway.run("evidence", "verify")
    assert (said.status, said.err) == (0, "")
    assert "Findings: none" in said.out
    assert "Sound             yes" in said.out
    kept = said.out.rpartition("--expect ")[2].strip()
    assert gateway.run("evidence", "verify", "--expect", kept).status == 0


def test_what_was_changed_is_told_and_ends_with_1(gateway: Gateway, keys: list[str]) -> None:
    forge(gateway, keys[0])
    said = gateway.run("evidence", "verify")
    assert said.status == 1
    assert keys[0].rpartition("/")[2] in said.out.replace("\n", "")
    tree = gateway.run("evidence", "verify", "--json").json
    assert [(found["kind"], found["key"]) for found in tree["findings"]] == [("changed", keys[0])]
    assert (tree["sound"], tree["seal"], tree["objects"]) == (False, 1, 2)


def test_one_organisation_and_some_hours_are_looked_at_alone(gateway: Gateway, keys: list[str]) -> None:
    forge(gateway, keys[0])
    assert gateway.json("evidence", "verify", "--org", "other")["objects"] == 1
    assert gateway.json("evidence", "verify", "--from", "2100-01-01")["objects"] == 0
    assert gateway.json("evidence", "verify", "--to", "2020-01-01T09")["objects"] == 0
    assert gateway.run("evidence", "verify", "--org", "acme").status == 1


def test_a_kept_seal_that_is_not_there_any_more_is_a_fault(gateway: Gateway, keys: list[str]) -> None:
    said = gateway.run("evidence", "verify", "--json", "--expect", f"1:sha256:{'0' * 64}")
    assert said.status == 1
    assert [found["kind"] for found in said.json["findings"]] == ["seal_changed"]


def test_a_gateway_that_has_sealed_nothing_yet_is_not_sound(gateway: Gateway) -> None:
    said = gateway.run("evidence", "verify")
    assert said.status == 1
    assert "Nothing has been sealed yet" in said.out


def test_many_findings_are_cut_in_the_table_and_not_in_json(
    gateway: Gateway, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.cli.evidence_verify.MOST_ROWS", 1)
    for key in keys:
        forge(gateway, key)
    assert "and 1 more" in gateway.run("evidence", "verify").out
    assert len(gateway.run("evidence", "verify", "--json").json["findings"]) == 2


def test_progress_goes_to_stderr(gateway: Gateway, keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.cli.evidence_verify.TELL_EVERY_S", 0.0)
    assert "2 of 2 hours, 2 objects" in gateway.run("evidence", "verify", "--json").err


def test_hours_are_written_as_in_the_keys() -> None:
    assert hour_ms("2026-11-22T09") == 1_795_338_000_000
    assert hour_ms("2026-11-22") == 1_795_338_000_000 - 9 * HOUR_MS
    with pytest.raises(argparse.ArgumentTypeError, match="is no hour"):
        hour_ms("yesterday")


@pytest.mark.parametrize("text", ["", "1", "0:sha256:" + "0" * 64, "1:sha256:0", "x:sha256:" + "0" * 64])
def test_a_seal_is_its_number_and_its_digest(text: str) -> None:
    assert expected("12:sha256:" + "a" * 64) == (12, "sha256:" + "a" * 64)
    with pytest.raises(argparse.ArgumentTypeError, match="is no seal"):
        expected(text)
