"""The gate: order, styles, decisions, modes, skips, failure policies, accounting."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import AccountingError, ConfigurationError
from penstock.gates.gate import Gate, disposition
from penstock.gates.overrides import Override, Overrides
from penstock.gates.placement import Mode, Placement, bucket, derived_style, in_order
from penstock.gates.scope import Scope
from penstock.gates.started import Started
from penstock.sdk import Allow, Block, Context, Decision, Request, Respond, Transform
from tests.gates.fakes import (
    TEXT,
    USER,
    FakeContent,
    Says,
    exchange_of,
    gate_of,
    placement_of,
    request_of,
    run_one,
    user_texts,
)


def upper(request: Request, _: Context) -> Decision:
    return Transform(request.messages.user.map(str.upper))


def count(_: Request, ctx: Context) -> Decision:
    ctx.record("found", 1)
    return Allow()


def block(_: Request, __: Context) -> Decision:
    return Block("reason")


def allow(_: Request, __: Context) -> Decision:
    return Allow()


def test_ordered_placements_see_what_the_one_before_left() -> None:
    add = Says(lambda r, _: Transform(r.messages.user.map(lambda t: t + "!")))
    gate = gate_of({"a": Says(upper), "b": add}, placement_of("b", order=2), placement_of("a", order=1))
    exchange = exchange_of(request_of("hi"))
    result = gate.run(exchange, Overrides())
    assert user_texts(exchange) == ("HI!",)
    assert [record.plugin for record in result.records] == ["a", "b"]


def test_after_comes_before_order_and_a_circle_is_refused() -> None:
    first = placement_of("a", order=1, after=("b",))
    assert [p.plugin for p in in_order([first, placement_of("b", order=9)])] == ["b", "a"]
    with pytest.raises(ConfigurationError, match="circle"):
        in_order([first, placement_of("b", after=("a",))])
    with pytest.raises(ConfigurationError, match="names 'z'"):
        in_order([placement_of("a", after=("z",))])


@pytest.mark.parametrize(
    ("effects", "reads", "after", "style"),
    [
        ({"record"}, (USER,), (), "independent"),
        ({"block"}, (USER,), (), "ordered"),
        ({"respond"}, (), (), "ordered"),
        ({"record"}, ("decisions",), (), "ordered"),
        ({"record"}, (), ("other",), "ordered"),
    ],
)
def test_style_is_derived_from_what_a_placement_may_do(
    effects: set[str], reads: tuple[str, ...], after: tuple[str, ...], style: str
) -> None:
    assert derived_style("before_upstream", frozenset(effects), reads, after) == style
    assert derived_style("after_response", frozenset(effects), reads, after) == "background"


def test_the_first_block_ends_the_gate_and_the_rest_are_recorded_as_skipped() -> None:
    last = Says(allow)
    gate = gate_of(
        {"a": Says(block), "b": last, "c": last},
        placement_of("a", order=1),
        placement_of("b", order=2),
        placement_of("c", effects=("record",)),
    )
    result = gate.run(exchange_of(), Overrides())
    assert result.denial is not None
    assert (result.denial.code, result.denial.status) == ("a.reason", 403)
    assert result.denial.message == "A sentence from the manifest."
    assert [(r.action, r.reason) for r in result.records] == [
        ("block", "reason"),
        ("skipped", "after_block"),
        ("skipped", "after_block"),
    ]
    assert last.calls == 0


def test_shadow_decides_and_is_recorded_but_changes_nothing() -> None:
    result, exchange = run_one(Says(upper), exchange_of(request_of("hi")), mode=Mode.SHADOW)
    record = result.records[0]
    assert user_texts(exchange) == ("hi",)
    assert (record.mode, record.action, record.would) == ("shadow", "allow", "would_transform")
    assert record.changed[0].field == USER
    assert record.changed[0].before != record.changed[0].after

    result, _ = run_one(Says(block), mode=Mode.SHADOW)
    assert result.denial is None
    assert (result.records[0].would, result.records[0].reason) == ("would_block", "reason")


def test_a_transform_that_changes_nothing_counts_as_allow() -> None:
    result, _ = run_one(Says(lambda r, _: Transform(r.messages.user.sub("zzz", "y"))))
    assert (result.records[0].action, result.records[0].changed) == ("allow", [])


def test_an_edit_is_recorded_with_its_field_its_count_and_two_digests() -> None:
    result, exchange = run_one(
        Says(lambda r, _: Transform(r.messages.user.sub("a", "b"))), exchange_of(request_of("a-a", "a"))
    )
    change = result.records[0].changed[0]
    assert (change.field, change.edits) == (USER, 3)
    assert str(change.before).startswith("hmac:k1:")
    assert user_texts(exchange) == ("b-b", "b")


def test_what_a_placement_saw_is_counted_and_digested() -> None:
    content = request_of("four", "five!", system=("hidden",))
    result, _ = run_one(Says(allow), exchange_of(content), uninspected={"default": "allow"})
    saw = result.records[0].saw
    assert saw is not None
    assert (saw.fields, saw.segments, saw.chars) == ([USER], 2, 9)
    assert saw.digest is not None


def test_respond_before_the_upstream_is_an_answer_and_a_later_block_still_wins() -> None:
    result, _ = run_one(Says(lambda _, __: Respond.text("no need")))
    assert (result.answer, result.records[0].action) == ("no need", "transform")
    assert result.records[0].changed[0].field == "response (replaced)"
    gate = gate_of(
        {"a": Says(lambda _, __: Respond.text("x")), "b": Says(block)},
        placement_of("a", order=1),
        placement_of("b", order=2),
    )
    assert gate.run(exchange_of(), Overrides()).denial is not None


def test_respond_after_the_upstream_replaces_the_response() -> None:
    exchange = exchange_of(response=FakeContent({TEXT: ("secret",)}))
    result, exchange = run_one(
        Says(lambda _, __: Respond.text("kept back")), exchange, moment="after_upstream"
    )
    assert exchange.response is not None
    assert exchange.response.texts(TEXT).texts == ("kept back",)
    assert result.records[0].changed[0].before != result.records[0].changed[0].after


def test_without_a_response_an_after_placement_is_skipped_for_want_of_context() -> None:
    result, _ = run_one(Says(allow), moment="after_upstream")
    assert (result.records[0].action, result.records[0].reason) == ("skipped", "no_context")


@pytest.mark.parametrize(
    ("override", "mode", "reason"),
    [
        (Override(killed=True), Mode.ENFORCE, "killed"),
        (Override(mode=Mode.OFF), Mode.OFF, "off"),
        (Override(mode=Mode.SHADOW), Mode.SHADOW, None),
        (Override(rollout=0), Mode.SHADOW, None),
        (Override(scope=Scope.of({"team": ("none",)})), Mode.ENFORCE, "out_of_scope"),
    ],
)
def test_an_override_lowers_a_placement(override: Override, mode: Mode, reason: str | None) -> None:
    facts = {"api_key": "demo", "team": "red"}
    overrides = Overrides({"p": override})
    assert disposition(placement_of("p"), facts, "r", overrides) == (mode, reason)


def test_an_override_never_raises_what_was_deployed_and_spares_required_placements() -> None:
    shadow = placement_of("p", mode=Mode.SHADOW, rollout=0)
    assert (
        disposition(shadow, {}, "r", Overrides({"p": Override(mode=Mode.ENFORCE, rollout=100)}))[0]
        is Mode.SHADOW
    )
    required = placement_of("p", required=True)
    assert disposition(required, {}, "r", Overrides({"p": Override(killed=True)})) == (Mode.ENFORCE, None)
    forced = Override(killed=True, break_glass=True)
    assert disposition(required, {}, "r", Overrides({"p": forced})) == (Mode.ENFORCE, "killed")


def test_rollout_is_sticky_by_key_and_close_to_its_share() -> None:
    placement = placement_of("p", rollout=25)
    modes = [disposition(placement, {"api_key": f"key-{n}"}, "r", Overrides())[0] for n in range(2_000)]
    assert modes == [
        disposition(placement, {"api_key": f"key-{n}"}, "x", Overrides())[0] for n in range(2_000)
    ]
    assert 0.2 < modes.count(Mode.ENFORCE) / 2_000 < 0.3


def test_sampling_chooses_requests_and_records_the_ones_left_out() -> None:
    placement = placement_of("p", effects=("record",), sample=10)
    reasons = [disposition(placement, {}, f"request-{n}", Overrides())[1] for n in range(2_000)]
    assert 0.06 < reasons.count(None) / 2_000 < 0.14
    assert set(reasons) == {None, "sampled_out"}
    assert bucket("p", "a") != bucket("q", "a") or bucket("p", "b") != bucket("q", "b")


def test_on_error_decides_after_a_failure() -> None:
    def crash(_: Request, __: Context) -> Decision:
        raise ValueError("with content")

    blocked, _ = run_one(Says(crash))
    assert blocked.denial is not None
    assert (blocked.denial.code, blocked.denial.status) == ("plugin_unavailable", 503)
    passed, _ = run_one(Says(crash), on_error="allow")
    shadowed, _ = run_one(Says(crash), mode=Mode.SHADOW)
    for result in (blocked, passed, shadowed):
        assert (result.records[0].action, result.records[0].failure) == ("fail", "exception")
    assert passed.denial is None
    assert shadowed.denial is None


def test_recorded_numbers_stand_beside_the_stronger_action() -> None:
    def both(request: Request, ctx: Context) -> Decision:
        ctx.record("found", 2)
        ctx.record("found", 3)
        return upper(request, ctx)

    result, _ = run_one(Says(both), exchange_of(request_of("hi")))
    record = result.records[0]
    assert (record.action, record.also, record.recorded) == ("transform", ["record"], {"found": 5})
    only, _ = run_one(Says(count))
    assert only.records[0].action == "record"


def test_decisions_of_earlier_placements_can_be_read() -> None:
    seen: list[Any] = []

    def look(request: Request, _: Context) -> Decision:
        seen.extend(request.decisions)
        return Allow()

    gate = gate_of(
        {"a": Says(upper), "b": Says(look)},
        placement_of("a", order=1),
        placement_of("b", order=2, reads=("decisions",), effects=("record",)),
    )
    gate.run(exchange_of(request_of("hi")), Overrides())
    assert [(d["plugin"], d["action"]) for d in seen] == [("a", "transform")]


def test_tags_headers_and_notes_are_edited_beside_the_body() -> None:
    def label(request: Request, _: Context) -> Decision:
        return Transform(request.tags.set("team", "red"), request.headers.set("x-cost-center", "cc-1"))

    result, exchange = run_one(
        Says(label),
        writes=("request.tags", "request.headers.x-cost-center"),
        reads=(),
        tags={"team": frozenset({"red"})},
    )
    assert (exchange.tags, exchange.request_headers) == ({"team": "red"}, {"x-cost-center": "cc-1"})
    assert {c.field for c in result.records[0].changed} == {"request.tags", "request.headers.x-cost-center"}


def test_a_gate_whose_budget_is_spent_skips_and_fails_closed() -> None:
    now = [0.0]

    def slow(_: Request, __: Context) -> Decision:
        now[0] += 2
        return Allow()

    placements = in_order([placement_of("a", order=1), placement_of("b", order=2)])
    source = gate_of({"a": Says(slow), "b": Says(allow)}, *placements)
    gate = Gate("before_upstream", placements, source.hosts, budget_ms=1_000, clock=lambda: now[0])
    result = gate.run(exchange_of(), Overrides())
    assert [(r.action, r.reason) for r in result.records] == [("allow", None), ("skipped", "deadline")]
    assert result.denial is not None
    assert result.denial.code == "plugin_unavailable"


def test_a_plugin_that_could_not_be_loaded_fails_every_run_then_opens_its_circuit() -> None:
    gate = gate_of({}, placement_of("gone"))
    classes = [gate.run(exchange_of(), Overrides()).records[0].failure for _ in range(7)]
    assert classes == ["import"] * 5 + ["circuit_open"] * 2


def test_a_missing_record_fails_the_request_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = gate_of({"a": Says(allow)}, placement_of("a"))

    class Forgetful(list[Any]):
        def append(self, _: Any) -> None:
            """Lose it."""

    monkeypatch.setattr("penstock.gates.gate.GateResult.__init__", lambda self: _forget(self, Forgetful()))
    with pytest.raises(AccountingError):
        gate.run(exchange_of(), Overrides())


def _forget(result: Any, records: list[Any]) -> None:
    result.denial, result.answer, result.uninspected, result.ms = None, None, [], 0.0
    result.records, result.started = records, Started()


def test_a_fault_of_the_gateway_in_one_turn_is_that_placements_failure_and_closes() -> None:
    class Broken(FakeContent):
        def edited(self, edits: Any) -> Any:
            raise KeyError("alice@example.com")

    gate = gate_of(
        {"a": Says(upper), "b": Says(allow)}, placement_of("a", order=1), placement_of("b", order=2)
    )
    result = gate.run(exchange_of(Broken({USER: ("hi",)})), Overrides())
    assert [(r.action, r.failure or r.reason) for r in result.records] == [
        ("fail", "exception"),
        ("skipped", "after_block"),
    ]
    assert result.denial is not None
    assert result.denial.code == "plugin_unavailable"


def test_a_placement_that_only_looks_can_never_stop_a_request() -> None:
    def crash(_: Request, __: Context) -> Decision:
        raise ValueError

    result, _ = run_one(Says(crash), effects=("record",), on_error="block")
    assert (result.denial, result.records[0].action) == (None, "fail")


def test_what_was_off_anyway_says_so_even_after_a_block() -> None:
    gate = gate_of({"a": Says(block)}, placement_of("a", order=1), placement_of("b", order=2, mode=Mode.OFF))
    assert [r.reason for r in gate.run(exchange_of(), Overrides()).records] == ["reason", "off"]


def test_every_placement_leaves_exactly_one_record_whatever_happens() -> None:
    placements: list[Placement] = [
        placement_of("off", mode=Mode.OFF),
        placement_of("elsewhere", scope=Scope.of({"team": ("none",)})),
        placement_of("runs", order=1),
        placement_of("breaks", order=2, on_error="allow"),
        placement_of("blocks", order=3),
        placement_of("late", order=4),
        placement_of("looks", effects=("record",)),
    ]
    plugins = {"runs": Says(allow), "breaks": Says(lambda _, __: "rubbish"), "blocks": Says(block)}
    result = gate_of(plugins, *placements).run(exchange_of(), Overrides())
    assert sorted(r.plugin for r in result.records) == sorted(p.plugin for p in placements)
    assert {r.plugin: r.reason or r.failure or r.action for r in result.records} == {
        "off": "off",
        "elsewhere": "out_of_scope",
        "runs": "allow",
        "breaks": "contract",
        "blocks": "reason",
        "late": "after_block",
        "looks": "after_block",
    }
