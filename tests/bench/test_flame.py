"""The flame graph: boxes are as wide as their samples, and the picture is one."""

from __future__ import annotations

from types import CodeType
from xml.etree import ElementTree

from bench import flame, sampling
from bench.flame import boxes, picture


def code_of(name: str) -> CodeType:
    """Code of a function of that name."""
    space: dict[str, CodeType] = {}
    exec(f"def {name}(): pass\ncode = {name}.__code__", space)
    return space["code"]


OUTER, INNER, OTHER = (code_of(name) for name in ("outer", "inner", "other"))


def test_a_box_counts_what_is_below_it_and_what_is_outside_of_the_gateway_is_left_out() -> None:
    root = flame.ROOT
    found = boxes({(OTHER, root, OUTER, INNER): 3, (root, OUTER): 1, (root, OTHER): 4, (OTHER,): 9})
    assert (found.name, found.samples) == ("Gateway.handle", 8)
    assert {box.name: box.samples for box in found.below.values()} == {"outer": 4, "other": 4}
    assert found.below["outer"].below["inner"].samples == 3


def test_the_picture_is_svg_with_a_title_and_without_what_is_too_narrow() -> None:
    tree = boxes({(flame.ROOT, OUTER): 999, (flame.ROOT, OTHER): 1})
    drawn = picture(tree, "One <request>", 500.0)
    texts = ["".join(element.itertext()) for element in ElementTree.fromstring(drawn).iter()]
    assert "One <request>" in texts
    assert any("outer" in text for text in texts)
    assert not any("other" in text for text in texts)


def test_a_sample_is_taken_of_what_runs_and_none_afterwards() -> None:
    def busy() -> int:
        return sum(range(20_000))

    stacks, each_us = sampling.sampled(busy, 0.2)
    assert sum(stacks.values()) > 0
    assert any(busy.__code__ in stack for stack in stacks)
    assert each_us > 0
    taken = sum(stacks.values())
    busy()
    assert sum(stacks.values()) == taken
