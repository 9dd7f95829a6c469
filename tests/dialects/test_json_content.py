"""What every dialect's contents have in common, on a body of one field of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from penstock.dialects import rawjson
from penstock.dialects.json_content import Change, JsonContent
from penstock.dialects.paths import Matcher, Rule
from penstock.dialects.removing import Removals
from penstock.dialects.splicing import Drop, Path, Put, Splice
from penstock.sdk.edits import AddText, Edit, MemberEdit, Replace, SpanEdit, TextEdit

BODY = (
    b'{ "notes" : ["one", "two", ""], "held": "{\\"a\\": \\"x\\", \\"b\\": \\"y\\"}", '
    b'"other": "o", "n": 1.50 }'
)
TABLE = Matcher((("notes[*]", Rule("field", "notes")), ("held!", Rule("field", "held"))), {})


class Notes(JsonContent):
    """The smallest dialect there is."""

    @property
    def surface(self) -> str:
        return "test:notes"

    def matcher(self) -> Matcher:
        return TABLE

    def removals(self) -> Removals:
        return Removals(())

    def members(self, field: str) -> Mapping[str, Any]:
        return {}

    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        return [Drop((edit.name,)) for edit in edits]

    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("none")

    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return []

    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, places)

    def replaced(self, text: str) -> JsonContent:
        raise ValueError("none")


def notes() -> Notes:
    text, tree = rawjson.loads(BODY)
    return Notes(text, tree, BODY)


def test_a_body_that_nobody_reads_is_not_looked_at() -> None:
    content = notes()
    assert content.encoded() is BODY
    assert content._classified is None


def test_texts_and_what_is_present_and_unseen_are_told() -> None:
    content = notes()
    assert content.texts("notes").texts == ("one", "two", "")
    assert content.texts("unknown").texts == ()
    assert content.present == {"notes", "held"}
    assert [part.at for part in content.unseen] == [("other",)]


def test_a_part_of_the_unseen_is_told_without_the_rest() -> None:
    body = b'{"notes": ["one"], "other": ["a", "b", "c"], "not a name": 1}'
    content = Notes(*rawjson.loads(body), body)
    assert content.unseen_kinds == {"unlisted": 3, "key": 1}
    assert [part.at for part in content.some_unseen(2)] == [("other", 0), ("other", 1), ("not a name",)]
    assert content.some_unseen(9) == content.unseen


@pytest.mark.parametrize(
    ("edits", "old", "new"),
    [
        ([TextEdit("notes", ((0, "1"), (2, "3")))], b'["one", "two", ""]', b'["1", "two", "3"]'),
        ([SpanEdit("notes", ((1, (Replace(0, 1, "T"), Replace(2, 3, "0"))),))], b"two", b"Tw0"),
        (
            [
                SpanEdit("notes", ((1, (Replace(2, 3, "0"),)),)),
                SpanEdit("notes", ((1, (Replace(0, 1, "T"),)),)),
            ],
            b"two",
            b"Tw0",
        ),
        ([TextEdit("held", ((1, 'q"'),))], b'\\"y\\"', b'\\"q\\\\\\"\\"'),
        ([TextEdit("notes", ((0, "one"),)), SpanEdit("held", ())], b"", b""),
        (
            [TextEdit("notes", ((0, "1"),)), MemberEdit("any", "other", None)],
            b'"one", "two", ""',
            b'"1", "two", ""',
        ),
    ],
)
def test_an_edit_changes_what_it_names(edits: list[Edit], old: bytes, new: bytes) -> None:
    expected = BODY.replace(old, new) if old else BODY
    if any(isinstance(edit, MemberEdit) for edit in edits):
        expected = expected.replace(b'"other": "o", ', b"")
    assert notes().edited(edits).encoded() == expected


@pytest.mark.parametrize(
    "edits",
    [
        [TextEdit("notes", ((3, "x"),))],
        [TextEdit("notes", ((-1, "x"),))],
        [SpanEdit("notes", ((9, (Replace(0, 0, "x"),)),))],
        [SpanEdit("notes", ((0, (Replace(0, 9, "x"),)),))],
        [SpanEdit("notes", ((0, (Replace(-1, 1, "x"),)),))],
        [SpanEdit("notes", ((0, (Replace(0, 2, "x"), Replace(1, 3, "y"))),))],
        [SpanEdit("notes", ((0, (Replace(0, 2, "x"),)),)), SpanEdit("notes", ((0, (Replace(1, 3, "y"),)),))],
        [TextEdit("notes", ((0, "x"),)), TextEdit("notes", ((0, "y"),))],
        [TextEdit("notes", ((0, "x"),)), SpanEdit("notes", ((0, (Replace(0, 1, "y"),)),))],
        [TextEdit("notes", ((0, "x"),)), SpanEdit("notes", ((0, (Replace(3, 3, "y"),)),))],
        [TextEdit("notes", ((0, 5),))],  # type: ignore[arg-type]  # what a careless plugin might do
        [TextEdit("notes", ((0, "\ud800"),))],
        [TextEdit("unknown", ((0, "x"),))],
        [AddText("notes", "x")],
    ],
)
def test_an_edit_that_does_not_fit_changes_nothing(edits: list[Edit]) -> None:
    content = notes()
    with pytest.raises(ValueError, match=r"."):
        content.edited([TextEdit("held", ((0, "fits"),)), *edits])
    assert content.encoded() is BODY


def test_an_edited_body_that_would_be_too_deep_is_refused() -> None:
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueError, match="deeper than 64"):
        notes().spliced([Put(("other",), deep)])


def test_parts_and_fields_are_taken_out() -> None:
    content = notes()
    assert content.without(content.unseen).encoded() == BODY.replace(b'"other": "o", ', b"")
    assert b"held" not in content.without_field("held").encoded()
    assert content.without_field("notes").texts("notes").texts == ()
    assert content.without([]) is content


class Sealed(Notes):
    """Notes of which an edited one goes, since it is sealed."""

    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return [Drop(change.at) for change in changes if change.field == "notes"]

    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        return [Drop((edit.name,)) for edit in edits]


def sealed() -> Sealed:
    text, tree = rawjson.loads(BODY)
    return Sealed(text, tree, BODY)


def test_a_text_that_goes_because_it_is_edited_is_not_put_anywhere() -> None:
    edited = sealed().edited([TextEdit("notes", ((1, "new"),)), TextEdit("held", ((0, "z"),))])
    assert edited.tree["notes"] == ["one", ""]
    assert edited.texts("held").texts == ("z", "y")


def test_a_member_cannot_be_removed_while_a_text_in_it_is_edited() -> None:
    removal = MemberEdit("notes", "notes", None)
    with pytest.raises(ValueError, match="overlap"):
        notes().edited([TextEdit("notes", ((1, "new"),)), removal])
