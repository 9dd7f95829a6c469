from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.dialects import rawjson
from penstock.dialects.paths import Matcher, Rule, path_of
from penstock.dialects.splicing import INSIDE

PATTERNS = {"token": re.compile(r"[a-z]{0,8}")}


def matcher(**fields: tuple[str, ...]) -> Matcher:
    """A table of fields by name; `token`, `image` and `repeats` name the other kinds."""
    kinds = {"token": "structural", "image": "media"}
    rules = [
        (path, Rule(kinds.get(name, "field"), name))  # type: ignore[arg-type]  # the kinds above
        for name, paths in fields.items()
        for path in paths
    ]
    return Matcher(rules, PATTERNS)


def texts(table: Matcher, tree: Any) -> dict[str, list[str]]:
    return {name: found.values for name, found in table.classify(tree).fields.items()}


def unseen(table: Matcher, tree: Any) -> list[tuple[str, str]]:
    return [(part.kind, part.path) for part in table.unseen(tree, table.classify(tree))]


def test_a_member_an_element_and_a_choice_among_elements_are_found() -> None:
    table = matcher(a=("top", "list[*]"), b=("turns[role=user|tool].text",), c=("turns[role=bot].text",))
    turns = [{"role": role, "text": role} for role in ("user", "bot", "tool", "user")]
    tree = {"turns": turns, "list": ["x", 1, "y"], "top": "t"}
    assert texts(table, tree) == {"a": ["x", "y", "t"], "b": ["user", "tool", "user"], "c": ["bot"]}


@pytest.mark.parametrize(
    "turn", [{"text": "t"}, {"role": "critic", "text": "t"}, {"role": ["user"], "text": "t"}]
)
def test_an_element_that_no_choice_fits_is_unlisted(turn: dict[str, Any]) -> None:
    table = matcher(a=("turns[role=user].text",), token=("turns[*].role",))
    assert ("unlisted", "turns[*].text") in unseen(table, {"turns": [turn]})


def test_a_choice_and_every_element_are_heard_at_once() -> None:
    table = matcher(a=("parts[type=text].text",), image=("parts[*].image",), token=("parts[*].type",))
    tree = {"parts": [{"type": "text", "text": "t", "image": "i"}, {"type": "other", "text": "u"}]}
    assert texts(table, tree) == {"a": ["t"]}
    assert unseen(table, tree) == [("image", "parts[*].image"), ("unlisted", "parts[*].text")]


def test_every_string_at_or_below_a_deep_path_is_found_in_order() -> None:
    table = matcher(a=("schema.**",))
    tree = {"schema": {"z": "1", "a": ["2", {"b": ["3"]}, 5, None], "$ref": "4"}}
    assert texts(table, tree) == {"a": ["1", "2", "3", "4"]}
    assert texts(table, {"schema": "itself"}) == {"a": ["itself"]}


def test_a_more_exact_path_wins() -> None:
    table = matcher(deep=("x.**",), any=("x.*.z",), exact=("x.y.z",))
    tree = {"x": {"y": {"z": "exact"}, "q": {"z": "any", "r": "deep"}}}
    assert texts(table, tree) == {"exact": ["exact"], "any": ["any"], "deep": ["deep"]}
    table = matcher(outer=("x.**",), inner=("x.y.**",))
    assert texts(table, {"x": {"y": {"z": ["in"]}, "z": "out"}}) == {"inner": ["in"], "outer": ["out"]}


def test_a_string_that_holds_json_is_every_string_in_it() -> None:
    table = matcher(a=("arguments!",))
    found = table.classify({"arguments": '{"a": ["x", {"b": "y"}], "n": 4111}'}).fields["a"]
    assert found.values == ["x", "y"]
    assert [path_of(place) for place in found.places] == [
        ("arguments", INSIDE, "a", 0),
        ("arguments", INSIDE, "a", 1, "b"),
    ]


@pytest.mark.parametrize(
    "held", ["{", "no json", "", "4111111111111111", "true", '{"a":1,"a":2}', "[NaN]", "[" * 99]
)
def test_a_string_that_holds_no_strict_json_is_one_text(held: str) -> None:
    assert texts(matcher(a=("arguments!",)), {"arguments": held}) == {"a": [held]}


def test_a_string_that_holds_a_json_string_is_read_as_that() -> None:
    table = matcher(a=("arguments!",))
    assert texts(table, {"arguments": r'"\u0034111"'}) == {"a": ["4111"]}


@pytest.mark.parametrize("held", [r'{"a":"\u0034111","a":1}', r'{"a":"\u0034111",}', r'["\u0034111", NaN]'])
def test_escapes_in_what_is_no_strict_json_are_unlisted_since_others_read_them(held: str) -> None:
    assert unseen(matcher(a=("arguments!",)), {"arguments": held}) == [("unlisted", "arguments")]


def test_a_very_long_number_in_the_place_of_a_word_is_unlisted_where_numbers_are_guarded() -> None:
    rules = [("kind", Rule("structural", "word")), ("seed", Rule("structural", "token"))]
    patterns = {name: re.compile("[a-z]*") for name in ("word", "token")}
    guarded = Matcher(rules, patterns, guards_numbers=True)
    assert unseen(guarded, {"kind": 4242424242424242, "seed": 4242424242424242}) == [("unlisted", "kind")]
    assert unseen(guarded, {"kind": 1762430000123}) == []


def test_a_very_long_number_that_no_path_leads_to_is_unlisted_where_numbers_are_guarded() -> None:
    rules = [("seed", Rule("structural", "token")), ("deep.**", Rule("field", "a"))]
    tree = {"x": 4242424242424242, "y": [4.242424242424242e15], "z": 1762430000123}
    tree |= {"seed": 2**63 - 1, "deep": 4242424242424242}
    guarded, open_ = Matcher(rules, PATTERNS, guards_numbers=True), Matcher(rules, PATTERNS)
    assert unseen(guarded, tree) == [("unlisted", "?"), ("unlisted", "?[*]")]
    assert unseen(open_, tree) == []


def _counting(parsed: list[str], parse: Callable[[str], Any]) -> Callable[[str], Any]:
    def counted(text: str) -> Any:
        parsed.append(text)
        return parse(text)

    return counted


def test_what_a_string_holds_is_parsed_once_however_many_places_in_it_are_unseen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = matcher(a=("arguments!",))
    tree = {"arguments": json.dumps({f"a key {number}": number for number in range(50)})}
    parsed: list[str] = []
    classified, parse = table.classify(tree), rawjson.parse
    monkeypatch.setattr(rawjson, "parse", _counting(parsed, parse))
    assert len(table.unseen(tree, classified)) == 50
    assert len(parsed) == 1


def test_a_structural_string_that_breaks_its_pattern_is_unlisted() -> None:
    table = matcher(token=("role", "ids[*]"))
    tree = {"role": "user", "ids": ["ok", "jane@example.com", ""]}
    assert unseen(table, tree) == [("unlisted", "ids[*]")]


DIGITS = [
    "4242424242424242",
    "4242/4242/4242/42",
    "4242-4242-4242-4242",
    "card_4242.4242.4242.4242",
    "_42424242424242",
]


@pytest.mark.parametrize(
    "name", ["a b", "jane@example.com", "größe", "x" * 65, "https://a.b/c", "-x", "a\n", "名", *DIGITS]
)
@pytest.mark.parametrize("nest", ["{}", '{{"deep": {}}}', '{{"held": "{}"}}'])
def test_a_name_that_is_no_identifier_is_unseen_wherever_it_stands(name: str, nest: str) -> None:
    inner = json.dumps({name: 1})
    text = nest.format(json.dumps(inner)[1:-1] if "held" in nest else inner)
    table = matcher(a=("deep.**", "held!"))
    kinds = [kind for kind, _ in unseen(table, json.loads(text))]
    assert kinds == ["key"]


# A time in milliseconds, a UUID, a digest.
NUMBERED = ["1762430000123", "550e8400-e29b-41d4-a716-446655440000", "d41d8cd98f00b204e9800998ecf8427e"]


@pytest.mark.parametrize("name", ["", "a", "$defs", "x-y", "a.b", "a.b/c", "a.b:_c", "50256", "_", *NUMBERED])
def test_a_name_that_is_an_identifier_says_nothing(name: str) -> None:
    assert not unseen(matcher(a=("deep.**",)), {name: 1, "deep": {name: 1}})


def test_paths_of_unseen_parts_hold_no_name_that_a_table_does_not_know() -> None:
    table = matcher(a=("known.deep.**",), b=("held!",))
    tree = {
        "canary": [["x"], {"known": "x"}],
        "known": {"canary": "x", "deep": {"canary": {"a canary": 1}}},
        "held": '[{"a canary": "seen"}]',
    }
    found = table.unseen(tree, table.classify(tree))
    assert [part.path for part in found] == [
        "?[*][*]",
        "?[*].known",
        "known.?",
        "known.deep.?.?",
        "held![*].?",
    ]
    assert not [part for part in found if "canary" in part.path]


def test_a_path_of_an_unseen_part_keeps_to_the_bound_of_evidence() -> None:
    tree: Any = "x"
    for _ in range(63):
        tree = {"deep_and_long_names": [tree]}
    [(_, path)] = unseen(matcher(a=("deep_and_long_names[*].deep_and_long_names",)), tree)
    assert len(path) <= 200


def test_empty_strings_are_nothing_unseen_but_are_texts() -> None:
    table = matcher(a=("a",), image=("i",))
    assert not unseen(table, {"i": "", "unknown": "", "": ""})
    assert texts(table, {"a": ""}) == {"a": [""]}


@pytest.mark.parametrize("path", ["a..[", "a[", "a[]", "a[b]", "a b", "a[=c]"])
def test_a_path_that_is_not_of_the_language_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path"):
        matcher(a=(path,))


def test_an_object_is_told_apart_by_a_member_of_its_own() -> None:
    table = matcher(
        a=("docs[*].source{type=text|note}.data", "source{type=text}.data"),
        image=("docs[*].source{type=file}.data", "docs[*].source.url"),
        token=("docs[*].source.type", "source.type"),
    )
    sources = [{"type": kind, "data": kind} for kind in ("text", "file", "note")]
    tree = {"docs": [{"source": source} for source in sources], "source": {"data": "t", "type": "text"}}
    assert texts(table, tree) == {"a": ["text", "note", "t"]}
    assert unseen(table, tree) == [("image", "docs[*].source.data")]
    assert unseen(table, {"docs": [{"source": {"url": "u", "type": "text"}}]}) == [
        ("image", "docs[*].source.url")
    ]


@pytest.mark.parametrize("source", [{"data": "x"}, {"type": "other", "data": "x"}, {"type": 1, "data": "x"}])
def test_an_object_that_is_of_no_known_kind_is_unlisted(source: dict[str, Any]) -> None:
    table = matcher(a=("source{type=text}.data",), token=("source.type",))
    assert unseen(table, {"source": source}) == [("unlisted", "source.data")]


def test_what_tells_an_object_apart_is_not_settled() -> None:
    table = matcher(a=("source.type", "source{type=text}.data"))
    assert not table.is_settled(("source", "type"))
    assert table.is_settled(("source", "data"))


NAMES = st.sampled_from(["a", "b", "c"])
TREES = st.recursive(
    st.sampled_from(["x", "y"]),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=3),
    max_leaves=20,
)


@given(st.dictionaries(NAMES, TREES))
def test_every_string_is_found_exactly_once(tree: dict[str, Any]) -> None:
    table = matcher(f=("a.b", "a[*]", "b.**", "c.*"), g=("b.c", "c[a=x].b", "a{c=y}.b", "a.c"))
    found = table.classify(tree)
    places = [path_of(place) for field in found.fields.values() for place in field.places]
    places += [path_of(place) for _, place in found.hidden]
    assert sorted(map(repr, places)) == sorted(map(repr, leaves(tree, ())))


def leaves(tree: Any, above: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
    if isinstance(tree, str):
        return [above]
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
    return [leaf for step, value in pairs for leaf in leaves(value, (*above, step))]


def test_a_name_with_dots_in_it_stands_in_quotes() -> None:
    matcher = Matcher([("_meta.'a.b/c'.name", Rule("field", "x")), ("_meta.**", Rule("field", "y"))], {})
    found = matcher.classify({"_meta": {"a.b/c": {"name": "one", "more": "two"}, "d": "three"}})
    texts = {name: found.values for name, found in found.fields.items()}
    assert texts == {"x": ["one"], "y": ["two", "three"]}
    assert found.hidden == []
