"""Runs one plugin on a request that is built in one line, under the grant that its manifest asks for.

    run = harness("plugins/pii_redactor")
    result = run.before(user="my card is 4111 1111 1111 1111")
    assert result.action == "transform"
    assert result.texts("request.messages.user") == ("my card is <card>",)
    assert run.stream("mail a@b.co").text == "mail <email>"     # as it comes from a stream, piece by piece

What the gateway holds a plugin to holds here too: it sees the granted fields and no other, its decision
is checked against its terms, its edits must fit. Deadlines, scope, order and modes are the engine's own.
`penstock.sdk.conformance` gives an author, free of charge, the checks that every plugin should pass.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from pydantic import BaseModel

from penstock.errors import FailureClass, PluginError
from penstock.sdk.context import Context, RecordSpec
from penstock.sdk.contract import Terms, checked
from penstock.sdk.decisions import Block, Decision, Respond
from penstock.sdk.fakes import FakeCapabilities
from penstock.sdk.fields import AFTER, BEFORE, LATER, REFERENCE, Moment
from penstock.sdk.loading import check_steps, load_plugin, validate_config
from penstock.sdk.manifest import Manifest, MomentRequest, parse_manifest, read_manifest, texts_at
from penstock.sdk.plugin import Plugin
from penstock.sdk.projection import Piece
from penstock.sdk.rehearsal import Rehearsed, StepFailedError, rehearse
from penstock.sdk.result import Action, Result
from penstock.sdk.sample import (
    EVIDENCE,
    REQUEST_ID,
    RequestValues,
    ResponseValues,
    decided,
    request_values,
    response_values,
)
from penstock.sdk.steps import MAX_STEP_S, METHOD, Step, Steps, checked_outcome, parse_steps, read_steps
from penstock.sdk.stream_samples import samples
from penstock.sdk.stream_trial import Look, Streamed, look_of, stream_problem, streamed
from penstock.sdk.views import WRITE_ONLY, Evidence, Projection, Request, Response, TextValues
from penstock.sdk.workflow import Run

if TYPE_CHECKING:
    import httpx

__all__ = ["Harness", "Result", "harness"]

TIMEOUTS_MS: Mapping[Moment, int] = MappingProxyType(
    {BEFORE: 100, AFTER: 100, LATER: 1500}
)  # behaviour.md, section 3


class Harness:
    """One plugin, loaded and ready. Make it with `harness(…)`."""

    def __init__(
        self,
        plugin: Plugin,
        manifest: Manifest,
        config: BaseModel,
        *,
        without: Iterable[str] = (),
        capabilities: FakeCapabilities | None = None,
        steps: Steps | None = None,
    ) -> None:
        self.manifest = manifest
        self._steps = steps
        self._plugin = plugin
        self._config = config
        self._settings = config.model_dump(mode="json")
        self._without = frozenset(without)
        self.capabilities = capabilities or FakeCapabilities(manifest, config, {}, None)
        self._specs = {
            name: RecordSpec(record.unit, record.minimum, record.maximum, values)
            for name, record in manifest.records.items()
            for values in [record.values or texts_at(self._settings, record.values_from)]
        }

    @property
    def steps(self) -> Steps | None:
        """Those of its workflow, as its configuration has them; None when it has none."""
        return self._steps

    def before(self, **values: Unpack[RequestValues]) -> Result:
        """Run `before_upstream` on a request made of `values`."""
        return self._run(BEFORE, request_values(values))

    def after(self, **values: Unpack[ResponseValues]) -> Result:
        """Run `after_upstream` on a response made of `values`."""
        return self._run(AFTER, response_values(values))

    def stream(
        self,
        text: str,
        at: Iterable[int] | None = None,
        *,
        field: str = "response.text",
        request: RequestValues | None = None,
    ) -> Streamed:
        """Run `after_upstream` as a window does while `text` grows: cut at the places `at`, or everywhere."""
        asked = self._declared(AFTER)
        if asked.window_chars is None:
            raise LookupError(f'{self.manifest.name} does not declare `stream = "window"`')
        places = range(1, len(text)) if at is None else sorted(at)
        pieces = [text[start:end] for start, end in pairwise([0, *places, len(text)])]
        hold_chars = asked.max_hold_chars or asked.window_chars
        return streamed(self._finder(field, request), pieces, asked.window_chars, hold_chars)

    def stream_problem(self, text: str, *, field: str = "response.text") -> str | None:
        """How `text` in pieces differs from `text` whole, and what to do about it; None when it does not.

        Without `stream = "window"` in the manifest it never does.
        """
        asked = self._declared(AFTER)
        if asked.window_chars is None:
            return None
        hold_chars = asked.max_hold_chars or asked.window_chars
        return stream_problem(self._finder(field), text, asked.window_chars, hold_chars)

    def stream_samples(self) -> list[str]:
        """Texts with examples of every pattern in the plugin's code, to give to `stream_problem`."""
        asked = self.manifest.after_upstream
        return samples(self._plugin, asked.window_chars) if asked and asked.window_chars else []

    def background(self, record: Mapping[str, Any] | None = None) -> Result:
        """Run `after_response` on an evidence record; without one, on a small sample."""
        self.capabilities.begin(may_emit="emit" in self._declared(LATER).effects)
        evidence = Evidence(EVIDENCE if record is None else record)
        context = self._context(LATER)
        return self._watched(context, lambda: self._plugin.after_response(evidence, context))

    def step(
        self,
        name: str,
        *,
        outcomes: Mapping[str, str] | None = None,
        evidence: Mapping[str, Any] | None = None,
        run_id: str = REQUEST_ID,
        reference: str = "",
    ) -> Result:
        """Run one step of the workflow, after others that came to `outcomes`; what it came to is `.outcome`.

        `evidence`: the record that the run was started with, if `after_response` starts it.
        """
        step = self._workflow().named(name)
        if step is None or step.kind != "do":
            raise LookupError(f"{self.manifest.name} has no step {name!r} with `do = true`")
        link = _link if self._workflow().approvals else None
        run = Run(run_id, REQUEST_ID, reference, dict(outcomes or {}), evidence, link)
        effects = {effect for asked in self.manifest.moments.values() for effect in asked.effects}
        self.capabilities.begin(may_emit="emit" in effects)
        context = self._stepping(step)
        method = getattr(self._plugin, f"{METHOD}{name}")
        return self._watched(context, lambda: checked_outcome(step, method(run, context)))

    def rehearse(
        self,
        answers: Mapping[str, str] | None = None,
        *,
        evidence: Mapping[str, Any] | None = None,
        run_id: str = REQUEST_ID,
        reference: str = "",
    ) -> Rehearsed:
        """Run the whole workflow, at once; `answers`: approval → what a human says, else it times out."""

        def do(step: Step, outcomes: Mapping[str, str]) -> str | None:
            told = {"evidence": evidence, "run_id": run_id, "reference": reference}
            result = self.step(step.name, outcomes=outcomes, **told)  # type: ignore[arg-type]  # each as it is
            if result.action == "fail":
                raise StepFailedError(step.name) from result.error
            return result.outcome

        return rehearse(self._workflow(), do, answers)

    def _workflow(self) -> Steps:
        if self._steps is None:
            raise LookupError(f"{self.manifest.name} has no workflow")
        return self._steps

    def _stepping(self, step: Step) -> Context:
        return Context(
            REQUEST_ID,
            self._config,
            deadline=time.monotonic() + (step.timeout_s or MAX_STEP_S),
            specs=self._specs,
            capabilities=self.capabilities,
        )

    def _watched(self, context: Context, call: Callable[[], str | None]) -> Result:
        """What came of a run that only looks, records and emits."""
        failure: PluginError | None = None
        error: Exception | None = None
        outcome: str | None = None
        try:
            outcome = call()
        except Exception as raised:  # noqa: BLE001  # a plugin may raise anything
            failure, error = _failure(raised), raised
        came = self.capabilities.came()
        refused = (*context.refused, *came.refused)
        action = _action(None, failure, (), context.recorded, emitted=came.emitted)
        return Result(
            "fail" if refused else action,
            failure=failure,
            error=error,
            recorded=dict(context.recorded),
            refused=refused,
            deliveries=came.deliveries,
            emails=came.emails,
            exported=came.exported,
            outcome=outcome,
        )

    def _run(self, moment: Moment, values: dict[str, Any]) -> Result:
        asked = self._declared(moment)
        terms = self._terms(asked)
        reads = [name for name in asked.reads if name not in self._without]
        granted = dict.fromkeys(terms.writes, WRITE_ONLY) | {name: values.get(name) for name in reads}
        projection, context = Projection(granted), self._context(moment)
        decision: Decision | None = None
        failure: PluginError | None = None
        error: Exception | None = None
        after = values
        self.capabilities.begin(may_emit="emit" in asked.effects)
        try:
            decision = checked(self._call(moment, projection, context), terms)
            after = decided(values, decision)
        except Exception as raised:  # noqa: BLE001  # a plugin may raise anything
            failure, error = _failure(raised), raised
        came = self.capabilities.came()
        refused = (*projection.refused, *context.refused, *came.refused)
        if failure is None and refused:
            failure = PluginError(FailureClass.CONTRACT, "something that is not granted was asked for")
        changed = tuple(name for name in after if after[name] != values.get(name)) if not failure else ()
        return Result(
            _action(decision, failure, changed, context.recorded, emitted=came.emitted),
            decision,
            failure,
            error,
            dict(context.recorded),
            refused,
            changed,
            came.deliveries,
            came.emails,
            came.exported,
            values if failure else after,
        )

    def _finder(self, field: str, request: RequestValues | None = None) -> Callable[[str, bool], Look]:
        """What the plugin says of a piece. Raises what the plugin raised, or its failure."""
        asked = self._declared(AFTER)
        window_chars = asked.window_chars or 1
        hold_chars = asked.max_hold_chars or window_chars

        values = response_values({"request": request or {}})

        def find(text: str, is_end: bool) -> Look:
            piece = Piece(is_end, window_chars, hold_chars)
            result = self._run(AFTER, {**values, field: TextValues((text,), piece=piece)})
            if result.failure:
                raise result.error or result.failure
            return Look() if result.decision is None else look_of(result.decision, field, text)

        return find

    def _declared(self, moment: Moment) -> MomentRequest:
        asked = self.manifest.moments.get(moment)
        if asked is None:
            raise LookupError(f"{self.manifest.name} declares no [{moment}] in its plugin.toml")
        return asked

    def _call(self, moment: Moment, projection: Projection, context: Context) -> Decision:
        if moment == BEFORE:
            return self._plugin.before_upstream(Request(projection), context)
        return self._plugin.after_upstream(Response(projection), context)

    def _terms(self, asked: MomentRequest) -> Terms:
        return Terms(
            writes=frozenset(asked.writes) - self._without,
            effects=frozenset(asked.effects),
            reasons=frozenset(self.manifest.reasons),
            tags={
                name: frozenset(tag.values or texts_at(self._settings, tag.values_from))
                for name, tag in self.manifest.tags.items()
            },
            refers=REFERENCE in asked.reads and REFERENCE not in self._without,
        )

    def _context(self, moment: Moment) -> Context:
        timeout_ms = self._declared(moment).timeout_ms or TIMEOUTS_MS[moment]
        return Context(
            REQUEST_ID,
            self._config,
            deadline=time.monotonic() + timeout_ms / 1000,
            specs=self._specs,
            capabilities=self.capabilities,
        )


def harness(
    plugin: str | Path | type[Plugin],
    config: Mapping[str, Any] | None = None,
    *,
    manifest: str | None = None,
    without: Iterable[str] = (),
    secrets: Mapping[str, str] | None = None,
    transport: httpx.BaseTransport | None = None,
    workflow: str | None = None,
) -> Harness:
    """A harness around the plugin in a folder, or around a class.

    Args:
        plugin: the plugin's folder, or its class; a class's `plugin.toml` is looked for beside its module.
        config: what an operator would write under `[plugin.config]`.
        manifest: the text of a `plugin.toml`, for a class that has none beside it.
        without: fields that the manifest asks for and the operator does not grant.
        secrets: logical name → value.
        transport: who answers `ctx.http`, as `httpx.MockTransport(…)`.
        workflow: the text of a `workflow.toml`, for a class that has none beside it.

    Raises:
        ConfigurationError: what `penstock plugin check` would say of manifest, class or configuration.
    """
    if isinstance(plugin, type):
        found = (
            read_manifest(_folder(plugin)) if manifest is None else parse_manifest(manifest, "plugin.toml")
        )
        settings = validate_config(plugin, found.name, dict(config or {}))
        steps = _steps(plugin, found, workflow, settings)
        instance = plugin()
        instance.prepare(settings)
    else:
        loaded = load_plugin(Path(plugin), dict(config or {}))
        found, settings, instance, steps = loaded.manifest, loaded.config, loaded.plugin, loaded.steps
    capabilities = FakeCapabilities(found, settings, secrets or {}, transport)
    return Harness(instance, found, settings, without=without, capabilities=capabilities, steps=steps)


def _folder(plugin: type[Plugin]) -> Path:
    """Raises TypeError for a class that no file holds: it needs the texts."""
    return Path(inspect.getfile(plugin)).parent


def _steps(plugin: type[Plugin], manifest: Manifest, text: str | None, config: BaseModel) -> Steps | None:
    """Those of a class's workflow. Raises ConfigurationError."""
    if not manifest.workflow:
        return None
    steps = read_steps(_folder(plugin)) if text is None else parse_steps(text, "workflow.toml")
    check_steps(plugin, steps, "workflow.toml")
    return steps.filled(config.model_dump(mode="json"))


def _link(step: str, approver: str) -> str:
    """Looks like a signed link, and leads nowhere."""
    return f"https://approvals.example/{step}?to={approver}"


def _failure(error: Exception) -> PluginError:
    """What the evidence would know of it: its class."""
    if isinstance(error, PluginError):
        return error
    return PluginError(FailureClass.EXCEPTION, "the plugin raised")


def _action(
    decision: Decision | None,
    failure: PluginError | None,
    changed: tuple[str, ...],
    recorded: Mapping[str, Any],
    *,
    emitted: bool,
) -> Action:
    """The strongest of what happened (behaviour.md, section 4)."""
    if failure:
        return "fail"
    if isinstance(decision, Block):
        return "block"
    if changed or isinstance(decision, Respond):
        return "transform"
    return "emit" if emitted else "record" if recorded else "allow"
