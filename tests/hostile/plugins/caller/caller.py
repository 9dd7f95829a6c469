"""Calls a place that it was not granted: under other spellings, by a redirect, past the library."""

import http.client
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from pydantic import BaseModel

from penstock.adapters.clients import Clients
from penstock.adapters.functions import LambdaFunctions
from penstock.egress.messages import encode_request
from penstock.sdk import Context, Evidence, Plugin


class Places(BaseModel):
    granted: str = "127.0.0.1:1"
    inside: str = "127.0.0.1:1"
    name_server: int = 1
    """A port for datagrams."""
    name: str = "caller"
    """What its requests are known by where they arrive."""

    def within(self, way: str) -> str:
        return f"http://{self.inside}/{self.name}/{way}"


METADATA = ("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/latest/meta-data/")


def spellings(places: Places) -> Iterator[str]:
    """Ways to write a place that is not the granted one, or that only looks like it."""
    port, granted = places.inside.rpartition(":")[2], places.granted
    for host in (
        "127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.1",
        "127.0.1", "0", "0.0.0.0", "127.0.0.1.", "localhost", "localhost.", "LOCALHOST", "[::1]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]",
        "①②⑦.⓪.⓪.①", "127。0。0。1", "127.0.0.1%00", "ｌｏｃａｌｈｏｓｔ",
    ):  # fmt: skip
        yield f"http://{host}:{port}/spelled"
    yield f"http://{granted}@127.0.0.1:{port}/"
    yield f"http://user:{granted}@127.0.0.1:{port}/"
    yield f"http://{granted}\\@127.0.0.1:{port}/"
    yield f"http://127.0.0.1:{port}\\@{granted}/"
    yield f"http://127.0.0.1:{port}#@{granted}/"
    yield f"http://127.0.0.1:{port}?@{granted}/"
    yield f"http://{granted}%40127.0.0.1:{port}/"
    yield f"http://127.0.0.1\t:{port}/"
    yield f"http:\\\\127.0.0.1:{port}\\"
    yield f"//127.0.0.1:{port}/"
    yield f"https://{granted}/"


def _any(client: httpx.Client, urls: Iterator[str] | tuple[str, ...]) -> bool:
    """Whether any of them gets an answer. What is refused, or no URL at all, is none."""
    return any(_answers(client, url) for url in urls)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, timeout=2).status_code < 400
    except Exception:  # noqa: BLE001  # whatever it is, the next spelling may do
        return False


def _spelled(ctx: Context, places: Places) -> bool:
    return _any(ctx.http, spellings(places))


def _metadata(ctx: Context, _places: Places) -> bool:
    return _any(ctx.http, METADATA)


def _redirected(ctx: Context, places: Places) -> bool:
    return ctx.http.get(f"http://{places.granted}/redirect", follow_redirects=True).text == "inside"


def _other_host_header(ctx: Context, places: Places) -> bool:
    return ctx.http.get(f"http://{places.granted}/", headers={"host": places.inside}).status_code < 400


def _line_break(ctx: Context, places: Places) -> bool:
    headers = {"x-note": "a\r\nx-forged: yes"}
    return ctx.http.get(f"http://{places.granted}/", headers=headers).status_code < 400


def _huge(ctx: Context, places: Places) -> bool:
    return len(ctx.http.get(f"http://{places.granted}/huge").content) > 1_048_576


def _own_transport(ctx: Context, places: Places) -> bool:
    """The transport beneath the check, taken out of the client."""
    inner = ctx.http._transport._inner  # type: ignore[attr-defined]  # past the check
    return httpx.Client(transport=inner).get(places.within("own_transport")).text == "inside"


def _own_client(_ctx: Context, places: Places) -> bool:
    return httpx.get(places.within("own_client"), trust_env=False).text == "inside"


def _urllib(_ctx: Context, places: Places) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(places.within("urllib"), timeout=5) as answer:
        return bool(answer.read() == b"inside")


def _socket(_ctx: Context, places: Places) -> bool:
    host, _, port = places.inside.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET /{places.name}/socket HTTP/1.0\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.read() == b"inside"


def _child(_ctx: Context, places: Places) -> bool:
    code = f"import urllib.request as u; u.urlopen({places.within('child')!r}, timeout=5).read()"
    return (
        subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL).returncode == 0
    )


def _name_server(_ctx: Context, places: Places) -> bool:
    """A question to a name server of its own, whose name is what it has read."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(5)
        asking.sendto(places.name.encode(), ("127.0.0.1", places.name_server))
        return bool(asking.recv(512))


def _alias(event: dict[str, Any]) -> dict[str, Any]:
    """The egress function's answer to an event of the plugin's own making."""
    functions = LambdaFunctions(Clients(), os.environ["PENSTOCK_EGRESS_ALIAS"], 1, 10.0)
    answer: dict[str, Any] = json.loads(functions.invoke("", json.dumps(event).encode()).result(10.0))
    return answer


def _own_event(_ctx: Context, places: Places) -> bool:
    """Past the library's check, by the alias that is its own."""
    return "status" in _alias(json.loads(encode_request(httpx.Request("GET", places.within("own_event")))))


def _forged_sender(_ctx: Context, places: Places) -> bool:
    """The same, saying that another plugin asks."""
    event = json.loads(encode_request(httpx.Request("GET", places.within("forged_sender"))))
    return "status" in _alias({**event, "plugin": "another"})


def _ungranted_secret(ctx: Context, _places: Places) -> bool:
    return bool(ctx.secret("of-another"))


def _ungranted_storage(ctx: Context, _places: Places) -> bool:
    return ctx.storage.get("key") is not None


def _ungranted_email(ctx: Context, _places: Places) -> bool:
    ctx.email.send("someone@example.com", "subject", "text")
    return True


def _ungranted_exports(ctx: Context, _places: Places) -> bool:
    return ctx.exports.put("key", b"body")


def _ungranted_workflow(ctx: Context, _places: Places) -> bool:
    ctx.workflow.start()
    return True


# What finds no way says so by an error of the system's, or of a client's own.
UNREACHED = (OSError, httpx.ConnectError)
PAST_THE_LIBRARY = {"own_client", "urllib", "socket", "child", "name_server"}

WAYS: dict[str, Callable[[Context, Places], bool]] = {
    "granted": lambda ctx, places: ctx.http.get(f"http://{places.granted}/").status_code == 200,
    "spelled": _spelled,
    "metadata": _metadata,
    "redirected": _redirected,
    "other_host_header": _other_host_header,
    "line_break": _line_break,
    "huge_receiver": _huge,
    "own_transport": _own_transport,
    "own_client": _own_client,
    "urllib": _urllib,
    "socket": _socket,
    "child": _child,
    "name_server": _name_server,
    "own_event": _own_event,
    "forged_sender": _forged_sender,
    "ungranted_secret": _ungranted_secret,
    "ungranted_storage": _ungranted_storage,
    "ungranted_email": _ungranted_email,
    "ungranted_exports": _ungranted_exports,
    "ungranted_workflow": _ungranted_workflow,
}


class Caller(Plugin):
    config_model = Places

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        way = str(evidence["resource"]["model"]).rpartition(".")[2]
        try:
            found = WAYS[way](ctx, ctx.config)
        except UNREACHED:
            if way not in PAST_THE_LIBRARY:
                raise
            found = False
        ctx.record("came_to", "reached" if found else "nothing")
