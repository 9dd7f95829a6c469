"""Edits of an object's named members: what every dialect's metadata and parameters have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.dialects.splicing import AddMember, Drop, Path, Put, Splice
from penstock.sdk.edits import REMOVED, MemberEdit


def object_splices(at: Path, members: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Edits of the object `members`, which is at `at`. Raises ValueError for a name that is no text."""
    splices: list[Splice] = []
    for edit in edits:
        if not isinstance(edit.name, str):
            raise ValueError("a member's name is text")  # noqa: TRY004 - the seam knows one error for a misfit
        if edit.value is not REMOVED:
            known = edit.name in members
            splices.append(
                Put((*at, edit.name), edit.value) if known else AddMember(at, edit.name, edit.value)
            )
        elif edit.name in members:
            splices.append(Drop((*at, edit.name)))
    return splices


def metadata_splices(tree: Mapping[str, Any], edits: Sequence[MemberEdit]) -> list[Splice]:
    """Edits of the body's `metadata`; the object is made when there is none."""
    if isinstance(tree.get("metadata"), dict):
        return object_splices(("metadata",), tree["metadata"], edits)
    members = {edit.name: edit.value for edit in edits if edit.value is not REMOVED}
    if not members:
        return []
    return [Put(("metadata",), members) if "metadata" in tree else AddMember((), "metadata", members)]


def tool_edits(
    edits: Sequence[MemberEdit], tool_name: Callable[[Mapping[str, Any]], str]
) -> tuple[set[str], dict[str, object]]:
    """The names of the tools that go, and what others are set to. Raises ValueError for what contradicts."""
    removed = {edit.name for edit in edits if edit.value is REMOVED}
    set_to = {edit.name: edit.value for edit in edits if edit.value is not REMOVED}
    if len({edit.name for edit in edits}) < len(edits):
        raise ValueError("two edits name the same tool")
    for name, definition in set_to.items():
        if not isinstance(definition, Mapping) or tool_name(definition) != name:
            raise ValueError("a tool is set to something that is no definition of that name")
    return removed, set_to
