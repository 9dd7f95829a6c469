from __future__ import annotations

import pytest

from penstock.adapters.workflows import MemoryRuns
from penstock.background.starting import GrantedWorkflow, Origin, Workflows
from penstock.errors import FieldNotGrantedError
from penstock.evidence import layout
from penstock.sdk.storage import MemoryStorage
from tests.evidence import examples

RECORD = {"outcome": "answered"}


def workflows() -> tuple[Workflows, MemoryRuns]:
    runs = MemoryRuns()
    return Workflows(runs, MemoryStorage(), 3600), runs


def test_a_run_knows_where_its_request_s_evidence_lies_and_no_outcome_yet() -> None:
    made, runs = workflows()
    GrantedWorkflow(made, Origin(examples.REQUEST_ID, "acme")).start("mine", reference="ref")
    assert runs.begun["mine"] == {
        "run_id": "mine",
        "request_id": examples.REQUEST_ID,
        "reference": "ref",
        "evidence_key": layout.terminal_key("acme", examples.REQUEST_ID),
        "outcomes": {},
    }


def test_the_first_record_that_a_run_is_started_with_stays_its_own() -> None:
    made, _ = workflows()
    GrantedWorkflow(made, Origin(examples.REQUEST_ID, "acme", RECORD)).start()
    GrantedWorkflow(made, Origin(examples.REQUEST_ID, "acme", {"outcome": "failed"})).start()
    assert made.record_of(examples.REQUEST_ID) == RECORD
    assert made.record_of("another") is None


def test_where_nothing_says_whose_request_it_is_no_run_is_started() -> None:
    made, runs = workflows()
    with pytest.raises(FieldNotGrantedError):
        GrantedWorkflow(made, None).start()
    assert not runs.begun
