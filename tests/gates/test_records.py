"""The one record of a placement."""

from __future__ import annotations

import itertools

import pytest

from penstock.errors import FailureClass, PluginError
from penstock.evidence.record import Action, Delivery
from penstock.gates.placement import Mode
from penstock.gates.records import STRENGTH, blank, failed, settle
from tests.gates.fakes import placement_of


def test_a_blank_record_says_who_it_is_about_and_allow() -> None:
    placement = placement_of("p", order=3)
    record = blank(placement, Mode.SHADOW)
    assert (record.plugin, record.version, record.digest) == ("p", "1.0.0", placement.digest)
    assert (record.moment, record.style, record.host, record.order) == (
        "before_upstream",
        "ordered",
        "in_process",
        3,
    )
    assert (record.mode, record.action, record.reason, record.calls) == ("shadow", "allow", None, 0)


def test_a_skipped_record_says_why() -> None:
    record = blank(placement_of("p"), Mode.OFF, "off")
    assert (record.mode, record.action, record.reason) == ("off", "skipped", "off")


@pytest.mark.parametrize("failure", list(FailureClass))
def test_a_failure_is_recorded_by_its_class_and_without_its_words(failure: FailureClass) -> None:
    record = failed(placement_of("p"), Mode.ENFORCE, PluginError(failure, "my prompt"))
    assert (record.action, record.failure, record.reason) == ("fail", failure.value, None)
    assert "my prompt" not in repr(record)


@pytest.mark.parametrize(
    ("action", "recorded", "emitted"), list(itertools.product(STRENGTH, [False, True], [False, True]))
)
def test_the_strongest_action_stands_and_the_others_beside_it(
    action: Action, recorded: bool, emitted: bool
) -> None:
    record = blank(placement_of("p"), Mode.ENFORCE)
    record.action = action
    record.recorded = {"found": 1} if recorded else {}
    record.deliveries = [Delivery("siem.example:443", 200)] if emitted else []
    settle(record)
    took_place = {action, *(["record"] if recorded else []), *(["emit"] if emitted else [])}
    assert record.action == min(took_place, key=STRENGTH.index)
    assert {record.action, *record.also} == took_place - ({"allow"} if record.action != "allow" else set())
    assert record.also == sorted(record.also, key=STRENGTH.index)


def test_what_took_place_besides_is_counted_too() -> None:
    record = failed(placement_of("p"), Mode.ENFORCE, PluginError(FailureClass.TIMEOUT, ""))
    record.recorded = {"found": 1}
    settle(record, "transform")
    assert (record.action, record.also) == ("fail", ["transform", "record"])
