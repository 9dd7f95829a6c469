"""From the outbox to S3: closes a request and hands its record to the background plugins.

    1. validate        a message that is no evidence goes back, and to the dead letters in the end
    2. store           terminal; or, when the sweeper was first, an amendment
    3. settle          the intent in the ledger
    4. dispatch        one message into the queue of each background plugin

What failed after OUTCOME, while the caller still waited, is a message of its own: always an amendment, in
whatever order the two come, and it settles nothing. Who the gateway calls itself gets a message too, held
back until that call is over: it finds the delivery done, or does what a crash or a failure has left undone.

The message is deleted after the last step. A crash between any two brings it back, and each step done
twice is as if done once: the object is equal, the intent settled, the idempotency key the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from penstock.adapters.ledger import Ledger
from penstock.adapters.queues import Queues
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.messages import OutboxMessage, delivery_message
from penstock.evidence.record import WAITED_FAILED, EvidenceRecord
from penstock.evidence.schema import decode
from penstock.evidence.whereabouts import as_amendment, as_terminal

# A call that is waited for takes 10 s at most (`WAIT_TIMEOUT_MS` in placing.py), and storing its record some.
WAITED_DELAY_S: Final = 20


class Dispatcher:
    """Sends a stored record to background plugins."""

    def __init__(self, queues: Queues, queue_url: Callable[[str], str]) -> None:
        """`queue_url` gives the queue of a plugin by the plugin's name."""
        self._queues = queues
        self._queue_url = queue_url

    def send(self, record: EvidenceRecord, key: str, plugins: Sequence[str], *, amends: bool) -> None:
        """Returns when every plugin's queue has its message. Raises StorageError.

        Who is waited for gets an amendment as late as its record: as a rule after it.
        """
        waited = _waited(record)
        for plugin in plugins:
            message = delivery_message(record, plugin, key, amends=amends)
            delay_s = WAITED_DELAY_S if plugin in waited else 0
            self._queues.send(self._queue_url(plugin), message.decode(), delay_s)


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
        if message.record.cause == WAITED_FAILED:
            self._amend(message)
            return None
        record = as_terminal(message.record)
        stored, key = self._archive.put_terminal(record)
        if stored is Stored.OTHER:
            record = as_amendment(message.record)
            key = self._archive.put_amendment(record)
        self._ledger.settle(record.request_id, "recorder", self._now_ms())
        self._dispatcher.send(record, key, message.dispatch, amends=stored is Stored.OTHER)
        return record if stored is Stored.NEW else None

    def _amend(self, message: OutboxMessage) -> None:
        record = as_amendment(message.record)
        key = self._archive.put_amendment(record)
        self._dispatcher.send(record, key, message.dispatch, amends=True)


def _waited(record: EvidenceRecord) -> set[str]:
    """The background plugins that the gateway calls itself."""
    return {p.plugin for p in record.placements if p.style == "background" and p.path == "response"}
