from __future__ import annotations

from collections import Counter

import anthropic
import httpx2 as httpx
import openai
import pytest

from penstock.front import ANSWERS_FOR, GATEWAY_RESPONSES, error_body, retry_header


@pytest.fixture(params=GATEWAY_RESPONSES)
def answer(request: pytest.FixtureRequest) -> tuple[str, httpx.Response]:
    """A row and what a client gets of it."""
    code = str(request.param)
    row = GATEWAY_RESPONSES[code]
    asked = httpx.Request("POST", "http://127.0.0.1:9/v1/x")
    headers = {"content-type": "application/json"} | dict([retry_header(code)])
    return code, httpx.Response(row.status, headers=headers, content=error_body(code), request=asked)


def test_every_row_is_an_error_as_the_openai_client_reads_it(answer: tuple[str, httpx.Response]) -> None:
    code, came = answer
    client = openai.OpenAI(
        api_key="k",
        base_url="http://127.0.0.1:9/v1",
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(lambda _: came)),
    )
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model="m", messages=[])
    assert (raised.value.status_code, raised.value.code) == (came.status_code, code)
    assert GATEWAY_RESPONSES[code].message in str(raised.value)


def test_every_row_is_an_error_as_anthropic_s_client_reads_it(answer: tuple[str, httpx.Response]) -> None:
    code, came = answer
    client = anthropic.Anthropic(
        api_key="k",
        base_url="http://127.0.0.1:9",
        max_retries=0,
        http_client=httpx.Client(transport=httpx.MockTransport(lambda _: came)),
    )
    with pytest.raises(anthropic.APIStatusError) as raised:
        client.messages.create(model="m", max_tokens=9, messages=[])
    told = came.json()
    assert told["type"] == "error"
    assert (raised.value.status_code, raised.value.type) == (came.status_code, told["error"]["type"])
    assert GATEWAY_RESPONSES[code].message in str(raised.value)


def test_only_what_reached_nobody_may_be_repeated() -> None:
    repeated = {code for code in GATEWAY_RESPONSES if retry_header(code) == ("Retry-After", "1")}
    assert repeated == {"rate_limited"}


def test_each_type_of_api_gateway_has_one_answer() -> None:
    rows = Counter(row.aws_type for row in GATEWAY_RESPONSES.values())
    several = {aws_type for aws_type, count in rows.items() if count > 1}
    assert several == set(ANSWERS_FOR)
    assert all(GATEWAY_RESPONSES[code].aws_type == aws_type for aws_type, code in ANSWERS_FOR.items())
