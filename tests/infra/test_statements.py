"""What each role can do is evaluated in tests/aws; here, that patterns fit what the code writes."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from infra.statements import DELIVERIES, RECORDS
from penstock.adapters import keys
from penstock.evidence import layout

REQUEST = "019aa9d5-31f4-7cc1-b2a4-3f1f0a9c1d2e"


@pytest.mark.parametrize("organisation", ["acme", "a/b=c", None])
def test_records_of_requests_lie_where_the_recorder_may_write(organisation: str | None) -> None:
    terminal, amendment = RECORDS
    assert fnmatchcase(layout.terminal_key(organisation, REQUEST), terminal)
    assert fnmatchcase(layout.amendment_key(organisation, REQUEST, b"x"), amendment)


def test_a_plugin_s_deliveries_lie_where_it_and_no_other_may_write() -> None:
    key = layout.delivery_key("acme", REQUEST, "audit-export", "m-1", 1)
    assert fnmatchcase(key, DELIVERIES.format(plugin="audit-export"))
    assert not fnmatchcase(key, DELIVERIES.format(plugin="audit"))
    assert not any(fnmatchcase(key, pattern) for pattern in RECORDS)


@pytest.mark.parametrize("kind", ["terminal", "amendment", "amendment.0a1b", "delivery.other.m-1.1"])
def test_no_plugin_may_write_a_name_that_begins_like_another_record(kind: str) -> None:
    key = f"{layout.request_prefix('acme', REQUEST)}{kind}.delivery.audit-export.m-1.1.json.gz"
    assert not fnmatchcase(key, DELIVERIES.format(plugin="audit-export"))


def test_no_organisation_can_be_named_so_that_its_records_look_like_deliveries() -> None:
    key = layout.terminal_key("a/dt=1/hour=2/x.delivery.audit-export.y", REQUEST)
    assert not fnmatchcase(key, DELIVERIES.format(plugin="audit-export"))


def test_key_prefixes_are_those_of_the_ledger() -> None:
    assert fnmatchcase(keys.request_key(REQUEST), "request#*")
    assert fnmatchcase(keys.delivery_key(REQUEST, "audit-export"), "delivery#*#audit-export")
    assert fnmatchcase(keys.shard_of(REQUEST), "open#*")
