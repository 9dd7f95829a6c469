from __future__ import annotations

import json

from penstock.evidence.encoding import as_json, encode
from penstock.evidence.intent import Intention, unknown_outcome
from penstock.evidence.schema import decode, read_record
from tests.evidence import examples
from tests.evidence.test_recorder import intention


def test_an_intents_facts_are_plain_json_that_comes_back() -> None:
    known = intention(examples.full(), "audit-export")
    facts = json.loads(json.dumps(known.facts()))
    assert decode(Intention, as_json(facts)) == known


def test_the_record_of_an_unknown_outcome_is_the_same_every_time_and_valid() -> None:
    known = intention(examples.full())
    bodies = {encode(unknown_outcome(examples.REQUEST_ID, known, "environment_lost")) for _ in range(2)}
    (body,) = bodies
    assert read_record(body).cause == "environment_lost"


def test_an_intent_is_small_since_the_caller_waits_for_it() -> None:
    assert len(as_json(intention(examples.full(), "audit-export").facts())) < 1024
