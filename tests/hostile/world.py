"""One local gateway with every hostile plugin twice: in its own process, and in a function."""

from __future__ import annotations

import json
import secrets
import shutil
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx

from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests import tree
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider

Host = Literal["in_process", "function"]
HERE = Path(__file__).parent
PATIENCE_S = 120.0
HOSTS: tuple[Host, Host] = ("in_process", "function")
PLUGINS = ("spy", "forger", "breaker", "squatter")
CALLS = (
    "spelled", "metadata", "redirected", "other_host_header", "line_break", "huge_receiver", "own_transport",
    "own_client", "urllib", "socket", "ungranted_secret", "ungranted_storage", "ungranted_email",
)  # fmt: skip
STANZA = """
[[plugin]]
name = "{name}"
path = "{folder}"
host = "{host}"
timeout_ms = {timeout_ms}
scope = {{ model = ["{name}"] }}
uninspected = "allow"

[plugin.grant.before_upstream]
{grant}

[[model]]
id = "{name}"
provider = "stub"
"""
CALLER = """
[[plugin]]
name = "caller"
path = "caller"
scope = {{ model = ["caller-*"] }}
config = {{ granted = "{granted}", inside = "{inside}" }}

[plugin.grant]
hosts = ["{granted}"]

[plugin.grant.after_response]
reads = ["evidence"]
effects = ["emit", "record"]
"""
# One model for each way: a background plugin reads evidence, and evidence holds no words.
MODEL = """
[[model]]
id = "{name}"
provider = "stub"
"""


class Seen(NamedTuple):
    """What came of one attack: the caller's answer, and what the evidence says of the plugin."""

    status: int
    code: str
    action: str
    detail: str
    request_id: str

    @property
    def text(self) -> str:
        """As in expected.toml: what the plugin says it came to, or how it failed."""
        return self.detail if self.action == "block" else f"{self.action} {self.detail}".strip()


class Receiver:
    """On loopback: `granted` answers, redirects to `inside` and sends too much; `inside` says so."""

    def __init__(self, redirect_to: str = "") -> None:
        self.seen: list[str] = []
        self.headers: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(redirect_to))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self, redirect_to: str) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                receiver.seen.append(self.path)
                receiver.headers += [name.lower() for name in self.headers]
                body = b"inside" if not redirect_to else b"granted"
                if self.path == "/redirect" and redirect_to:
                    self.send_response(302)
                    self.send_header("location", f"http://{redirect_to}/")
                elif self.path == "/huge":
                    body = bytes(2_000_000)
                    self.send_response(200)
                else:
                    self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@dataclass(slots=True)
class World:
    """The running gateway, and who could be reached around it."""

    gateway: LocalGateway
    evidence: EvidenceReader
    provider: StubProvider
    granted: Receiver
    inside: Receiver
    canary: str = field(default_factory=lambda: f"ungranted-canary-{secrets.token_hex(8)}")

    def ask(self, model: str, *said: str) -> httpx.Response:
        """One request whose system prompt nobody granted. What has just ended is waited for."""
        user = [{"role": "user", "content": text} for text in said]
        body = {"model": model, "messages": [{"role": "system", "content": self.canary}, *user]}
        headers = {"authorization": f"Bearer {self.gateway.prepared.api_key}"}
        url = f"{self.gateway.address}/v1/chat/completions"
        return httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S, trust_env=False)

    def attack(self, plugin: str, host: Host, *said: str) -> Seen:
        """What comes of one attack."""
        name = named(plugin, host)
        response = self.ask(name, *said)
        code = str(_error(response).get("code", ""))
        if response.status_code == 502:  # the API's own words: the gateway's function could not speak
            return Seen(502, code, "lost", code, response.headers["x-request-id"])
        request_id = response.headers["x-request-id"]
        (record,) = self.evidence.of(request_id, within_s=PATIENCE_S)
        (placement,) = [p for p in record["placements"] if p["plugin"] == name]
        assert placement["host"] == host
        detail = str(placement.get("failure") or placement.get("reason") or "")
        return Seen(response.status_code, code, placement["action"], detail, request_id)

    def call(self, way: str) -> Seen:
        """What comes of one attack by the background plugin, as the record of its delivery says."""
        response = self.ask(f"caller-{way}", "hello")
        request_id = response.headers["x-request-id"]
        (record,) = self.evidence.of(request_id, "delivery", within_s=PATIENCE_S)
        said = record.get("recorded", {}).get("came_to", "")
        came_to = ("block", said) if record["action"] != "fail" else ("fail", record["failure"])
        return Seen(response.status_code, "", *came_to, request_id)

    def log(self, plugin: str, host: Host) -> str:
        name = "gateway" if host == "in_process" else f"plugin-{named(plugin, host)}"
        path = self.gateway._options.logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def pids(self, plugin: str) -> list[int]:
        """The processes of a plugin's function."""
        wanted = f"PENSTOCK_PLUGIN={plugin}\0".encode()
        return [pid for pid in _children() if wanted in _environment(pid)]


def _error(response: httpx.Response) -> dict[str, Any]:
    found = response.json().get("error")
    return found if isinstance(found, dict) else {}


def _children() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def named(plugin: str, host: Host) -> str:
    return plugin if host == "function" else f"{plugin}-in"


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Real processes: the gateway's one environment, a function for each plugin, AWS."""
    provider, inside = StubProvider(), Receiver()
    granted = Receiver(redirect_to=inside.address)
    provider.answer = lambda _: (200, json.dumps(ANSWER).encode())
    options = Options(
        port=0,
        configuration=_configuration(folder, provider, granted, inside),
        folder=folder / ".penstock",
        keep=False,
        warm=1,
        maximum=1,
        sweep_every_s=3600.0,
    )
    try:
        with LocalGateway(options, tell=lambda _: None) as gateway:
            yield World(gateway, EvidenceReader(gateway), provider, granted, inside)
    finally:
        for server in (provider, granted, inside):
            server.close()


ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def _configuration(folder: Path, provider: StubProvider, granted: Receiver, inside: Receiver) -> Path:
    shutil.copytree(tree.ROOT / "examples" / "card_guard", folder / "card_guard")
    _copied(folder, "caller", "caller", granted)
    stanzas = [_stanza(folder, plugin, host, granted) for plugin in PLUGINS for host in HOSTS]
    stanzas.append(CALLER.format(granted=granted.address, inside=inside.address))
    calls = [f"caller-{way}" for way in CALLS]
    stanzas += [MODEL.format(name=name) for name in calls]
    models = ["witness", *(named(plugin, host) for plugin in PLUGINS for host in HOSTS), *calls]
    text = (HERE / "gateway.toml").read_text().replace("STUB", provider.address)
    path = folder / "gateway.toml"
    path.write_text(text.replace("MODELS", json.dumps(models)) + "".join(stanzas))
    return path


def _stanza(folder: Path, plugin: str, host: Host, granted: Receiver) -> str:
    name = named(plugin, host)
    manifest = _copied(folder, plugin, name, granted)
    moment: dict[str, Any] = manifest["before_upstream"]
    return STANZA.format(
        name=name,
        folder=name.replace("-", "_"),
        host=host,
        timeout_ms=moment.pop("timeout_ms"),
        grant="\n".join(f"{key} = {json.dumps(value)}" for key, value in moment.items()),
    )


def _copied(folder: Path, plugin: str, name: str, granted: Receiver) -> dict[str, Any]:
    """The plugin under `name`, in a folder of that name; its manifest."""
    target = folder / name.replace("-", "_")
    shutil.copytree(HERE / "plugins" / plugin, target, ignore=shutil.ignore_patterns("__pycache__"))
    text = (target / "plugin.toml").read_text().replace(f'name = "{plugin}"', f'name = "{name}"')
    text = text.replace("GRANTED_PORT", granted.address.rpartition(":")[2])
    (target / "plugin.toml").write_text(text)
    return tomllib.loads(text)


def wait_for(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold; a shared machine takes its time."""
    ends = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True
