"""Takes answers and hands them on, in an order in which nothing is lost:

    the answer, once (compare-and-set) → its record in the evidence → Step Functions → the note that it heard

What breaks off in between is done again by the next who asks: the same approver, another one, or the task
when it comes to wait. An answer without a record in the evidence is never handed on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from penstock.approvals.links import Link
from penstock.approvals.store import Answer, Approvals, Choice, State, Waiting
from penstock.errors import StorageError
from penstock.evidence import layout
from penstock.evidence.archive import Archive, Stored
from penstock.evidence.delivery import DeliveryRecord
from penstock.evidence.digests import Digester, DigestKey
from penstock.evidence.encoding import as_json, as_mapping
from penstock.evidence.record import timestamp

MESSAGE: Final = "approval"
# Step Functions ends a task at its own time. An answer that comes so late would be stored and not heard.
MARGIN_S: Final = 2


class Tasks(Protocol):
    """Raises StorageError when Step Functions does not answer."""

    def succeed(self, token: str, outcome: str) -> bool:
        """Tell the task its outcome. Whether it heard: False when it has ended, or its time has."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The plugin whose workflow asks, as it was deployed."""

    name: str
    version: str
    digest: str
    snapshot: str


class Deciding:
    """The approvals of one plugin."""

    def __init__(
        self,
        asked: Asked,
        approvals: Approvals,
        tasks: Tasks,
        archive: Archive,
        digest_key: Callable[[], DigestKey],
        now_s: Callable[[], float],
        count: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`count` is told `asked`, and each answer as it is handed on."""
        self.approvals = approvals
        self._asked = asked
        self._tasks = tasks
        self._archive = archive
        self._digest_key = digest_key
        self._now_s = now_s
        self._count = count

    def wait(self, run_id: str, step: str, waiting: Waiting) -> State:
        """A task begins to wait; an answer that was there before it is handed on. Raises StorageError."""
        self._count("asked")
        return self._finished(run_id, step, self.approvals.wait(run_id, step, waiting))

    def decide(self, link: Link, choice: Choice) -> State:
        """`choice`, unless there is an answer already. The caller has checked link and time.

        Raises StorageError: it may have been stored, and has to be tried again.
        """
        answer = Answer(choice, link.approver, int(self._now_s()))
        state = self.approvals.answer(link.run_id, link.step, answer)
        return self._finished(link.run_id, link.step, state)

    def finished(self, link: Link, state: State) -> State:
        """`state`, once an answer in it is handed on that was not. Decides nothing. Raises StorageError."""
        return self._finished(link.run_id, link.step, state)

    def is_over(self, link: Link, state: State) -> bool:
        """Whether the time to answer has passed: the link's own, or that of the task."""
        ends_s = min(link.until_s, state.waiting.until_s if state.waiting else link.until_s)
        return state.answer is None and self._now_s() >= ends_s - MARGIN_S

    def _finished(self, run_id: str, step: str, state: State) -> State:
        if state.waiting is None or state.answer is None or state.passed_on:
            return state
        self._record(run_id, step, state.waiting, state.answer)
        heard = self._tasks.succeed(state.waiting.token, state.answer.choice)
        self._count(state.answer.choice)
        # Before its time is over, who does not hear it has heard it already: from who did this beside us.
        late = not heard and self._now_s() >= state.waiting.until_s
        return self.approvals.pass_on(run_id, step, state.waiting, late=late)

    def _record(self, run_id: str, step: str, waiting: Waiting, answer: Answer) -> None:
        digester = Digester(self._digest_key(), waiting.request_id)
        # By the snapshot too: what broke off before a deployment is finished after it, by another record.
        named = (run_id, step, str(waiting.until_s), self._asked.snapshot)
        visit = digester.texts("approval.step", named)
        record = DeliveryRecord(
            request_id=waiting.request_id,
            plugin=self._asked.name,
            version=self._asked.version,
            digest=self._asked.digest,
            message_id=f"{MESSAGE}-{visit.rpartition(':')[2]}",
            attempt=1,
            idempotency_key=f"{waiting.request_id}:{self._asked.name}:step:{step}",
            delivered_at=timestamp(answer.at_s * 1000),
            action="record",
            snapshot=self._asked.snapshot,
            path="workflow",
            run=digester.text("workflow.run", run_id),
            step=step,
            outcome=answer.choice,
            approver=digester.text("approver", answer.approver),
        )
        key = layout.delivery_key(
            waiting.organisation, record.request_id, record.plugin, record.message_id, record.attempt
        )
        if self._archive.put(key, as_json(as_mapping(record))) is Stored.OTHER:
            raise StorageError("store the record of an approval")
