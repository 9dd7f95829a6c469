"""The unmodified OpenAI client on paths that no dialect understands: the same as from the upstream."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai import OpenAI

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.provision import store_secret
from penstock.dev.environments import REGION
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests.e2e.conftest import EvidenceReader
from tests.e2e.test_canaries import MARK, everything

HERE = Path(__file__).parent
SOUND = bytes(range(256)) * 5000
VERDICT = {
    "id": f"modr-{MARK}",
    "model": "omni",
    "results": [{"flagged": False, "categories": {}, "category_scores": {}}],
}
PICTURE = {"created": 1, "data": [{"b64_json": "iVBORw0KGgo="}]}
FILES = {"object": "list", "has_more": False, "data": [], "first_id": None, "last_id": None}
EVENTS = [
    b'event: transcript.text.delta\r\ndata: {"type":"transcript.text.delta","delta":"he"}\r\n\r\n',
    b'data: {"type":"transcript.text.delta","delta":"llo"}\n\n',
    b'data: {"type":"transcript.text.done","text":"hello"}\n\n',
]


class Provider:
    """Answers each path as OpenAI would; `seen`: method, path with query, headers, body."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
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

    def answer(self, path: str, body: bytes) -> tuple[str, bytes]:
        """Media type and body."""
        if path == "/v1/audio/speech":
            return "audio/mpeg", SOUND
        if path == "/v1/files/file-1/content":
            return "application/octet-stream", SOUND
        known = {"/v1/moderations": VERDICT, "/v1/images/generations": PICTURE, "/v1/files": FILES}
        return "application/json", json.dumps(known.get(path, {"text": f"{len(body)} bytes"})).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                provider.seen.append((self.command, self.path, headers, body))
                if b'name="stream"' in body:
                    self.stream()
                    return
                kind, answer = provider.answer(self.path.partition("?")[0], body)
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.send_header("set-cookie", "provider=1")
                self.end_headers()
                self.wfile.write(answer)

            def do_GET(self) -> None:
                self.do_POST()

            def stream(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                for event in EVENTS:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
                pass

        return Handler


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Iterator[LocalGateway]:
    folder = tmp_path_factory.mktemp("opened")
    path = folder / "gateway.toml"
    path.write_text((HERE / "opened.toml").read_text().replace("STUB", provider.address))
    options = Options(port=0, configuration=path, folder=folder / ".penstock", keep=False, warm=1, maximum=2)
    with LocalGateway(options, tell=lambda _: None) as running:
        store_secret(
            Clients(Endpoint(REGION, running.aws_url, "local", "local")), "opened/stub", "provider-key"
        )
        yield running


@pytest.fixture(scope="module")
def through(opened: LocalGateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{opened.address}/v1", api_key=opened.prepared.api_key, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def direct(provider: Provider) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"http://{provider.address}/v1", api_key="provider-key") as client:
        yield client


def form(body: bytes, kind: str) -> dict[str, bytes]:
    """The parts of a form, by name."""
    message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): bytes(part.get_payload(decode=True))
        for part in message.iter_parts()
    }


def test_a_recording_goes_as_a_form_and_its_words_come_back(
    through: OpenAI, direct: OpenAI, provider: Provider
) -> None:
    said, seen = [], []
    for client in (direct, through):
        answer = client.audio.transcriptions.create(model="whisper-1", file=("a.wav", SOUND, "audio/wav"))
        said.append(answer.model_dump()["text"])
        seen.append(provider.seen[-1])
    assert said[0] == said[1]
    (_, path, _, _), (_, ours, headers, body) = seen
    assert path == ours == "/v1/audio/transcriptions"
    assert form(body, headers["content-type"]) == {"model": b"whisper-1", "file": SOUND} | {
        name: value
        for name, value in form(body, headers["content-type"]).items()
        if name not in {"model", "file"}
    }
    assert headers["authorization"] == "Bearer provider-key"
    assert not {"cookie", "x-forwarded-for", "x-api-key", "x-amzn-trace-id"} & set(headers)
    assert headers["host"] == provider.address


def test_events_of_a_transcription_arrive_as_they_were_sent(
    through: OpenAI, direct: OpenAI, opened: LocalGateway
) -> None:
    heard = []
    for client in (direct, through):
        stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=b"RIFF", stream=True)
        heard.append([event.model_dump() for event in stream])
    assert heard[0] == heard[1]
    assert [event["type"] for event in heard[1]][-1] == "transcript.text.done"
    raw = httpx.post(
        f"{opened.address}/v1/audio/transcriptions",
        files={"file": b"x"},
        data={"stream": "true"},
        headers={"authorization": f"Bearer {opened.prepared.api_key}"},
        trust_env=False,
    )
    assert raw.content == b"".join(EVENTS)


def test_speech_arrives_byte_by_byte(through: OpenAI, direct: OpenAI) -> None:
    spoken = [
        client.audio.speech.create(model="tts-1", voice="alloy", input="Hello").read()
        for client in (direct, through)
    ]
    assert spoken[0] == spoken[1] == SOUND


def test_moderations_and_pictures_are_those_of_the_upstream(through: OpenAI, direct: OpenAI) -> None:
    verdicts = [client.moderations.create(input="hello").model_dump() for client in (direct, through)]
    assert verdicts[0] == verdicts[1]
    pictures = [
        client.images.generate(prompt="a weir", model="gpt-image-1").model_dump()
        for client in (direct, through)
    ]
    assert pictures[0] == pictures[1]


def test_files_are_listed_with_their_query_and_read(through: OpenAI, provider: Provider) -> None:
    listed = through.files.list(limit=2, purpose="user data&more").model_dump()
    assert listed["data"] == []
    assert httpx.URL(provider.seen[-1][1]).params.multi_items() == [
        ("limit", "2"),
        ("purpose", "user data&more"),
    ]
    assert through.files.content("file-1").read() == SOUND


def test_what_is_not_granted_or_not_opened_is_the_clients_own_error(
    through: OpenAI, provider: Provider
) -> None:
    before = len(provider.seen)
    with pytest.raises(openai.PermissionDeniedError) as refused:
        through.files.delete("file-1")
    assert refused.value.code == "route_not_allowed"
    with pytest.raises(openai.NotFoundError) as unknown:
        through.fine_tuning.jobs.list()
    assert unknown.value.code == "unknown_route"
    assert len(provider.seen) == before


def test_the_record_says_that_nobody_looked_and_holds_nothing_of_it(
    through: OpenAI, opened: LocalGateway
) -> None:
    answer = through.moderations.with_raw_response.create(input="canary-words")
    (record,) = EvidenceReader(opened).of(answer.headers["x-request-id"])
    assert record["route"] == "/v1/moderations"
    assert {(u["path"], u["kind"], u["policy"], u["plugin"]) for u in record["uninspected"]} == {
        ("request", "body", "allow", "route:moderations"),
        ("response", "body", "allow", "route:moderations"),
    }
    actions = {placement["plugin"]: placement["action"] for placement in record["placements"]}
    assert actions == {"request-tags": "transform", "pii-redactor": "skipped"}
    assert "cost_nanousd" not in record
    assert "canary" not in json.dumps(record)
    assert answer.headers.get("set-cookie") is None


def test_no_word_of_what_passes_is_kept_anywhere(through: OpenAI, opened: LocalGateway) -> None:
    through.audio.transcriptions.create(model=MARK, file=(f"{MARK}.wav", MARK.encode()), prompt=MARK)
    through.files.list(extra_query={"after": MARK}, extra_headers={"x-other": MARK, "accept": MARK})
    through.files.content(f"file-{MARK}")
    answer = through.moderations.with_raw_response.create(input=MARK)
    assert MARK in answer.text
    request_id = answer.headers["x-request-id"]
    EvidenceReader(opened).of(request_id)
    places = dict(everything(opened))
    assert any(request_id in text for text in places.values())
    assert [place for place, text in places.items() if MARK in text] == []
