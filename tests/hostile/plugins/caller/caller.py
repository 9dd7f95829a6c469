"""Calls a place that it was not granted: under other spellings, by a redirect, past the library."""

import http.client
import socket
import urllib.request
from collections.abc import Callable, Iterator

import httpx
from pydantic import BaseModel

from penstock.sdk import Context, Evidence, Plugin


class Places(BaseModel):
    granted: str = "127.0.0.1:1"
    inside: str = "127.0.0.1:1"


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
        yield f"http://{host}:{port}/"
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
    return httpx.Client(transport=inner).get(f"http://{places.inside}/").text == "inside"


def _own_client(_ctx: Context, places: Places) -> bool:
    return httpx.get(f"http://{places.inside}/", trust_env=False).text == "inside"


def _urllib(_ctx: Context, places: Places) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{places.inside}/", timeout=5) as answer:
        return bool(answer.read() == b"inside")


def _socket(_ctx: Context, places: Places) -> bool:
    host, _, port = places.inside.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.read() == b"inside"


def _ungranted_secret(ctx: Context, _places: Places) -> bool:
    return bool(ctx.secret("of-another"))


def _ungranted_storage(ctx: Context, _places: Places) -> bool:
    return ctx.storage.get("key") is not None


def _ungranted_email(ctx: Context, _places: Places) -> bool:
    ctx.email.send("someone@example.com", "subject", "text")
    return True


WAYS: dict[str, Callable[[Context, Places], bool]] = {
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
    "ungranted_secret": _ungranted_secret,
    "ungranted_storage": _ungranted_storage,
    "ungranted_email": _ungranted_email,
}


class Caller(Plugin):
    config_model = Places

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        way = str(evidence["resource"]["model"]).removeprefix("caller-")
        ctx.record("came_to", "reached" if WAYS[way](ctx, ctx.config) else "nothing")
