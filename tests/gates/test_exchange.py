"""The exchange: what a placement is handed, what its edits change, and what the evidence says of both."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import FieldNotGrantedError, PluginError
from penstock.gates.exchange import REPLACED, Exchange
from penstock.sdk import AddText, Edit, MemberEdit, Request, SpanEdit, TextEdit
from penstock.sdk.edits import REMOVED, Replace
from penstock.sdk.fields import AFTER, BEFORE, FIELDS
from penstock.sdk.views import WRITE_ONLY
from tests.gates.fakes import SYSTEM, TEXT, USER, FakeContent, exchange_of, request_of

HEADER, TAGS = "request.headers.x-team", "request.tags"
METADATA, PARAMETERS, NOTES = "request.metadata", "request.parameters", "response.metadata"
INLINE = sorted(
    name.replace("<name>", "x-team") for name, entry in FIELDS.items() if entry.readable & {BEFORE, AFTER}
)


def full() -> Exchange:
    """An exchange with something in every kind of field."""
    request = FakeContent(
        {USER: ("hello", "world"), SYSTEM: ("be kind",), METADATA: ("red",)},
        {METADATA: {"team": "red"}, PARAMETERS: {"temperature": 1}},
    )
    return exchange_of(
        request,
        response=FakeContent({TEXT: ("answer",)}),
        request_headers={"x-team": "red"},
        tags={"team": "red"},
        status=200,
        usage={"input_tokens": 3},
    )


def state(exchange: Exchange) -> tuple[Any, ...]:
    beside = (exchange.request_headers, exchange.tags, exchange.response_headers, exchange.notes)
    return (exchange.request, exchange.response, *(dict(each) for each in beside))


EDITS: dict[str, list[Edit]] = {
    "a text": [TextEdit(USER, ((0, "HELLO"),))],
    "spans": [SpanEdit(USER, ((0, (Replace(0, 1, "J"), Replace(4, 5, "y"))), (1, (Replace(0, 5, ""),))))],
    "a message": [AddText(SYSTEM, "be brief")],
    "metadata": [MemberEdit(METADATA, "team", "blue")],
    "a parameter": [MemberEdit(PARAMETERS, "temperature", 0)],
    "a parameter's type": [MemberEdit(PARAMETERS, "temperature", True)],
    "a tag": [MemberEdit(TAGS, "team", "blue")],
    "a header": [MemberEdit(HEADER, "x-team", "blue")],
    "a header removed": [MemberEdit(HEADER, "x-team", REMOVED)],
    "a note": [MemberEdit(NOTES, "checked-by", "p")],
    "a response": [TextEdit(TEXT, ((0, "edited"),))],
    "several fields": [
        TextEdit(USER, ((0, "x"),)),
        MemberEdit(TAGS, "team", "blue"),
        TextEdit(USER, ((1, "y"),)),
    ],
}
NO_CHANGES: dict[str, list[Edit]] = {
    "nothing": [],
    "the same text": [TextEdit(USER, ((0, "hello"),))],
    "no spans": [SpanEdit(USER, ())],
    "the same tag": [MemberEdit(TAGS, "team", "red")],
    "a header that is not there, removed": [MemberEdit("request.headers.x-none", "x-none", REMOVED)],
    "the same parameter": [MemberEdit(PARAMETERS, "temperature", 1)],
}
UNFIT: dict[str, list[Edit]] = {
    "a text that is not there": [TextEdit(USER, ((2, "x"),))],
    "a good edit beside it": [MemberEdit(TAGS, "team", "blue"), TextEdit(USER, ((2, "x"),))],
    "a good text beside it": [TextEdit(SYSTEM, ((0, "x"),)), TextEdit(USER, ((2, "x"),))],
    "spans that overlap": [SpanEdit(USER, ((0, (Replace(0, 2, ""), Replace(1, 3, ""))),))],
    "a text of a tag": [TextEdit(TAGS, ((0, "x"),))],
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_edits_change_what_they_name_and_each_field_is_recorded_once(edits: list[Edit]) -> None:
    exchange, untouched = full(), full()
    changed = exchange.applied(edits, commit=True)
    assert [change.field for change in changed] == list(dict.fromkeys(edit.field for edit in edits))
    for change in changed:
        assert change.before != change.after
        assert change.before == untouched.digest(change.field)
        assert change.after == exchange.digest(change.field)
    assert repr(state(exchange)) != repr(state(untouched))  # by `repr`, since 1 == True


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS.keys())
def test_without_commit_the_same_is_recorded_and_nothing_has_changed(edits: list[Edit]) -> None:
    exchange, committed = full(), full()
    assert exchange.applied(edits, commit=False) == committed.applied(edits, commit=True)
    assert state(exchange) == state(full())
    assert exchange.digest(edits[0].field) == full().digest(edits[0].field)


@pytest.mark.parametrize("edits", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_an_edit_that_changes_nothing_is_no_change(edits: list[Edit]) -> None:
    exchange = full()
    assert exchange.applied(edits, commit=True) == []
    assert state(exchange) == state(full())


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("edits", UNFIT.values(), ids=UNFIT.keys())
def test_of_edits_that_do_not_fit_together_none_is_applied(edits: list[Edit], commit: bool) -> None:
    exchange = full()
    with pytest.raises(PluginError) as caught:
        exchange.applied(edits, commit=commit)
    assert caught.value.failure == "contract"
    assert state(exchange) == state(full())


def test_a_response_that_is_not_there_cannot_be_edited() -> None:
    with pytest.raises(PluginError):
        exchange_of().applied([TextEdit(TEXT, ((0, "x"),))], commit=True)


def test_every_replacement_counts_as_an_edit() -> None:
    count = {name: sum(change.edits for change in full().applied(EDITS[name], commit=True)) for name in EDITS}
    assert count["spans"] == 3
    assert count["several fields"] == 3
    assert count["a tag"] == 1


@given(st.sets(st.sampled_from(INLINE)), st.sampled_from(INLINE))
def test_a_projection_holds_the_granted_fields_and_no_other(reads: set[str], asked: str) -> None:
    projection = full().projected(sorted(reads), frozenset())
    assert set(projection.values) == reads
    if asked not in reads:
        with pytest.raises(FieldNotGrantedError):
            projection.get(asked)


def test_what_is_granted_for_writing_alone_is_there_unreadable() -> None:
    projection = full().projected((USER,), frozenset({USER, TAGS}))
    assert projection.values[TAGS] is WRITE_ONLY
    assert Request(projection).messages.user[0] == "hello"


def test_each_field_has_its_value_and_what_is_not_there_is_empty() -> None:
    shown, bare = (
        full().projected(INLINE, frozenset()).values,
        exchange_of().projected(INLINE, frozenset()).values,
    )
    assert (shown[USER].texts, shown[TEXT].texts, bare[TEXT].texts) == (("hello", "world"), ("answer",), ())
    assert (shown[HEADER], bare[HEADER], shown["response.headers.x-team"]) == ("red", None, None)
    assert (shown["response.status"], bare["response.status"]) == (200, None)
    assert (shown[PARAMETERS], bare[PARAMETERS]) == ({"temperature": 1}, {})
    assert (shown["request.model"], shown["request.mcp.tool"]) == ("echo-1", None)
    assert shown["identity"] == {"organisation": "acme", "api_key": "demo"}


def test_what_was_seen_is_told_in_numbers_and_a_digest_without_a_word_of_it() -> None:
    exchange = exchange_of(request_of("my secret", "two"))
    saw = exchange.saw((USER, "request.model"))
    assert (saw.fields, saw.segments, saw.chars) == ([USER, "request.model"], 2, 12)
    assert "secret" not in repr(saw)
    assert exchange_of(request_of("my secret", "two")).saw((USER, "request.model")) == saw
    assert exchange_of(request_of("my secret", "2")).saw((USER, "request.model")).digest != saw.digest
    assert exchange.saw(("request.model",)).digest is None


def test_what_is_seen_after_an_edit_is_what_the_edit_left() -> None:
    exchange = full()
    before = exchange.saw((USER,))
    exchange.applied([TextEdit(USER, ((0, "hi"),))], commit=True)
    after = exchange.saw((USER,))
    assert (before.chars, after.chars) == (10, 7)
    assert before.digest != after.digest


def test_texts_that_are_cut_elsewhere_have_another_digest() -> None:
    one, other = exchange_of(request_of("ab", "c")), exchange_of(request_of("a", "bc"))
    assert one.digest(USER) != other.digest(USER)
    assert exchange_of(request_of()).digest(USER) is None


def test_a_replaced_response_is_recorded_as_such_and_only_kept_on_commit() -> None:
    exchange = full()
    other = FakeContent({TEXT: ("kept back",)})
    shadow = exchange.respond(other, commit=False)
    assert exchange.response == full().response
    assert exchange.respond(other, commit=True) == shadow
    assert exchange.response == other
    assert (shadow[0].field, shadow[0].before) == (REPLACED, full().digest(TEXT))
    assert shadow[0].after == exchange.digest(TEXT)


def test_parts_that_were_dropped_are_seen_no_more() -> None:
    exchange = full()
    exchange.saw((USER,))
    exchange.dropped(request_of("less"), "request")
    exchange.dropped(FakeContent({TEXT: ("short",)}), "response")
    assert exchange.saw((USER,)).chars == 4
    assert exchange.saw((TEXT,)).chars == 5


def test_beside_an_exchange_another_response_is_seen_and_edited_and_the_exchange_keeps_its_own() -> None:
    exchange = full()
    seen = exchange.saw((USER, TEXT))
    beside = exchange.beside(FakeContent({TEXT: ("other words",)}))
    assert beside.saw((TEXT,)).chars == len("other words")
    assert beside.digest(USER) == exchange.digest(USER)
    beside.applied([SpanEdit(TEXT, ((0, (Replace(0, 5, "no"),)),))], commit=True)
    assert beside.response == FakeContent({TEXT: ("no words",)})
    assert exchange.response == full().response
    assert exchange.saw((USER, TEXT)) == seen


def test_the_reference_is_of_the_request_as_it_came_and_each_plugin_s_own() -> None:
    exchange = exchange_of()
    before = exchange.reference("gate")
    exchange.applied([TextEdit(USER, ((0, "other words"),))], commit=True)
    assert exchange.reference("gate") == before != exchange.reference("other")
    assert exchange.projected(("request.reference",), frozenset(), "gate").get("request.reference") == before
    assert exchange_of(request_of("other words")).reference("gate") != before


@pytest.mark.parametrize("dimension", ["api_key", "tenant", "model", "route", "organisation"])
def test_another_key_tenant_model_or_route_has_a_reference_of_its_own(dimension: str) -> None:
    facts = {"organisation": "acme", "api_key": "demo", "model": "echo-1", "tenant": None, "route": "/v1/x"}
    ours = exchange_of(facts=facts).reference("gate")
    assert exchange_of(facts={**facts, dimension: "another"}).reference("gate") != ours
    assert exchange_of(facts=dict(reversed(facts.items()))).reference("gate") == ours
