"""Nothing unseen under a guard: what a placement cannot see, by kind and by field. See test_gate.py, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.content import Unseen
from penstock.dialects.openai.chat import ChatRequest
from penstock.dialects.paths import Matcher
from penstock.gates.inspection import MAX_DESCRIBED, MAX_PLACES, NOTHING_UNSEEN, Inspection, inspect
from penstock.sdk.fields import CONTENT_FIELDS
from tests.gates.fakes import SYSTEM, TEXT, USER, FakeContent, exchange_of, placement_of, request_of

IMAGE = Unseen("messages[*].content[*].image_url.url", "image", ("messages", 0))
AUDIO = Unseen("messages[*].content[*].input_audio.data", "audio", ("messages", 1))
REASONING = "response.reasoning"
OF_REQUEST = sorted(name for name in CONTENT_FIELDS if name.startswith("request."))


def look(content: FakeContent, **placement: Any) -> Inspection:
    return inspect(placement_of("p", **placement), exchange_of(content))


def test_a_body_that_is_seen_whole_leaves_nothing_to_judge() -> None:
    assert look(request_of("hi")) is NOTHING_UNSEEN
    assert look(request_of("hi", system=("",))) is NOTHING_UNSEEN
    assert not NOTHING_UNSEEN.refused


def test_whoever_reads_no_content_guards_nothing() -> None:
    assert (
        look(FakeContent({USER: ("hi",)}, unseen=(IMAGE,)), reads=("identity",), effects=()) is NOTHING_UNSEEN
    )


def test_before_there_is_a_response_nothing_of_it_is_unseen() -> None:
    assert inspect(placement_of("p", "after_upstream"), exchange_of()) is NOTHING_UNSEEN


@given(st.sets(st.sampled_from(OF_REQUEST)), st.sets(st.sampled_from(OF_REQUEST), min_size=1))
def test_every_field_that_carries_text_and_was_not_granted_is_unseen(
    carried: set[str], reads: set[str]
) -> None:
    found = look(FakeContent(dict.fromkeys(carried, ("text",))), reads=sorted(reads), effects=("block",))
    assert [entry.kind for entry in found.entries] == sorted(carried - reads)
    assert found.refused == bool(carried - reads)


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ({}, ["refuse", "refuse", "refuse"]),
        ({"default": "allow"}, ["allow", "allow", "allow"]),
        ({"image": "drop"}, ["drop", "refuse", "refuse"]),
        ({"image": "allow", "default": "drop"}, ["allow", "drop", "drop"]),
        ({"image": "allow", "audio": "allow", SYSTEM: "allow"}, ["allow", "allow", "allow"]),
    ],
)
def test_each_unseen_part_follows_its_own_policy(policies: dict[str, Any], expected: list[str]) -> None:
    content = FakeContent({USER: ("hi",), SYSTEM: ("be kind",)}, unseen=(IMAGE, AUDIO))
    found = look(content, uninspected=policies)
    assert [entry.policy for entry in found.entries] == expected
    assert [(entry.path, entry.kind) for entry in found.entries][:2] == [
        (IMAGE.path, "image"),
        (AUDIO.path, "audio"),
    ]
    assert {entry.plugin for entry in found.entries} == {"p"}
    assert found.refused == ("refuse" in expected)


def test_at_each_moment_the_body_of_that_moment_is_looked_at() -> None:
    response = FakeContent({TEXT: ("hi",), REASONING: ("hm",)})
    exchange = exchange_of(FakeContent({USER: ("hi",)}, unseen=(IMAGE,)), response=response)
    found = inspect(placement_of("p", "after_upstream", uninspected={REASONING: "drop"}), exchange)
    assert (found.part, [entry.kind for entry in found.entries]) == ("response", [REASONING])
    found.drop_from(exchange)
    assert exchange.response == FakeContent({TEXT: ("hi",)})
    assert exchange.request.unseen == (IMAGE,)


def test_nothing_is_dropped_from_a_body_that_is_refused_anyway() -> None:
    content = FakeContent({USER: ("hi",)}, unseen=(IMAGE, AUDIO))
    exchange = exchange_of(content)
    found = inspect(placement_of("p", uninspected={"image": "drop"}), exchange)
    found.drop_from(exchange)
    assert found.refused
    assert exchange.request is content


def test_what_cannot_be_dropped_leaves_the_body_and_can_be_refused_instead() -> None:
    content = FakeContent({USER: ("hi",)}, unseen=(IMAGE, AUDIO), stuck=True)
    exchange = exchange_of(content)
    found = inspect(placement_of("p", uninspected={"image": "drop", "audio": "allow"}), exchange)
    with pytest.raises(ValueError):  # noqa: PT011  # the seam promises the class alone
        found.drop_from(exchange)
    assert exchange.request is content
    refusing = found.refusing()
    assert [entry.policy for entry in refusing.entries] == ["refuse", "allow"]
    assert refusing.refused
    assert not found.refused


def test_the_caller_is_told_which_kinds_and_no_path() -> None:
    content = FakeContent({USER: ("hi",)}, unseen=(IMAGE, AUDIO, IMAGE))
    found = look(content, uninspected={"audio": "allow"})
    assert found.message("card-guard") == "The request carries parts that card-guard cannot inspect: image."


def parts(count: int, kind: str = "unlisted", path: str = "x[*]") -> tuple[Unseen, ...]:
    return tuple(Unseen(path.replace("N", str(n)), kind, ("x", n)) for n in range(count))


def test_parts_at_one_place_are_one_entry_with_their_count() -> None:
    found = look(FakeContent({USER: ("hi",)}, unseen=(IMAGE, AUDIO, IMAGE)))
    assert [(entry.kind, entry.count) for entry in found.entries] == [("image", 2), ("audio", 1)]


def test_what_is_over_the_bounds_is_counted_by_kind_and_none_is_lost() -> None:
    many = (*parts(MAX_DESCRIBED + 500), *parts(MAX_PLACES + 9, path="y.N"), *parts(3, "image", "z"))
    found = look(FakeContent({USER: ("hi",)}, unseen=many), uninspected={"image": "allow"})
    assert [(e.path, e.kind, e.policy, e.count) for e in found.entries] == [
        ("x[*]", "unlisted", "refuse", MAX_DESCRIBED),
        ("z", "image", "allow", 3),
        ("*", "unlisted", "refuse", 500 + MAX_PLACES + 9),
    ]
    assert found.refused


def test_a_body_of_many_places_fills_no_record() -> None:
    many = (*parts(5_000, path="x.N"), IMAGE)
    found = look(FakeContent({USER: ("hi",)}, unseen=many), uninspected={"default": "allow"})
    assert len(found.entries) == MAX_PLACES + 2
    assert sum(entry.count for entry in found.entries) == len(many)
    assert not found.refused


def test_all_is_dropped_however_much_of_it_is_described() -> None:
    exchange = exchange_of(FakeContent({USER: ("hi",)}, unseen=(*parts(MAX_DESCRIBED + 500), IMAGE)))
    found = inspect(placement_of("p", uninspected={"unlisted": "drop", "image": "allow"}), exchange)
    found.drop_from(exchange)
    assert exchange.request.unseen == (IMAGE,)


def test_a_body_full_of_unlisted_strings_is_not_described_string_by_string(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    described: list[Any] = []
    describe = Matcher._described

    def counting(matcher: Matcher, tree: Any, at: Any, held: Any) -> str:
        described.append(at)
        return describe(matcher, tree, at, held)

    monkeypatch.setattr(Matcher, "_described", counting)
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "x": ["a"] * 5_000}
    for policy in ("refuse", "allow"):
        content = ChatRequest.decode(json.dumps(body).encode())
        found = inspect(placement_of("p", uninspected={"default": policy}), exchange_of(content))  # type: ignore[arg-type]  # the fake's place takes any content
        assert sum(entry.count for entry in found.entries) == 5_000
    assert len(described) == 2 * MAX_DESCRIBED
