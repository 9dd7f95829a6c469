"""Placements: their order, their style, what they do about what they cannot see."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigurationError
from penstock.gates.placement import Mode, Placement, bucket, derived_style, in_order, reads_content
from penstock.sdk.fields import CONTENT_FIELDS, FIELDS
from tests.gates.fakes import USER, placement_of

NAMES = "abcde"


@st.composite
def orderable(draw: st.DrawFn) -> list[Placement]:
    """Up to five placements, each after some of those whose names come earlier: never in a circle."""
    count = draw(st.integers(1, 5))
    names = draw(st.permutations(NAMES[:count]))
    placements = []
    for index, name in enumerate(names):
        after = draw(st.lists(st.sampled_from(names[:index]), unique=True)) if index else []
        placements.append(placement_of(name, order=draw(st.integers(0, 3)), after=tuple(after)))
    return draw(st.permutations(placements))


@given(orderable())
def test_an_order_keeps_every_after_and_among_the_rest_order_then_name(placements: list[Placement]) -> None:
    ordered = in_order(placements)
    assert sorted(p.plugin for p in ordered) == sorted(p.plugin for p in placements)
    for index, placement in enumerate(ordered):
        done = {p.plugin for p in ordered[:index]}
        assert done.issuperset(placement.after)
        ready = [p for p in ordered[index:] if done.issuperset(p.after)]
        assert placement == min(ready, key=lambda p: (p.order, p.plugin))


@given(orderable(), st.randoms())
def test_an_order_does_not_depend_on_how_the_placements_were_listed(
    placements: list[Placement], random: object
) -> None:
    shuffled = list(placements)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own Random
    assert in_order(shuffled) == in_order(placements)


def test_those_that_only_look_follow_by_name() -> None:
    looks = [placement_of(name, effects=("record",), order=order) for name, order in (("z", 0), ("y", 9))]
    assert [p.plugin for p in in_order([*looks, placement_of("a", order=100)])] == ["a", "y", "z"]


@pytest.mark.parametrize(
    ("after", "message"),
    [
        ({"a": ("a",)}, "plugins a: `after` runs in a circle. Remove one of them."),
        ({"a": ("b",), "b": ("c",), "c": ("a",)}, "plugins a, b, c: `after` runs in a circle."),
        ({"a": ("b",), "b": ("a",), "c": ()}, "plugins a, b: `after` runs in a circle."),
        ({"a": ("nobody",)}, "plugin 'a': `after` names 'nobody', which is no ordered plugin"),
    ],
)
def test_an_order_that_cannot_be_is_refused(after: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        in_order([placement_of(name, after=names) for name, names in after.items()])
    assert message in str(caught.value)


def test_nobody_can_come_after_one_that_only_looks() -> None:
    with pytest.raises(ConfigurationError, match="no ordered plugin"):
        in_order([placement_of("a", after=("b",)), placement_of("b", effects=("record",))])


def test_a_style_is_ordered_as_soon_as_one_thing_asks_for_it() -> None:
    effects = [
        frozenset(e)
        for n in range(5)
        for e in itertools.combinations(("block", "transform", "respond", "record"), n)
    ]
    for moment, effect, reads, after in itertools.product(
        ("before_upstream", "after_upstream"), effects, ((), ("decisions",), (USER,)), ((), ("other",))
    ):
        steers = effect - {"record"} or "decisions" in reads or after
        assert derived_style(moment, effect, reads, after) == ("ordered" if steers else "independent")  # type: ignore[arg-type]  # literals of a product
        assert derived_style("after_response", effect, reads, after) == "background"


def test_whoever_reads_words_of_the_body_at_its_moment_reads_content() -> None:
    for moment, part in (("before_upstream", "request."), ("after_upstream", "response.")):
        for name in FIELDS:
            found = reads_content(placement_of("p", moment, reads=(name,), effects=()))  # type: ignore[arg-type]  # one of two literals
            assert found == (name in CONTENT_FIELDS and name.startswith(part))
    assert not reads_content(placement_of("p", reads=(), effects=()))


def test_what_is_not_said_about_the_unseen_is_refused() -> None:
    placement = placement_of("p", uninspected={"image": "allow", "default": "drop"})
    assert (placement.policy("image"), placement.policy("audio")) == ("allow", "drop")
    assert placement_of("p").policy("image") == "refuse"


def test_modes_are_ranked_so_that_an_override_can_only_lower() -> None:
    assert Mode.OFF < Mode.SHADOW < Mode.ENFORCE
    assert [mode.label for mode in Mode] == ["off", "shadow", "enforce"]


def test_a_placement_is_named_by_plugin_and_moment() -> None:
    assert placement_of("p", "after_upstream").name == "p@after_upstream"


@given(st.text(), st.text())
def test_a_bucket_is_a_stable_per_cent(plugin: str, subject: str) -> None:
    assert 0 <= bucket(plugin, subject) < 100
    assert bucket(plugin, subject) == bucket(plugin, subject)


def test_buckets_are_even_and_differ_between_plugins() -> None:
    counts = [0] * 100
    for number in range(20_000):
        counts[bucket("p", f"key-{number}")] += 1
    assert 120 < min(counts) <= max(counts) < 280  # 200 each, and more than five sigmas of room
    same = sum(bucket("p", f"{n}") == bucket("q", f"{n}") for n in range(2_000))
    assert same < 60
