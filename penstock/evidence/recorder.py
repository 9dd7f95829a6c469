"""From the outbox to S3: closes a request and hands its record to the background plugins.

    1. validate        a message that is no evidence goes back, and to the dead letters in the end
    2. store           terminal; or, when the sweeper was first, an amendment
    3. settle          the intent in the ledger
    4. dispatch        one message into the queue of each background plugin

The message is deleted after the last step. A crash between any two brings it back, and each step done
twice is as if done once: the object is equal, the intent settled, the idempotency key the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from penstock.adapters.ledger import Ledger
from penstock.adapters.queues import Queues
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.messages import OutboxMessage, delivery_message
from penstock.evidence.record import EvidenceRecord
from penstock.evidence.schema import decode
from penstock.evidence.whereabouts import as_amendment, as_terminal


class Dispatcher:
    """Sends a stored record to background plugins."""

    def __init__(self, queues: Queues, queue_url: Callable[[str], str]) -> None:
        """`queue_url` gives the queue of a plugin by the plugin's name."""
        self._queues = queues
        self._queue_url = queue_url

    def send(self, record: EvidenceRecord, key: str, plugins: Sequence[str], *, amends: bool) -> None:
        """Returns when every plugin's queue has its message. Raises StorageError."""
        for plugin in plugins:
            message = delivery_message(record, plugin, key, amends=amends)
            self._queues.send(self._queue_url(plugin), message.decode())


class Recorder:
    """Records outcomes. `now_ms` gives Unix milliseconds."""

    def __init__(
        self, archive: Archive, ledger: Ledger, dispatcher: Dispatcher, now_ms: Callable[[], int]
    ) -> None:
        self._archive = archive
        self._ledger = ledger
        self._dispatcher = dispatcher
        self._now_ms = now_ms

    def record(self, body: str) -> EvidenceRecord | None:
        """Do all that a message of the outbox asks for.

        Returns the record when this call stored it, None when an earlier one had. Raises
        UnreadableEvidenceError or StorageError; the message has to come back then.
        """
        message = decode(OutboxMessage, body)
        record = as_terminal(message.record)
        stored, key = self._archive.put_terminal(record)
        if stored is Stored.OTHER:
            record = as_amendment(message.record)
            key = self._archive.put_amendment(record)
        self._ledger.settle(record.request_id, "recorder", self._now_ms())
        self._dispatcher.send(record, key, message.dispatch, amends=stored is Stored.OTHER)
        return record if stored is Stored.NEW else None
