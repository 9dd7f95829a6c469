from __future__ import annotations

from math import inf

from penstock.sdk.sample import request_values
from penstock.sdk.views import Projection, Request
from plugins.pii_redactor.detector import KINDS, detector_of
from plugins.pii_redactor.sweep import Action, Sweep

DETECTOR = detector_of(("email", "card"), "", ())
ACTIONS: dict[str, Action] = dict.fromkeys(KINDS, "mask")


def sweep(*, numbered: bool = False, **actions: Action) -> Sweep:
    return Sweep(DETECTOR, {**ACTIONS, **actions}, numbered=numbered)  # type: ignore[dict-item]  # keys are kinds


def request(user: str) -> Request:
    return Request(Projection(request_values({"user": user, "parameters": {"a": {"b": [user, 1, None]}}})))


def test_counts_add_up_over_fields() -> None:
    run, view = sweep(), request("a@x.com b@y.com 4242424242424242")
    assert run.texts(view.messages.user)
    assert [edit.name for edit in run.members(view.parameters)] == ["a"]
    assert run.counts == {"email": 4, "card": 2}


def test_a_card_that_is_a_number_is_masked_like_one_that_is_a_text() -> None:
    values = {"card": 4242424242424242, "list": [4242424242424242.0, 12345678, 1.5, True, inf]}
    view = Request(Projection({"request.metadata": values})).metadata
    assert [edit.value for edit in sweep().members(view)] == ["<card>", ["<card>", 12345678, 1.5, True, inf]]


def test_a_parameters_own_number_stays_whatever_its_digits_are() -> None:
    values = {"seed": 4242424242424242, "stop": [4242424242424242]}
    view = Request(Projection({"request.parameters": values})).parameters
    assert [(edit.name, edit.value) for edit in sweep().members(view)] == [("stop", ["<card>"])]


def test_a_text_without_finds_makes_no_edit() -> None:
    run, view = sweep(), request("nothing")
    assert not run.texts(view.messages.user)
    assert list(run.members(view.parameters)) == []


def test_the_first_find_that_blocks_is_the_one_that_is_told() -> None:
    run = sweep(card="block")
    run.texts(request("a@x.com 4242424242424242 5555555555554444").messages.user)
    assert run.blocked == ("card", (8, 24))


def test_numbers_go_by_value_and_not_by_writing() -> None:
    run = sweep(numbered=True)
    edit = run.texts(request("4242424242424242 4242-4242-4242-4242 a@x.com").messages.user)
    assert [each.text for _, spans in edit.spans for each in spans] == ["<card_1>", "<card_1>", "<email_1>"]
