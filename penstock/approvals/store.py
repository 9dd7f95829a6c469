"""Where an approval waits: one item for each step of a run, in a partition that no plugin's role can touch.

    <run id>/<step> → waiting (the task token, from Step Functions)  and  answer (from an approver)

Either may come first; each is added by compare-and-set, so that of two answers one counts. What is shown of
the request is the plugin's own item, `page/<run id>` in its own partition, and is believed no more than that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, NamedTuple

from penstock.errors import StorageError
from penstock.sdk.storage import ABSENT, Storage

Choice = Literal["approved", "denied"]

# How long it is still told what was decided, after the answer could be given.
TOLD_S: Final = 7 * 24 * 3600
_TRIES: Final = 8


class Waiting(NamedTuple):
    """A task that waits for the answer. `token` never leaves the store but to Step Functions."""

    token: str
    until_s: int
    request_id: str
    organisation: str | None
    """Of the request: where its evidence lies."""

    def __repr__(self) -> str:
        return f"Waiting({self.request_id})"


class Answer(NamedTuple):
    """What was decided, by whom (a label), when (Unix seconds)."""

    choice: Choice
    approver: str
    at_s: int


@dataclass(frozen=True, slots=True)
class State:
    """One approval. `passed_on`: Step Functions has been told; `late`: it would not hear it any more."""

    waiting: Waiting | None = None
    answer: Answer | None = None
    passed_on: bool = False
    late: bool = False


class Approvals:
    """Those of one plugin. `own`: the partition of approvals; `pages`: the plugin's, read only."""

    def __init__(self, own: Storage, pages: Storage, now_s: Callable[[], float]) -> None:
        self._own = own
        self._pages = pages
        self._now_s = now_s

    def page(self, run_id: str) -> Mapping[str, Any]:
        """What the plugin says of the request; empty when it has said nothing."""
        found = self._pages.get(f"page/{run_id}")
        return found.value if found is not None and isinstance(found.value, dict) else {}

    def state(self, run_id: str, step: str) -> State:
        found = self._own.get(_key(run_id, step))
        return State() if found is None else _state(found.value)

    def wait(self, run_id: str, step: str, waiting: Waiting) -> State:
        """A task waits; of an attempt that is made again the newest, which has heard nothing yet.

        A run that comes back to the step asks anew: what was answered the last time is no answer to that.
        The time at which it ends to wait tells the one from the other, since attempts share it.
        """

        def begun(state: State) -> State:
            comes_back = state.waiting is not None and state.waiting.until_s != waiting.until_s
            return State(waiting, None if comes_back else state.answer)

        return self._changed(run_id, step, begun)

    def answer(self, run_id: str, step: str, answer: Answer) -> State:
        """The first answer stays; the state says which."""
        return self._changed(
            run_id, step, lambda state: state if state.answer else replace(state, answer=answer)
        )

    def pass_on(self, run_id: str, step: str, waiting: Waiting, *, late: bool) -> State:
        """The answer has been passed on to this task; of another one that is not said."""

        def noted(state: State) -> State:
            is_it = state.waiting == waiting
            return replace(state, passed_on=True, late=late) if is_it else state

        return self._changed(run_id, step, noted)

    def _changed(self, run_id: str, step: str, change: Callable[[State], State]) -> State:
        key = _key(run_id, step)
        for _ in range(_TRIES):
            found = self._own.get(key)
            before = State() if found is None else _state(found.value)
            after = change(before)
            if after == before:
                return after
            expected = ABSENT if found is None else found.version
            ttl_s = max(1, round((after.waiting.until_s if after.waiting else 0) - self._now_s())) + TOLD_S
            if self._own.put(key, _tree(after), ttl_s=ttl_s, expected=expected) is not None:
                return after
        raise StorageError("write an approval")


def _key(run_id: str, step: str) -> str:
    return f"{run_id}/{step}"


def _tree(state: State) -> dict[str, Any]:
    return asdict(state)


def _state(tree: Mapping[str, Any]) -> State:
    waiting, answer = tree["waiting"], tree["answer"]
    return State(
        None if waiting is None else Waiting(*waiting),
        None if answer is None else Answer(*answer),
        tree["passed_on"],
        tree["late"],
    )
