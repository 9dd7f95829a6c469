"""A batch from a queue, message by message: what fails comes back, the rest does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

log = logging.getLogger(__name__)


class Batches:
    """Handles batches with Powertools' BatchProcessor: partial batch responses.

    Also when all messages fail: the exception that Powertools would raise carries their texts into the log.
    """

    def __init__(self, handle: Callable[[SQSRecord], None]) -> None:
        self._handle = handle
        self._processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False, logger=log)

    def process(self, event: dict[str, Any]) -> dict[str, Any]:
        """The partial batch response for `event`. An event that is no batch is acknowledged and logged."""
        if not event.get("Records"):
            log.error("an event that is no batch was ignored")
            return {"batchItemFailures": []}
        return dict(process_partial_response(event, self._one, self._processor))

    def _one(self, record: SQSRecord) -> None:
        """Powertools calls it with the keyword `record`."""
        self._handle(record)
