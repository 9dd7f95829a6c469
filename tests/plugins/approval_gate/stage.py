"""The plugin with its storage and its approvers in memory; time goes on when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from penstock.errors import StorageError
from penstock.sdk.context import Context, RecordSpec
from penstock.sdk.rehearsal import Rehearsed, StepFailedError, rehearse
from penstock.sdk.steps import Step, read_steps
from penstock.sdk.storage import MemoryStorage
from penstock.sdk.testing import harness
from penstock.sdk.workflow import Run
from tests import tree

FOLDER = tree.ROOT / "plugins" / "approval_gate"
REFERENCE = "ab" * 13
NOW_S = 1_790_000_000
BY_EMAIL: dict[str, Any] = {
    "channel": "email",
    "approvers": {"anna": "anna@acme.example", "bob": "bob@acme.example"},
}
BY_WEBHOOK: dict[str, Any] = {
    "channel": "webhook",
    "approvers": {"anna": "", "bob": ""},
    "url": "https://hooks.example.com/approvals",
}
KEY = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Stage:
    """One deployment of the plugin. `refuses`: addresses that the e-mail service does not take."""

    def __init__(
        self,
        config: Mapping[str, Any] = BY_EMAIL,
        receive: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(202),
        without: tuple[str, ...] = (),
    ) -> None:
        self.now_s: float = NOW_S
        self.posted: list[httpx.Request] = []
        self.refuses: set[str] = set()
        self.records: dict[str, Mapping[str, Any]] = {}

        def take(request: httpx.Request) -> httpx.Response:
            self.posted.append(request)
            return receive(request)

        secrets = {"signing_key": KEY}
        self.run = harness(
            FOLDER, config, secrets=secrets, transport=httpx.MockTransport(take), without=without
        )
        self.fakes = self.run.capabilities
        self.kept = self.fakes.kept = MemoryStorage(lambda: self.now_s)
        plugin: Any = self.run._plugin
        self.plugin: Any = plugin
        plugin.clock = lambda: self.now_s
        send = self.fakes.send

        def refusing(to: Any, *rest: Any) -> None:
            if self.refuses.intersection(to):
                raise StorageError("send an e-mail")
            send(to, *rest)

        self.fakes.send = refusing  # type: ignore[method-assign,assignment]  # the service that says no

    def ask(self, **values: Any) -> Any:
        """One request."""
        given = {"reference": REFERENCE, "model": "sensitive-1", "user": "May I?", **values}
        return self.run.before(**given)

    def went(self, answers: Mapping[str, str] | None = None) -> Rehearsed:
        """The run that was started last, to its end; without an answer its time passes."""
        started = self.fakes.started[-1]
        return rehearse(
            read_steps(FOLDER), lambda step, outcomes: self.step(started.run_id, step, outcomes), answers
        )

    def step(self, run_id: str, step: Step, outcomes: Mapping[str, str]) -> str | None:
        """One step as its host runs it, once; what it recorded stays in `records`."""
        self.fakes.begin(may_emit=True)
        context = self.context()
        run = Run(run_id, self.fakes.started[-1].request_id, REFERENCE, dict(outcomes), None, self.link)
        try:
            outcome: str | None = getattr(self.plugin, f"step_{step.name}")(run, context)
        except Exception as failed:
            raise StepFailedError from failed
        finally:
            self.records[step.name] = dict(context.recorded)
        return outcome

    def context(self) -> Context:
        specs = {
            name: RecordSpec(each.unit, each.minimum, each.maximum, each.values)
            for name, each in self.run.manifest.records.items()
        }
        return Context("request-1", self.run._config, specs=specs, capabilities=self.fakes)

    def link(self, step: str, approver: str) -> str:
        return f"https://gateway.example/approvals/approval-gate/run?step={step}&to={approver}"
