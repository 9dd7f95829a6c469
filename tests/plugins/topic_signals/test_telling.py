from __future__ import annotations

import json
from collections.abc import Mapping

from penstock.sdk import Evidence
from penstock.sdk.sample import EVIDENCE
from plugins.topic_signals.telling import noted, signal

OURS = {"plugin": "topic-signals", "moment": "after_upstream", "action": "record"}


def record(*placements: Mapping[str, object]) -> Evidence:
    return Evidence({**EVIDENCE, "placements": list(placements)})


def test_what_the_plugin_noted_is_read_back_in_order_and_what_others_noted_is_not() -> None:
    recorded = {
        "topic": "billing",
        "matches": 3.0,
        "second_topic": "refunds",
        "second_matches": 1,
        "topics": 2,
    }
    other = {**OURS, "plugin": "other", "recorded": {"topic": "canary"}}
    found = json.dumps(list(noted(record(other, {**OURS, "recorded": recorded}))))
    assert found == '[{"topic": "billing", "matches": 3}, {"topic": "refunds", "matches": 1}]'
    assert list(noted(record(OURS, {**OURS, "recorded": {"topics": 0}}))) == []
    assert list(noted(Evidence({"request_id": "x"}))) == []


def test_a_signal_names_the_request_whom_it_was_for_and_the_topics_and_nothing_else() -> None:
    told = signal(record(), [{"topic": "billing", "matches": 3}])
    assert told == {
        "type": "penstock.request.topics",
        "timestamp": EVIDENCE["received_at"],
        "data": {
            "request_id": EVIDENCE["request_id"],
            "organisation": "acme",
            "model": "test-model",
            "topics": [{"topic": "billing", "matches": 3}],
        },
    }
