"""One local gateway with every hostile plugin twice: in its own process, and in a function."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx

from penstock.configuration.settings import EGRESS_ALIAS
from penstock.dev.environments import Function
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from tests import tree
from tests.e2e.conftest import EvidenceReader
from tests.e2e.stub import StubProvider
from tests.hostile.receiver import NameServer, Receiver

Host = Literal["in_process", "function"]
HERE = Path(__file__).parent
WALL = HERE / "walled.py"
WALLED = "caller-walled"
CALLERS = {"function": "caller", "enforced": WALLED}
PATIENCE_S = 120.0
HOSTS: tuple[Host, Host] = ("in_process", "function")
PLUGINS = ("spy", "forger", "breaker", "squatter")
CALLS = (
    "spelled", "metadata", "redirected", "other_host_header", "line_break", "huge_receiver", "own_transport",
    "own_client", "urllib", "socket", "child", "name_server", "own_event", "forged_sender",
    "ungranted_secret", "ungranted_storage", "ungranted_email", "ungranted_exports",
    "ungranted_workflow", "granted",
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
name = "{name}"
path = "{folder}"
scope = {{ model = ["{name}.*"] }}
config = {{ name = "{name}", granted = "{granted}", inside = "{inside}", name_server = {name_server} }}

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


class EnforcedGateway(LocalGateway):
    """`egress = "enforced"` on this machine: an egress function, and a plugin with no other way out."""

    def _functions(self) -> Iterator[Function]:
        """Replaced, since nothing here but a synthesised stack has an egress function."""
        for function in super()._functions():
            yield walled(function) if function.name == f"plugin-{WALLED}" else function
        sender = self._function("egress", PATIENCE_S, warm=1, maximum=2)
        yield replace(sender, aliases=(WALLED,))


def walled(function: Function) -> Function:
    """Told its alias; and in a network of its own, where this machine lets it be made."""
    alias = {EGRESS_ALIAS: f"hostile-egress:{WALLED}"}
    wall = (sys.executable, str(WALL)) if has_networks() else ()
    command = (*wall, sys.executable, "-m", "awslambdaric", function.handler)
    return replace(function, environment={**function.environment, **alias}, command=command)


@cache
def has_networks() -> bool:
    """Whether this machine lets its user make network namespaces."""
    done = subprocess.run([sys.executable, str(WALL)], check=False, capture_output=True, env={})
    return done.returncode == 0


@dataclass(slots=True)
class World:
    """The running gateway, and who could be reached around it."""

    gateway: LocalGateway
    evidence: EvidenceReader
    provider: StubProvider
    places: Places
    called: dict[tuple[str, str], str] = field(default_factory=dict)
    """Host and way → the request that had it tried."""
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

    def call_all(self, ways: Callable[[str], Iterator[str]]) -> None:
        """Have every way tried in each of the hosts where it arises; nobody waits for any."""
        for host, plugin in CALLERS.items():
            for way in ways(host):
                response = self.ask(f"{plugin}.{way}", "hello")
                self.called[host, way] = response.headers["x-request-id"]

    def came_to(self, host: str, way: str) -> tuple[str, dict[str, Any]]:
        """What came of one of them, as in expected.toml; and the record of its delivery."""
        (record,) = self.evidence.of(self.called[host, way], "delivery", within_s=PATIENCE_S)
        if record["action"] == "fail":
            return f"fail {record['failure']}", record
        return str(record["recorded"]["came_to"]), record

    def log(self, plugin: str, host: Host) -> str:
        name = "gateway" if host == "in_process" else f"plugin-{named(plugin, host)}"
        path = self.gateway._options.logs / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def pids(self, plugin: str) -> list[int]:
        """The processes of a plugin's function."""
        wanted = f"PENSTOCK_PLUGIN={plugin}\0".encode()
        return [pid for pid in _children() if wanted in _environment(pid)]

    def networks(self, plugin: str) -> set[tuple[str, int]]:
        """Of its processes: the network that each is in, and the routes that it has there."""
        found = set()
        for pid in self.pids(plugin):
            routes = Path(f"/proc/{pid}/net/route").read_text().splitlines()[1:]
            found.add((str(Path(f"/proc/{pid}/ns/net").readlink()), len(routes)))
        return found


@dataclass(frozen=True, slots=True)
class Places:
    """Who can be reached on this machine."""

    granted: Receiver
    inside: Receiver
    names: NameServer

    def close(self) -> None:
        for one in (self.granted, self.inside, self.names):
            one.close()


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
    places = Places(Receiver(redirect_to=inside.address), inside, NameServer())
    provider.answer = lambda _: (200, json.dumps(ANSWER).encode())
    options = Options(
        port=0,
        configuration=_configuration(folder, provider, places),
        folder=folder / ".penstock",
        keep=False,
        warm=1,
        maximum=1,
        sweep_every_s=3600.0,
        seal_every_s=3600.0,
    )
    try:
        with EnforcedGateway(options, tell=lambda _: None) as gateway:
            yield World(gateway, EvidenceReader(gateway), provider, places)
    finally:
        provider.close()
        places.close()


ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def _configuration(folder: Path, provider: StubProvider, places: Places) -> Path:
    shutil.copytree(tree.ROOT / "examples" / "card_guard", folder / "card_guard")
    granted = places.granted
    stanzas = [_stanza(folder, plugin, host, granted) for plugin in PLUGINS for host in HOSTS]
    stanzas += [_caller(folder, name, places) for name in CALLERS.values()]
    calls = [f"{name}.{way}" for name in CALLERS.values() for way in CALLS]
    stanzas += [MODEL.format(name=name) for name in calls]
    models = ["witness", *(named(plugin, host) for plugin in PLUGINS for host in HOSTS), *calls]
    text = (HERE / "gateway.toml").read_text().replace("STUB", provider.address)
    path = folder / "gateway.toml"
    path.write_text(text.replace("MODELS", json.dumps(models)) + "".join(stanzas))
    return path


def _caller(folder: Path, name: str, places: Places) -> str:
    _copied(folder, "caller", name, places.granted)
    return CALLER.format(
        name=name,
        folder=name.replace("-", "_"),
        granted=places.granted.address,
        inside=places.inside.address,
        name_server=places.names.port,
    )


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
