"""A body that nobody reads is one part that no guard can see, and cannot be edited."""

from __future__ import annotations

import pytest

from penstock.dialects.opened.content import OpenedAnswer, OpenedRequest
from penstock.evidence.record import Usage
from penstock.sdk.edits import AddText

RAW = b"\x00\xff--boundary"


def test_the_bytes_that_came_are_the_bytes_that_go() -> None:
    request = OpenedRequest(RAW)
    assert request.encoded() == request.with_model("other", asks_usage=True) == RAW
    assert OpenedAnswer(RAW).encoded() == RAW


def test_the_whole_body_is_unseen_and_in_no_field() -> None:
    request = OpenedRequest(b"")
    (part,) = request.unseen
    assert (part.path, part.kind) == ("request", "body")
    assert request.some_unseen(5) == request.unseen
    assert (dict(request.unseen_kinds), request.present) == ({"body": 1}, frozenset())
    assert request.texts("request.messages.user").texts == ()
    assert request.members("request.metadata") == {}


def test_nothing_in_it_can_be_edited_taken_out_or_replaced() -> None:
    answer = OpenedAnswer(RAW)
    with pytest.raises(ValueError, match="where a text"):
        answer.edited([AddText("request.messages.system", "x")])
    with pytest.raises(ValueError, match="whole body"):
        answer.without(answer.unseen)
    with pytest.raises(ValueError, match="stands for"):
        answer.replaced("x")
    assert answer.edited([]) is answer.without([]) is answer.without_field("response.text") is answer


def test_its_usage_is_unknown() -> None:
    assert OpenedAnswer(RAW).usage() == Usage()
