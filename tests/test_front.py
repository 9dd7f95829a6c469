from __future__ import annotations

import json
from collections import Counter

import pytest

from penstock.front import ANSWERS_FOR, GATEWAY_RESPONSES, error_body, retry_header


@pytest.mark.parametrize("code", GATEWAY_RESPONSES)
def test_every_row_is_an_error_as_the_openai_client_reads_it(code: str) -> None:
    error = json.loads(error_body(code))["error"]
    assert (error["code"], error["message"]) == (code, GATEWAY_RESPONSES[code].message)


def test_only_what_reached_nobody_may_be_repeated() -> None:
    repeated = {code for code in GATEWAY_RESPONSES if retry_header(code) == ("Retry-After", "1")}
    assert repeated == {"rate_limited"}


def test_each_type_of_api_gateway_has_one_answer() -> None:
    rows = Counter(row.aws_type for row in GATEWAY_RESPONSES.values())
    several = {aws_type for aws_type, count in rows.items() if count > 1}
    assert several == set(ANSWERS_FOR)
    assert all(GATEWAY_RESPONSES[code].aws_type == aws_type for aws_type, code in ANSWERS_FOR.items())
