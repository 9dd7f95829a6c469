from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from penstock.dev.echo import Echo, preferring


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def echo(slept: list[float]) -> Iterator[Echo]:
    echo = Echo(sleep=slept.append)
    echo.start()
    yield echo
    echo.stop()


@pytest.fixture
def client(echo: Echo) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{echo.port}", timeout=30) as client:
        yield client


def ask(client: httpx.Client, text: str, **members: Any) -> httpx.Response:
    body = {"model": "echo", "messages": [{"role": "user", "content": text}], **members}
    return client.post("/v1/chat/completions", json=body)


def test_the_openai_client_reads_its_answers(echo: Echo) -> None:
    with openai.OpenAI(base_url=f"http://127.0.0.1:{echo.port}/v1", api_key="x", max_retries=0) as client:
        completion = client.chat.completions.create(
            model="echo", messages=[{"role": "user", "content": "hello"}], n=2, logprobs=True
        )
        assert completion.choices[1].message.content == "You said: hello (2)"
        assert [model.id for model in client.models.list()] == ["echo", "echo-large"]
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(
                model="echo", messages=[{"role": "user", "content": "[[echo: fail=500]]"}]
            )


def test_a_header_directs_it(client: httpx.Client) -> None:
    body = {"model": "echo", "messages": []}
    response = client.post("/v1/chat/completions", json=body, headers={"x-echo": "text=hi"})
    assert response.json()["choices"][0]["message"]["content"] == "hi"


def test_it_waits_before_and_within_its_answer(client: httpx.Client, slept: list[float]) -> None:
    assert ask(client, "[[echo: delay=2; stall=3]]").status_code == 200
    assert slept == [2.0, 3.0]


def test_it_fails_as_told(client: httpx.Client) -> None:
    response = ask(client, "[[echo: fail=429]]")
    assert response.status_code == 429
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("directive", ["cut", "cut; huge=100000"])
def test_a_cut_answer_ends_before_its_length(client: httpx.Client, directive: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, f"[[echo: {directive}]]")


def test_a_length_that_lies_truncates_the_json(client: httpx.Client) -> None:
    response = ask(client, "[[echo: lie-length]]")
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()


def test_a_type_that_lies_is_html(client: httpx.Client) -> None:
    response = ask(client, "[[echo: lie-type]]")
    assert response.headers["content-type"].startswith("text/html")
    assert response.json()["object"] == "chat.completion"


def test_garbage_is_no_json(client: httpx.Client) -> None:
    response = ask(client, "[[echo: garbage]]")
    assert response.headers["content-type"] == "application/json"
    with pytest.raises(ValueError, match=r"."):
        response.json()


def test_a_huge_answer_is_as_long_as_asked_for(client: httpx.Client) -> None:
    assert len(ask(client, "[[echo: huge=300000]]").json()["choices"][0]["message"]["content"]) == 300_000


def test_a_gzip_bomb_is_small_until_it_is_opened(client: httpx.Client) -> None:
    body = {"model": "echo", "messages": [{"role": "user", "content": "[[echo: gzip-bomb=5500000]]"}]}
    with client.stream("POST", "/v1/chat/completions", json=body) as response:
        packed = b"".join(response.iter_raw())
    assert len(packed) < 50_000
    assert len(gzip.decompress(packed)) == 5_500_000


def test_a_fixture_is_given_back_byte_for_byte(client: httpx.Client) -> None:
    content = b'{"odd" :  1.10, "big":12345678901234567890123}\n'
    fixture = {"id": "f", "status": 202, "headers": {"X-A": "1"}, "body": base64.b64encode(content).decode()}
    assert client.post("/_fixture", json=fixture).status_code == 201
    response = ask(client, "[[echo: fixture=f]]")
    assert (response.status_code, response.content, response.headers["x-a"]) == (202, content, "1")
    assert ask(client, "[[echo: fixture=unknown]]").status_code == 404


def test_it_remembers_what_it_received_and_forgets_when_told(client: httpx.Client) -> None:
    ask(client, "hello")
    (seen,) = client.get("/_seen").json()["requests"]
    assert json.loads(base64.b64decode(seen["body"]))["messages"][0]["content"] == "hello"
    assert ["host", client.base_url.netloc.decode()] in [
        [name.lower(), value] for name, value in seen["headers"]
    ]
    client.delete("/_seen")
    assert client.get("/_seen").json() == {"requests": []}


@pytest.mark.parametrize("content", [b"", b"not JSON", b"[]", b"1", b'{"n": "x"}', b"\xff"])
def test_a_body_that_it_cannot_read_is_a_400_and_the_next_is_answered(
    client: httpx.Client, content: bytes
) -> None:
    assert client.post("/v1/chat/completions", content=content).status_code in {200, 400}
    assert ask(client, "hello").status_code == 200


def test_an_unknown_directive_is_a_400_that_lists_the_known(client: httpx.Client) -> None:
    response = ask(client, "[[echo: dealy=2]]")
    assert response.status_code == 400
    assert "delay=SECONDS" in response.json()["error"]["message"]


@pytest.mark.parametrize("directives", ["", "split=1; framing=ragged,crlf,comments", "gzip"])
def test_what_the_openai_client_puts_together_from_a_stream_is_the_unary_answer(
    echo: Echo, directives: str
) -> None:
    messages: Any = [{"role": "user", "content": 'call:look_up {"a": "one two"}'}]
    calling: Any = {"tools": [{"type": "function", "function": {"name": "look_up", "parameters": {}}}]}
    with openai.OpenAI(base_url=f"http://127.0.0.1:{echo.port}/v1", api_key="x", max_retries=0) as client:
        chat, headers = client.chat.completions, {"x-echo": directives}
        for more in (calling, {"n": 2, "logprobs": True}):
            whole = chat.create(model="echo", messages=messages, **more)
            with chat.stream(
                model="echo",
                messages=messages,
                stream_options={"include_usage": True},
                extra_headers=headers,
                **more,
            ) as stream:
                streamed = stream.get_final_completion()
            assert [told(choice) for choice in streamed.choices] == [told(choice) for choice in whole.choices]
            assert whole.usage is not None
            assert streamed.usage == whole.usage


def told(choice: Any) -> tuple[Any, ...]:
    message = choice.message
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    tokens = choice.logprobs and [token.token for token in choice.logprobs.content]
    return choice.index, message.content, message.refusal, calls, tokens, choice.finish_reason


def test_a_taken_port_is_given_up_for_another(echo: Echo) -> None:
    other = preferring(echo.port)
    assert other.port not in {0, echo.port}
    other.stop()


def test_another_path_is_not_found(client: httpx.Client) -> None:
    assert client.get("/v2").status_code == 404


def test_it_takes_evidence_and_keeps_what_it_got(client: httpx.Client) -> None:
    response = client.post("/audit", json={"request_id": "r"}, headers={"webhook-id": "msg_r"})
    assert (response.status_code, response.content) == (204, b"")
    (seen,) = client.get("/_seen").json()["requests"]
    assert (seen["method"], seen["path"]) == ("POST", "/audit")
    assert json.loads(base64.b64decode(seen["body"])) == {"request_id": "r"}
    assert ["webhook-id", "msg_r"] in seen["headers"]
