"""Nothing unseen under a guard: what is refused, dropped, allowed, and what the evidence says of it."""

from __future__ import annotations

from penstock.content import Unseen
from penstock.gates.placement import Mode
from penstock.sdk import Allow, Context, Decision, Request
from tests.gates.fakes import SYSTEM, TEXT, USER, FakeContent, Says, exchange_of, request_of, run_one


def allow(_: Request, __: Context) -> Decision:
    return Allow()


def test_an_unread_image_under_a_guard_is_refused_by_default() -> None:
    image = Unseen("messages[*].content[*].image_url.url", "image", ("messages", 0))
    guard = Says(allow)
    result, _ = run_one(guard, exchange_of(FakeContent({USER: ("hi",)}, unseen=(image,))))
    assert result.denial is not None
    assert (result.denial.code, result.denial.status) == ("uninspectable_content", 403)
    assert "image" in result.denial.message
    assert [(u.kind, u.policy, u.plugin) for u in result.uninspected] == [("image", "refuse", "one")]
    assert (result.records[0].action, guard.calls) == ("block", 0)


def test_text_of_a_field_that_was_not_granted_is_unseen_too() -> None:
    result, _ = run_one(Says(allow), exchange_of(request_of("hi", system=("be kind",))))
    assert result.denial is not None
    assert SYSTEM in result.denial.message
    allowed, _ = run_one(
        Says(allow), exchange_of(request_of("hi", system=("be kind",))), uninspected={SYSTEM: "allow"}
    )
    assert allowed.denial is None
    assert [(u.kind, u.policy) for u in allowed.uninspected] == [(SYSTEM, "allow")]


def test_an_unseen_part_can_be_dropped_and_what_cannot_be_dropped_is_refused() -> None:
    image = Unseen("a", "image", ("a",))
    content = FakeContent({USER: ("hi",)}, unseen=(image,))
    result, exchange = run_one(Says(allow), exchange_of(content), uninspected={"image": "drop"})
    assert result.denial is None
    assert [u.policy for u in result.uninspected] == ["drop"]
    assert exchange.request.unseen == ()
    stuck = FakeContent({USER: ("hi",)}, unseen=(image,), stuck=True)
    result, exchange = run_one(Says(allow), exchange_of(stuck), uninspected={"image": "drop"})
    assert result.denial is not None
    assert exchange.request.unseen == (image,)
    assert [u.policy for u in result.uninspected] == ["refuse"]


def test_a_shadowing_guard_refuses_nothing_but_says_that_it_would() -> None:
    image = Unseen("a", "image", ("a",))
    result, _ = run_one(
        Says(allow), exchange_of(FakeContent({USER: ("hi",)}, unseen=(image,))), mode=Mode.SHADOW
    )
    assert result.denial is None
    assert (result.records[0].would, result.records[0].reason) == ("would_block", "uninspectable_content")


def test_who_reads_only_the_request_guards_no_response() -> None:
    image = Unseen("a", "image", ("a",))
    response = FakeContent({TEXT: ("hi",)}, unseen=(image,))
    guard = Says(allow)
    result, _ = run_one(
        guard, exchange_of(response=response), moment="after_upstream", reads=(USER,), effects=("block",)
    )
    assert (result.denial, result.uninspected, guard.calls) == (None, [], 1)


def test_a_placement_that_reads_no_content_guards_nothing() -> None:
    image = Unseen("a", "image", ("a",))
    content = FakeContent({USER: ("hi",)}, unseen=(image,))
    result, _ = run_one(Says(allow), exchange_of(content), reads=("request.model",), effects=("block",))
    assert result.denial is None
