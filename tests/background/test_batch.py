from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from penstock.background.batch import Batches
from tests.functions.aws import failed, sqs_event


def failing_on(*bad: str) -> Batches:
    def handle(message: SQSRecord) -> None:
        if message.body in bad:
            raise ValueError("My card is 4111 1111 1111 1111")

    return Batches(handle)


def test_only_what_failed_comes_back() -> None:
    assert failed(failing_on("b").process(sqs_event("a", "b", "c"))) == [1]


def test_a_batch_that_failed_as_a_whole_is_reported_and_not_raised() -> None:
    assert failed(failing_on("a", "b").process(sqs_event("a", "b"))) == [0, 1]


def test_one_batch_does_not_know_of_the_one_before() -> None:
    batches = failing_on("a")
    batches.process(sqs_event("a"))
    assert failed(batches.process(sqs_event("b"))) == []


def test_a_failure_is_logged_so_that_none_goes_unseen(caplog: pytest.LogCaptureFixture) -> None:
    failing_on("a").process(sqs_event("a"))
    (record,) = [r for r in caplog.records if r.name == "penstock.background.batch"]
    assert record.exc_info is not None


@pytest.mark.parametrize("event", [{}, {"Records": []}, {"ping": 1}])
def test_what_is_no_batch_is_acknowledged(event: dict[str, object]) -> None:
    assert failing_on().process(event) == {"batchItemFailures": []}
