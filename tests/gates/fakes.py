"""A body in memory and placements in one line, for the engine's tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.content import Content, Unseen
from penstock.evidence.digests import Digester, DigestKey
from penstock.gates.deadline import Deadlines
from penstock.gates.exchange import Exchange
from penstock.gates.gate import Gate, GateResult
from penstock.gates.host import InProcessHost
from penstock.gates.overrides import Overrides
from penstock.gates.placement import Placement, derived_style, in_order
from penstock.sdk import Context, Decision, Request, Response
from penstock.sdk.context import RecordSpec
from penstock.sdk.contract import Terms
from penstock.sdk.edits import (
    REMOVED,
    AddText,
    Edit,
    MemberEdit,
    Replace,
    SpanEdit,
    TextEdit,
    apply_spans,
    new_texts,
)
from penstock.sdk.fields import CHAT, REFERENCE, Moment
from penstock.sdk.loading import LoadedPlugin
from penstock.sdk.manifest import Manifest
from penstock.sdk.plugin import Plugin, PluginConfig
from penstock.sdk.views import TextValues

REQUEST_ID = "0190a5b2-7c00-7000-8000-000000000001"
USER = "request.messages.user"
SYSTEM = "request.messages.system"
TEXT = "response.text"


@dataclass(frozen=True)
class FakeContent:
    """Fields in a dict. `AddText` appends; what `stuck` names cannot be taken out."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    named: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unseen: tuple[Unseen, ...] = ()
    surface: str = CHAT
    stuck: bool = False

    @property
    def present(self) -> frozenset[str]:
        return frozenset(name for name, texts in self.values.items() if any(texts))

    @property
    def unseen_kinds(self) -> Mapping[str, int]:
        return Counter(part.kind for part in self.unseen)

    def some_unseen(self, most: int) -> tuple[Unseen, ...]:
        taken: Counter[str] = Counter()
        some = []
        for part in self.unseen:
            taken[part.kind] += 1
            if taken[part.kind] <= most:
                some.append(part)
        return tuple(some)

    def texts(self, field: str) -> TextValues:
        return TextValues(self.values.get(field, ()))

    def members(self, field: str) -> Mapping[str, Any]:
        return self.named.get(field, {})

    def edited(self, edits: Sequence[Edit]) -> Content:
        content = self
        for name in dict.fromkeys(edit.field for edit in edits):
            mine = [edit for edit in edits if edit.field == name]
            content = content._rewritten(name, [e for e in mine if isinstance(e, SpanEdit | TextEdit)])
            for edit in mine:
                content = content._added(edit)
        return content

    def without(self, unseen: Sequence[Unseen]) -> Content:
        if self.stuck:
            raise ValueError
        return replace(self, unseen=tuple(u for u in self.unseen if u not in unseen))

    def without_field(self, field: str) -> Content:
        return replace(self, values={k: v for k, v in self.values.items() if k != field})

    def replaced(self, text: str) -> Content:
        return replace(self, values={TEXT: (text,)})

    def encoded(self) -> bytes:
        return repr((dict(self.values), dict(self.named))).encode()

    def _rewritten(self, name: str, edits: Sequence[SpanEdit | TextEdit]) -> FakeContent:
        """Every edit means the texts as they were before the first of them."""
        texts = list(self.values.get(name, ()))
        pieces: dict[int, list[Replace]] = {}
        for edit in edits:
            new_texts(edit, texts)  # raises for what is not there
            if isinstance(edit, SpanEdit):
                for index, spans in edit.spans:
                    pieces.setdefault(index, []).extend(spans)
            else:
                for index, text in edit.texts:
                    pieces.setdefault(index, []).append(Replace(0, len(texts[index]), text))
        for index, found in pieces.items():
            texts[index] = apply_spans(texts[index], sorted(found, key=lambda span: span.start))
        return replace(self, values={**self.values, name: tuple(texts)}) if edits else self

    def _added(self, edit: Edit) -> FakeContent:
        if isinstance(edit, MemberEdit):
            members = {**self.members(edit.field), edit.name: edit.value}
            kept = {name: value for name, value in members.items() if value is not REMOVED}
            return replace(self, named={**self.named, edit.field: kept})
        if isinstance(edit, AddText):
            texts = (*self.values.get(edit.field, ()), edit.text)
            return replace(self, values={**self.values, edit.field: texts})
        return self


class Says(Plugin):
    """Answers with whatever it was made with, and counts its calls."""

    def __init__(self, answer: Callable[[Request, Context], Any]) -> None:
        self.answer = answer
        self.calls = 0

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        self.calls += 1
        return self.answer(request, ctx)  # type: ignore[no-any-return]  # rubbish is part of the tests

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        self.calls += 1
        return self.answer(response, ctx)  # type: ignore[arg-type,no-any-return]  # same


def request_of(*user: str, **more: tuple[str, ...]) -> FakeContent:
    """A request with these user messages; `system=("…",)` adds another role."""
    roles = {f"request.messages.{role}": texts for role, texts in more.items()}
    return FakeContent({USER: user, **roles})


def exchange_of(content: FakeContent | None = None, **more: Any) -> Exchange:
    """An exchange with known ids and a known digest key."""
    facts = {"organisation": "acme", "api_key": "demo", "model": "echo-1", "dialect": "openai"}
    return Exchange(
        request_id=REQUEST_ID,
        facts=more.pop("facts", facts),
        identity=more.pop("identity", {"organisation": "acme", "api_key": "demo"}),
        request=content or request_of("hello"),
        digester=Digester(DigestKey("k1", b"0" * 32), REQUEST_ID),
        **more,
    )


def placement_of(name: str, moment: Moment = "before_upstream", **more: Any) -> Placement:
    """A placement that may read and write user text and block for `reason`, unless told otherwise."""
    text = USER if moment == "before_upstream" else TEXT
    reads = tuple(more.pop("reads", (text,)))
    effects = frozenset(more.pop("effects", ("block", "transform", "respond", "record")))
    writes = frozenset(more.pop("writes", (text,) if "transform" in effects else ()))
    style = derived_style(moment, effects, reads, tuple(more.get("after", ())))
    reasons = more.pop("reasons", {"reason": "A sentence from the manifest."})
    return Placement(
        plugin=name,
        version="1.0.0",
        digest="sha256:" + "0" * 64,
        moment=moment,
        style=style,
        host=more.pop("host", "in_process"),
        timeout_ms=more.pop("timeout_ms", 200),
        on_error=more.pop("on_error", "block" if style == "ordered" else "allow"),
        reads=reads,
        terms=Terms(writes, effects, frozenset(reasons), more.pop("tags", {}), REFERENCE in reads),
        reasons=reasons,
        records=more.pop("records", {"found": RecordSpec(unit="count", minimum=0, maximum=100)}),
        **more,
    )


def loaded(plugin: Plugin) -> LoadedPlugin:
    """A plugin as the loader gives it, without a folder."""
    manifest = Manifest.model_validate(
        {
            "name": "fake-plugin",
            "version": "1.0.0",
            "summary": "A plugin of the engine's tests.",
            "purpose": "Use this plugin to transform prompts for tests.",
            "owner": "tests",
            "contract": 1,
            "entry_point": "fake:Fake",
            "before_upstream": {},
        }
    )
    return LoadedPlugin(manifest, "sha256:" + "0" * 64, plugin, PluginConfig())


def gate_of(plugins: Mapping[str, Plugin], *placements: Placement, budget_ms: int = 5_000) -> Gate:
    """A gate over plugins that are already instances."""
    host = InProcessHost({name: loaded(plugin) for name, plugin in plugins.items()}, Deadlines(None))
    ordered = in_order(list(placements))
    return Gate(ordered[0].moment, ordered, {"in_process": host}, budget_ms=budget_ms)


def run_one(
    plugin: Plugin, exchange: Exchange | None = None, **placement: Any
) -> tuple[GateResult, Exchange]:
    """Run one plugin at one gate."""
    moment: Moment = placement.pop("moment", "before_upstream")
    exchange = exchange or exchange_of()
    gate = gate_of({"one": plugin}, placement_of("one", moment, **placement))
    return gate.run(exchange, Overrides()), exchange


def user_texts(exchange: Exchange) -> tuple[str, ...]:
    """What the user's messages say now."""
    return exchange.request.texts(USER).texts


__all__ = [
    "REQUEST_ID",
    "SYSTEM",
    "TEXT",
    "USER",
    "FakeContent",
    "Says",
    "SpanEdit",
    "TextEdit",
    "exchange_of",
    "gate_of",
    "loaded",
    "placement_of",
    "request_of",
    "run_one",
    "user_texts",
]
