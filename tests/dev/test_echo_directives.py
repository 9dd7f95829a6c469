from __future__ import annotations

from typing import Any

import pytest

from penstock.dev.echo_directives import UnknownDirectiveError, asked, last_user_text


def body(text: Any, **members: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}], **members}


def test_the_last_line_directs_and_is_not_echoed() -> None:
    request = asked(body("hello\n[[echo: delay=2; fail=500]]"), None)
    assert request.directives == {"delay": "2", "fail": "500"}
    assert request.user_text == "hello"


def test_metadata_directs_before_the_last_line_and_the_header_before_both() -> None:
    given = body("hello [[echo: text=line]]", metadata={"echo": "text=metadata"})
    assert asked(given, None).directives == {"text": "metadata"}
    assert asked(given, "text=header").directives == {"text": "header"}


def test_a_text_may_hold_semicolons() -> None:
    assert asked(body("[[echo: text=a; b; c; cut]]"), None).directives == {"text": "a; b; c", "cut": ""}


def test_an_unknown_directive_is_answered_with_all_that_there_are() -> None:
    with pytest.raises(UnknownDirectiveError, match="delay=SECONDS"):
        asked(body("[[echo: dealy=2]]"), None)


def test_a_value_that_must_be_a_number_is_one() -> None:
    with pytest.raises(UnknownDirectiveError, match="delay=SECONDS"):
        asked(body("[[echo: delay=long]]"), None).number("delay")


def test_the_text_of_parts_is_joined_and_only_the_last_user_message_counts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]
    messages = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": "no"},
    ]
    assert last_user_text({"messages": messages}) == "a b"


@pytest.mark.parametrize("odd", [{}, {"messages": 1}, {"messages": [1]}, {"messages": [{"role": "user"}]}])
def test_an_odd_body_has_no_text(odd: dict[str, Any]) -> None:
    assert asked(odd, None).user_text == ""


def test_ways_of_framing_go_together_and_an_unknown_one_is_answered_with_all() -> None:
    assert asked(body("[[echo: framing=crlf, bytes; cut=2]]"), None).framing() == {"crlf", "bytes"}
    assert asked(body("[[echo: cut]]"), None).framing() == frozenset()
    with pytest.raises(UnknownDirectiveError, match="together: three events"):
        asked(body("[[echo: framing=crlf,odd]]"), None).framing()


def test_a_text_can_be_given_so_that_no_guard_reads_it() -> None:
    body = {"metadata": {"echo": "split=1; text64=amFuZUBleGFtcGxlLmNvbQ=="}}
    assert asked(body, None).directives == {"split": "1", "text": "jane@example.com"}
    with pytest.raises(ValueError, match="base64"):
        asked({"metadata": {"echo": "text64=?"}}, None)
