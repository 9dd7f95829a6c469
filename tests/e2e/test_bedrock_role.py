"""Bedrock with the gateway's role: the clients of both dialects, and a provider that checks each signature.

It makes the signature anew from the bytes that arrived, as AWS does (`tests/upstream/sigv4.py`). Nothing of
this has run against Bedrock itself.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from anthropic import Anthropic
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests.e2e.conftest import EvidenceReader
from tests.upstream.sigv4 import verified

SECRET = "local"  # of the role that the local gateway's functions have
CONFIGURATION = """
[deployment]
name = "bedrock"

[[deployment.bedrock]]
service = "bedrock-mantle"
regions = ["eu-west-1"]
models = ["anthropic.claude-opus-4-6"]

[[deployment.bedrock]]
service = "bedrock"
regions = ["eu-central-1"]
models = ["openai.gpt-oss-120b-1:0"]

[[organisation]]
id = "acme"

[[provider]]
id = "mantle"
kind = "anthropic"
base_url = "http://PROVIDER/anthropic/v1"
auth = "aws"
aws_service = "bedrock-mantle"
aws_region = "eu-west-1"

[[provider]]
id = "runtime"
base_url = "http://PROVIDER/openai/v1"
auth = "aws"
aws_service = "bedrock"
aws_region = "eu-central-1"

[[model]]
id = "claude"
provider = "mantle"
upstream_model = "anthropic.claude-opus-4-6"

[[model]]
id = "gpt"
provider = "runtime"
upstream_model = "openai.gpt-oss-120b-1:0"

[[grant]]
organisations = ["acme"]
models = ["claude", "gpt"]
"""
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "anthropic.claude-opus-4-6",
    "content": [{"type": "text", "text": "Hello there."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "openai.gpt-oss-120b-1:0",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello there."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 2},
    },
    {"type": "message_stop"},
]


class Bedrock:
    """Answers what is rightly signed; `signed` says for what each request was."""

    def __init__(self) -> None:
        self.signed: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, raw: bytes, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body."""
        try:
            self.signed.append({**verified(raw, SECRET), "path": path})
        except AssertionError as why:
            said = {"type": "error", "error": {"type": "permission_error", "message": str(why)}}
            return 403, "application/json", json.dumps(said).encode()
        if json.loads(body).get("stream"):
            events = (f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in EVENTS)
            return 200, "text/event-stream", "".join(events).encode()
        answer = MESSAGE if path.endswith("/messages") else COMPLETION
        return 200, "application/json", json.dumps(answer).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        bedrock = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                head = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items())]
                raw = "\r\n".join(head).encode() + b"\r\n\r\n" + body
                status, kind, answer = bedrock.answer(raw, self.path, body)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        return Handler


@pytest.fixture(scope="module")
def bedrock() -> Iterator[Bedrock]:
    made = Bedrock()
    yield made
    made.close()


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory, bedrock: Bedrock) -> Iterator[LocalGateway]:
    folder: Path = tmp_path_factory.mktemp("bedrock")
    path = folder / "gateway.toml"
    path.write_text(CONFIGURATION.replace("PROVIDER", bedrock.address))
    options = Options(port=0, configuration=path, folder=folder / ".penstock", keep=False, warm=1, maximum=2)
    with LocalGateway(options, tell=lambda _: None) as running:
        yield running


def test_anthropic_s_client_is_answered_whole_and_streamed(signing: LocalGateway, bedrock: Bedrock) -> None:
    asked: Any = {
        "model": "claude",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "Grüße, „Bedrock“"}],
    }
    with Anthropic(base_url=signing.address, api_key=signing.prepared.api_key, max_retries=0) as client:
        answer = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
    said = [[block.to_dict()["text"] for block in each.content] for each in (answer, streamed)]
    assert said == [["Hello there."], ["Hello there."]]
    for signed in bedrock.signed[-2:]:
        assert (signed["service"], signed["region"]) == ("bedrock-mantle", "eu-west-1")
        assert signed["path"] == "/anthropic/v1/messages"


def test_openai_s_client_is_answered_and_the_record_names_the_provider(
    signing: LocalGateway, bedrock: Bedrock
) -> None:
    with OpenAI(base_url=f"{signing.address}/v1", api_key=signing.prepared.api_key, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="gpt", messages=[{"role": "user", "content": "Hello"}]
        )
    assert raw.parse().choices[0].message.content == "Hi."
    assert (bedrock.signed[-1]["service"], bedrock.signed[-1]["region"]) == ("bedrock", "eu-central-1")
    (record,) = EvidenceReader(signing).of(raw.headers["x-request-id"])
    assert record["upstream"][0]["provider"] == "runtime"
    assert "AWS4" not in json.dumps(record)
