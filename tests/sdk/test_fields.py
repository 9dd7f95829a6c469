"""The table of fields holds together, and no credential has a name in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.sdk.fields import (
    AFTER,
    BEFORE,
    CHAT,
    CONTENT_FIELDS,
    FIELDS,
    FORBIDDEN_HEADERS,
    HEADER_NAME,
    LATER,
    Field,
    lookup,
)

# What evidence admits as a field's name (penstock.evidence.record.FieldName).
EVIDENCE = re.compile(r"[a-z][a-z0-9_.-]{0,95}")


@pytest.mark.parametrize("entry", FIELDS.values(), ids=FIELDS.keys())
def test_an_entry_of_the_table_holds_together(entry: Field) -> None:
    assert entry.readable
    assert entry.writable is None or entry.writable in entry.readable
    assert entry.summary.endswith(".")
    assert not (entry.everywhere and entry.paths)
    assert EVIDENCE.fullmatch(entry.name.replace("<name>", "x"))
    if entry.shape == "texts":
        assert entry.content
    if entry.writable:
        assert entry.writable == (BEFORE if entry.name.startswith("request.") else AFTER)


def test_what_bounds_a_plugin_cannot_be_written() -> None:
    before = ("identity", "decisions", "request.model", "request.route")
    mcp = ("request.mcp.method", "request.mcp.tool")
    after = ("response.status", "response.usage", "evidence")
    assert {FIELDS[name].writable for name in (*before, *mcp, *after)} == {None}


def test_after_the_response_there_is_the_evidence_and_nothing_else() -> None:
    assert [name for name, entry in FIELDS.items() if LATER in entry.readable] == ["evidence"]
    assert FIELDS["evidence"].readable == {LATER}


def test_before_the_upstream_nothing_of_a_response_exists() -> None:
    assert not [name for name, e in FIELDS.items() if name.startswith("response.") and BEFORE in e.readable]


def test_every_content_field_of_a_chat_has_its_paths() -> None:
    of_mcp = {name for name in CONTENT_FIELDS if ".mcp." in name}
    assert {name for name in CONTENT_FIELDS if FIELDS[name].on(CHAT)} == CONTENT_FIELDS - of_mcp
    assert not FIELDS["request.mcp.arguments"].on(CHAT)
    assert FIELDS["request.model"].on("any:surface")


@pytest.mark.parametrize("part", ["request", "response"])
@pytest.mark.parametrize(
    "header",
    [
        *sorted(FORBIDDEN_HEADERS),
        "Authorization",
        "X-Api-Key",
        "x_api_key",
        "x-amz-date",
        "x-amzn-requestid",
        "x-penstock-code",
        "x-penstock-meta-team",
        "proxy-connection",
        "<name>",
        "",
        "x y",
        "x:y",
        "x\r\ny",
        "x-é",
        ":path",
        "-x",
        "x" * 65,
    ],
)
def test_credentials_and_what_is_no_header_are_in_no_field(part: str, header: str) -> None:
    assert lookup(f"{part}.headers.{header}") is None


@given(st.from_regex(HEADER_NAME, fullmatch=True))
def test_any_other_header_is_a_field_that_evidence_can_name(header: str) -> None:
    forbidden = header in FORBIDDEN_HEADERS or header.startswith(("proxy-", "sec-", "x-amz", "x-penstock-"))
    for part in ("request", "response"):
        name = f"{part}.headers.{header}"
        assert lookup(name) == (None if forbidden else FIELDS[f"{part}.headers.<name>"])
        assert EVIDENCE.fullmatch(name)


@given(st.text(max_size=30))
def test_no_other_name_is_a_field(name: str) -> None:
    if name not in FIELDS:
        assert lookup(name) is None


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        FIELDS["more"] = FIELDS["identity"]  # type: ignore[index]  # what a plugin might try
