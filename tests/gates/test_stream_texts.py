"""The texts of a stream put together: a content like any other, in the order of an answer."""

from __future__ import annotations

from operator import attrgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.content import Content
from penstock.gates.stream_texts import GatheredContent, Passed, changes, gathered
from penstock.sdk import AddText, Edit, MemberEdit, SpanEdit, TextEdit
from penstock.sdk.edits import Replace
from tests.gates.fakes import TEXT, FakeContent, exchange_of
from tests.gates.streaming import REASONING

VALUES = {TEXT: ("one", ""), REASONING: ("",)}


def passed(text: str, choice: int | None = 0, left: str | None = None, field: str = TEXT) -> Passed:
    after = text if left is None else left
    return Passed(field, choice, (text,), (after,), (text[:1],), int(text != after), text != after)


def test_it_carries_its_texts_and_nothing_else() -> None:
    content = GatheredContent(VALUES)
    assert content.texts(TEXT).texts == ("one", "")
    assert content.texts("response.mcp.result").texts == ()
    assert content.present == {TEXT}
    assert content.members("request.metadata") == {}
    assert (content.unseen, dict(content.unseen_kinds), content.some_unseen(9)) == ((), {}, ())
    assert content.without(()) is content


SPAN = st.builds(Replace, st.integers(-1, 4), st.integers(-1, 4), st.sampled_from(["", "x", "yy"]))
EDITS = st.one_of(
    st.builds(
        lambda field, index, spans: SpanEdit(field, ((index, tuple(sorted(spans))),)),
        st.sampled_from([TEXT, REASONING]),
        st.integers(0, 2),
        st.lists(SPAN, max_size=2),
    ),
    st.builds(lambda index: TextEdit(TEXT, ((index, "whole"),)), st.integers(0, 2)),
)


@given(st.lists(EDITS, max_size=3))
def test_it_takes_edits_as_every_content_does(edits: list[Edit]) -> None:
    def outcome(content: Content) -> object:
        try:
            left = content.edited(edits)
        except ValueError:
            return "does not fit"
        return {name: left.texts(name).texts for name in VALUES}

    assert outcome(GatheredContent(VALUES)) == outcome(FakeContent(VALUES))


@pytest.mark.parametrize("edit", [MemberEdit(TEXT, "a", 1), AddText(TEXT, "more")])
def test_it_has_no_members_and_grows_no_texts(edit: Edit) -> None:
    with pytest.raises(ValueError, match="texts"):
        GatheredContent(VALUES).edited([edit])


def test_a_field_can_be_left_out() -> None:
    left = GatheredContent(VALUES).without_field(TEXT)
    assert (left.texts(TEXT).texts, left.texts(REASONING).texts) == ((), ("",))


def test_nothing_of_it_is_sent() -> None:
    content = GatheredContent(VALUES)
    for act in (content.encoded, lambda: content.replaced("other")):
        with pytest.raises(ValueError, match=r"sent|replaced"):
            act()


def test_texts_stand_choice_by_choice_then_as_they_appeared_and_those_of_no_choice_last() -> None:
    texts = [passed("c1", 1), passed("none", None), passed("c0", 0), passed("c1b", 1), passed("c0b", 0)]
    assert gathered(texts, attrgetter("came")).texts(TEXT).texts == ("c0", "c0b", "c1", "c1b", "none")
    assert gathered(texts, attrgetter("shown")).texts(TEXT).texts == ("c", "c", "c", "c", "n")


def test_what_changed_is_told_as_of_a_unary_answer() -> None:
    exchange = exchange_of()
    texts = [passed("one", 0, "1"), passed("two", 1), passed("so", 0, field=REASONING)]
    (change,) = changes(exchange, texts, (REASONING, TEXT))
    exchange.response = FakeContent({TEXT: ("one", "two")})
    edit = SpanEdit(TEXT, ((0, (Replace(0, 3, "1"),)),))
    assert [change] == exchange.applied([edit], commit=False)


def test_edits_that_leave_all_as_it_was_changed_nothing() -> None:
    same = Passed(TEXT, 0, ("ab",), ("ab",), ("ab",), 2, has_changed=True)
    cut = Passed(TEXT, 0, ("ab",), ("a",), ("ab",), 1, has_changed=False)
    assert changes(exchange_of(), [same], (TEXT,)) == []
    assert changes(exchange_of(), [cut], (TEXT,)) == []
