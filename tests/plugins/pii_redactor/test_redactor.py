"""The whole plugin on the corpus, on every field, and on text that tries to get past it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.errors import ConfigurationError
from penstock.sdk.testing import Harness, harness
from tests.plugins.pii_redactor.corpus import FOUND, LEFT, Row

FOLDER = Path("plugins/pii_redactor")
REGIONS = ("", "US", "DE", "GB", "FR")
KINDS = {
    "email": ("john@example.com", "emails", "email_address"),
    "phone": ("+49 30 901820", "phones", "phone_number"),
    "card": ("4242 4242 4242 4242", "cards", "card_number"),
    "iban": ("DE89 3704 0044 0532 0130 00", "ibans", "iban"),
    "key": ("AKIA" + "IOSFODNN7EXAMPLE", "keys", "secret_key"),
    "jwt": ("eyJ" + "hbGciOiJIUzI1NiJ9.eyJ" + "zdWIiOiIxIn0.c2lnbmF0dXJlLXZhbHVl", "tokens", "access_token"),
}


@cache
def redactor(region: str = "") -> Harness:
    return harness(FOLDER, {"default_region": region})


def masked(text: str, region: str = "") -> str:
    result = redactor(region).before(user=text)
    assert result.failure is None
    return result.texts("request.messages.user")[0]


@pytest.mark.parametrize("row", FOUND, ids=lambda row: row.source)
def test_every_form_in_the_corpus_is_masked(row: Row) -> None:
    assert masked(row.text, row.region) == row.masked


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize(("text", "source"), LEFT, ids=[source for _, source in LEFT])
def test_what_only_looks_alike_is_left(text: str, source: str, region: str) -> None:
    result = redactor(region).before(user=f"Note: {text}", assistant=text)
    assert result.texts("request.messages.assistant") == (text,)
    assert (result.action, result.recorded) == ("allow", {})


def test_the_corpus_has_at_least_a_hundred_and_fifty_rows() -> None:
    assert len(FOUND) + len(LEFT) >= 150
    assert all(row.source for row in FOUND)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_masked_blocked_or_left_and_is_counted(kind: str) -> None:
    value, record, reason = KINDS[kind]
    text = f"one {value} and more"
    mask = redactor().before(user=[text, text])
    assert mask.texts("request.messages.user") == (f"one <{kind}> and more",) * 2
    assert mask.recorded == {record: 2}
    stop = harness(FOLDER, {"kinds": {kind: "block"}})
    assert (stop.before(user=text).action, stop.before(user=text).reason) == ("block", reason)
    assert (stop.after(text=text).action, stop.after(text=text).reason) == ("block", reason)
    leave = harness(FOLDER, {"kinds": {kind: "off"}}).before(user=text)
    assert (leave.action, leave.recorded) == ("allow", {})


@pytest.mark.parametrize(
    "field",
    ["system", "user", "assistant", "tool", "tool_calls"],
)
def test_texts_of_every_role_and_of_tool_calls_are_masked(field: str) -> None:
    result = redactor().before(**{field: ["fine", "mail john@example.com"]})  # type: ignore[arg-type]  # one key at a time
    name = "request.tool_calls" if field == "tool_calls" else f"request.messages.{field}"
    assert result.texts(name) == ("fine", "mail <email>")
    assert result.changed == (name,)


def test_what_passes_between_mcp_clients_and_servers_is_masked() -> None:
    said = ["fine", "mail john@example.com"]
    for result, name in (
        (redactor().before(mcp_arguments=said, mcp_tool="send"), "request.mcp.arguments"),
        (redactor().after(mcp_result=said), "response.mcp.result"),
    ):
        assert result.texts(name) == ("fine", "mail <email>")
        assert (result.changed, result.recorded) == ((name,), {"emails": 1})


def test_definitions_of_tools_are_masked() -> None:
    tool = {"type": "function", "function": {"name": "mail", "description": "ask john@example.com"}}
    result = redactor().before(tools=[tool])
    assert result.texts("request.tools") == ("mail", "ask <email>")


def test_strings_in_metadata_and_parameters_are_masked_however_deep_and_the_rest_is_kept() -> None:
    result = redactor().before(
        metadata={"who": "john@example.com", "n": 2**70},
        parameters={"user": "+4915112345678", "stop": ["a", "4242424242424242"], "temperature": 0.5},
    )
    assert result.members("request.metadata") == {"who": "<email>", "n": 2**70}
    assert result.members("request.parameters") == {
        "user": "<phone>",
        "stop": ["a", "<card>"],
        "temperature": 0.5,
    }
    assert result.recorded == {"emails": 1, "phones": 1, "cards": 1}


def test_members_without_finds_are_not_edited() -> None:
    result = redactor().before(
        metadata={"who": "nobody"}, parameters={"stop": ["a"], "x": {"y": [None, True]}}
    )
    assert (result.action, result.changed) == ("allow", ())


def test_text_reasoning_and_tool_calls_of_the_response_are_masked() -> None:
    result = redactor().after(
        text="john@example.com", reasoning="4242424242424242", tool_calls=["x", "+4930901820"]
    )
    assert result.texts("response.text") == ("<email>",)
    assert result.texts("response.reasoning") == ("<card>",)
    assert result.texts("response.tool_calls") == ("x", "<phone>")
    assert result.changed == ("response.text", "response.reasoning", "response.tool_calls")


def test_a_block_of_a_response_says_where() -> None:
    decision: Any = (
        harness(FOLDER, {"kinds": {"card": "block"}}).after(text="It is 4242424242424242.").decision
    )
    assert decision.at == (6, 22)


def test_what_was_not_granted_is_not_asked_for() -> None:
    run = harness(FOLDER, without=["request.tools", "request.metadata"])
    result = run.before(user="john@example.com", metadata={"who": "john@example.com"})
    assert (result.refused, result.failure) == ((), None)
    assert result.changed == ("request.messages.user",)


def test_the_same_value_has_the_same_number_throughout_a_request() -> None:
    run = harness(FOLDER, {"mask": "numbered"})
    result = run.before(
        system="a@x.com and 4242424242424242",
        user=["b@x.com", "A@x.com"],
        metadata={"card": "4242 4242 4242 4242"},
    )
    assert result.texts("request.messages.system") == ("<email_1> and <card_1>",)
    assert result.texts("request.messages.user") == ("<email_2>", "<email_1>")
    assert result.members("request.metadata") == {"card": "<card_1>"}
    assert run.before(user="b@x.com").texts("request.messages.user") == ("<email_1>",), (
        "requests share nothing"
    )
    assert run.after(text="b@x.com").texts("response.text") == ("<email>",)


def test_only_exactly_the_allowed_domains_stay() -> None:
    run = harness(FOLDER, {"allowed_email_domains": ["Example.com"]})
    result = run.before(
        user="a@example.com a@EXAMPLE.com a@sub.example.com a@example.com.evil.org a@notexample.com"
    )
    assert result.texts("request.messages.user") == ("a@example.com a@EXAMPLE.com <email> <email> <email>",)


def test_where_two_kinds_claim_a_place_nothing_of_either_is_left() -> None:
    assert masked("4242424242424242@example.com") == "<email>"
    assert masked("tel:+12025550143@sip.example.com") == "tel:<email>"


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"kinds": {"email": "hide"}}, "kinds.email"),
        ({"default_region": "Germany"}, "default_region"),
        ({"x": 1}, "config.x"),
    ],
)
def test_a_wrong_setting_is_named(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        harness(FOLDER, config)


def test_a_region_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="default_region"):
        harness(FOLDER, {"default_region": "XX"})


UNSEEN = st.text(
    st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202c\u034f\ufe0f\u0336"),
    max_size=3,
)
GAPS = st.sampled_from(["", " ", "-", ".", "\u00a0", "\u2013", "\u2011", " - ", "\uff0e", "\u3000"])
DIGIT_BASES = st.sampled_from([0x30, 0x660, 0x966, 0xFF10, 0x1D7CE, 0x1D7F6])
AROUND = st.text(st.characters(categories=["Lu", "Ll", "Zs", "Po"], exclude_characters="@%.'#&"), max_size=20)


@st.composite
def disguised(draw: st.DrawFn, number: str) -> str:
    """`number` with each character in some script, and gaps and unseen characters between any two."""
    pieces = []
    for char in number:
        shown = chr(draw(DIGIT_BASES) + int(char)) if char.isdigit() else char
        pieces.append(shown + draw(UNSEEN) + draw(GAPS) + draw(UNSEEN))
    return "".join(pieces).rstrip(" -.\u00a0\u2013\u2011\uff0e\u3000")


NUMBERS = st.sampled_from(
    [
        "4242424242424242",
        "378282246310005",
        "6212345678900000003",
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
    ]
)


@given(AROUND, NUMBERS.flatmap(disguised), AROUND)
def test_no_disguise_of_a_number_passes(before: str, number: str, after: str) -> None:
    text = f"{before} : {number} : {after}"
    assert masked(text).count(" : <") == 1
    assert number not in masked(text)


@given(AROUND, st.data(), AROUND)
def test_no_unseen_character_hides_an_address_or_a_key(before: str, data: st.DataObject, after: str) -> None:
    value = data.draw(
        st.sampled_from([KINDS["email"][0], KINDS["key"][0], KINDS["jwt"][0], "+4915112345678"])
    )
    hidden = "".join(char + data.draw(UNSEEN) for char in value)
    assert hidden not in masked(f"{before} : {hidden} : {after}")
    assert "<" in masked(f"{before} : {hidden} : {after}")


@given(st.text(st.characters(exclude_characters="@%", exclude_categories=["Nd", "No", "Cs"]), max_size=200))
def test_text_without_digits_or_at_signs_is_never_changed(text: str) -> None:
    result = redactor("US").before(user=text)
    if "-----BEGIN" not in text and "eyJ" not in text:
        assert result.action == "allow"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_was_masked_once_is_not_masked_again(text: str) -> None:
    once = masked(f"{text} john@example.com {text}")
    assert masked(once) == once
