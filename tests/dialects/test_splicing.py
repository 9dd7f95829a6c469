from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects.splicing import INSIDE, AddElement, AddMember, Drop, Path, Put, Splice, splice

TEXT = '{ "a" : 1.0 , "b":[1, 2 ,3 ] , "c": {} , "j":"{\\"x\\": [1,\\"y\\"]}", "\\u0065":-0 }'


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([], TEXT),
        ([Put(("a",), 2)], TEXT.replace("1.0", "2")),
        ([Put(("e",), None)], TEXT.replace("-0", "null")),
        ([Drop(("a",))], TEXT.replace('"a" : 1.0 , ', "")),
        ([Drop(("b",))], TEXT.replace(' , "b":[1, 2 ,3 ]', "")),
        ([Drop(("e",))], TEXT.replace(', "\\u0065":-0', "")),
        ([Drop(("b", 2))], TEXT.replace("2 ,3 ", "2 ")),
        ([Drop(("b", 0)), Drop(("b", 1)), Drop(("b", 2))], TEXT.replace("1, 2 ,3 ", " ")),
        ([AddMember((), "z", [1])], TEXT.replace("-0 }", '-0,"z":[1] }')),
        ([AddMember(("c",), "é", "é")], TEXT.replace("{}", '{"é":"é"}')),
        ([AddElement(("b",), 0, 0)], TEXT.replace("[1,", "[0,1,", 1)),
        ([AddElement(("b",), 1, 0)], TEXT.replace("[1,", "[1,0,", 1)),
        ([AddElement(("b",), 3, 4), AddElement(("b",), 3, 5)], TEXT.replace("3 ]", "3,4,5 ]")),
        ([AddElement(("b",), 1, 9), Drop(("b", 0)), Drop(("b", 1))], TEXT.replace("1, 2 ,3", "9 ,3")),
        ([Put(("j", INSIDE, "x", 1), "é")], TEXT.replace('\\"y\\"', '\\"é\\"')),
        (
            [Put(("j", INSIDE), 5), Put(("b", 1), {"n": ()})],
            TEXT.replace('{\\"x\\": [1,\\"y\\"]}', "5").replace(" 2 ", ' {"n":[]} '),
        ),
    ],
)
def test_only_what_is_edited_changes(edits: list[Splice], expected: str) -> None:
    assert splice(TEXT, edits) == expected
    assert json.loads(expected) is not None


@pytest.mark.parametrize(
    "edits",
    [
        [Put(("nowhere",), 1)],
        [Put(("b", 3), 1)],
        [Drop(("a", "deeper"))],
        [Drop(())],
        [Drop(("j", INSIDE))],
        [Put(("j", "x"), 1)],
        [Put(("b", INSIDE), 1)],
        [AddMember((), "a", 1)],
        [AddMember(("b",), "a", 1)],
        [AddElement(("c",), 0, 1)],
        [AddElement(("b",), 4, 1)],
        [AddElement(("b",), -2, 1)],
        [AddMember((), "z", 1), AddMember((), "z", 2)],
        [Put(("a",), 1), Put(("a",), 1)],
        [Drop(("b",)), Put(("b", 1), 1)],
        [Put(("b", 1), 1), Drop(("b",))],
        [AddElement(("b",), 0, 1), Put(("b",), [])],
        [Put(("a",), float("nan"))],
        [Put(("a",), "\ud800")],
    ],
)
def test_what_does_not_fit_is_an_error(edits: list[Splice]) -> None:
    with pytest.raises(ValueError, match=r"."):
        splice(TEXT, edits)


SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8"))
TREES = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text('ab"\\é ', max_size=2), below, max_size=4)
    ),
    max_leaves=15,
)


@st.composite
def edits_of_texts(draw: st.DrawFn) -> tuple[str, list[Splice], Any]:
    """A text, edits that do not overlap, and what the text must parse to afterwards."""
    tree = draw(st.dictionaries(st.text("abc", max_size=2), TREES, min_size=1, max_size=4))
    spaced = draw(st.sampled_from([None, 0, 2]))
    text = json.dumps(tree, indent=spaced, ensure_ascii=draw(st.booleans()))
    expected = copy.deepcopy(tree)
    paths = sorted(places(tree), key=lambda path: [(isinstance(step, int), step) for step in path])
    chosen: list[Path] = []
    for path in draw(st.lists(st.sampled_from(paths), max_size=4, unique=True)):
        if not any(path[: len(other)] == other or other[: len(path)] == path for other in chosen):
            chosen.append(path)
    edits: list[Splice] = [Drop(path) if draw(st.booleans()) else Put(path, draw(SCALARS)) for path in chosen]
    for edit in edits:
        if isinstance(edit, Put):
            at(expected, edit.path[:-1])[edit.path[-1]] = edit.value
    for path in sorted(
        (e.path for e in edits if isinstance(e, Drop)),
        key=lambda p: [str(s).zfill(3) for s in p],
        reverse=True,
    ):
        del at(expected, path[:-1])[path[-1]]
    return text, edits, expected


def places(tree: Any, above: Path = ()) -> Iterator[Path]:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in pairs:
        yield (*above, step)
        yield from places(value, (*above, step))


def at(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


@given(edits_of_texts())
def test_an_edited_text_is_json_equal_in_all_that_was_not_edited(case: tuple[str, list[Splice], Any]) -> None:
    text, edits, expected = case
    new = json.loads(splice(text, edits))
    assert json.dumps(new) == json.dumps(expected)  # also in order


@given(edits_of_texts())
def test_edits_never_depend_on_their_order(case: tuple[str, list[Splice], Any]) -> None:
    text, edits, _ = case
    assert splice(text, edits) == splice(text, edits[::-1])


@given(st.dictionaries(st.text(max_size=3), TREES, min_size=1, max_size=5), st.data())
def test_every_byte_beside_a_put_value_stays(tree: dict[str, Any], data: st.DataObject) -> None:
    tree = json.loads(json.dumps(tree).encode("utf-8", "replace"))
    text = json.dumps(tree, indent=1)
    path = data.draw(st.sampled_from(list(places(tree))))
    marked = splice(text, [Put(path, "\x00MARK")])
    before, _, after = marked.partition('"\\u0000MARK"')
    assert text.startswith(before)
    assert text.endswith(after)
    old = text[len(before) : len(text) - len(after)]
    assert json.loads(old) == at(tree, path)
