"""The doors of MCP, as the coverage matrix goes through them: each kind of message that carries words.

Answered in JSON, or with events: then progress comes before the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from penstock.gates.placement import Placement
from penstock.gateway.http import HttpResponse, HttpStream
from penstock.sdk import Plugin
from penstock.sdk.loading import LoadedPlugin
from tests.dialects.mcp import bodies
from tests.gateway.doors import BOTH, Came, Door, Mode, Talk, trees_of
from tests.gateway.mcp_world import ACCEPT, ARGUMENTS, RESULT, McpWorld, answered, event, streamed
from tests.gateway.world import World
from tests.upstream.streams import FakeStream

_PROGRESS: Final = bodies.notification("notifications/progress", progressToken=1, progress=1)


@dataclass(frozen=True)
class McpDoor:
    """One kind of message. `says` makes the server's messages of what is said; the last one is the answer."""

    name: str
    asking: Callable[[str], bytes]
    asked_at: Callable[[Any], str]
    says: Callable[[str], Sequence[bytes]]
    heard_at: Callable[[Any], str]
    """What one of the server's messages says; its result or params are given."""
    modes: Sequence[Mode] = BOTH
    asks: str = ARGUMENTS
    answers: str = RESULT
    wordless: str | None = None
    refused_status: int = 200

    def world(self, plugins: Mapping[str, Plugin | LoadedPlugin], *placements: Placement) -> World:
        return McpWorld(plugins, *placements, server={"pin": "off", "allowed_tools": ["*"]})

    def ask(self, world: World, talk: Talk, *, stream: bool) -> Came:
        assert isinstance(world, McpWorld)
        said = self.says(talk.said)
        world.reply(_events(said) if stream else answered(said[-1]))
        headers = {"content-type": "application/json", "accept": ACCEPT}
        return self._came(world.handled("POST", "/mcp/files", self.asking(talk.prompt), headers))

    def asked(self, world: World) -> str | None:
        assert isinstance(world, McpWorld)
        return self.asked_at(world.server.sent.message["params"]) if world.server.seen else None

    def headers(self, world: World) -> Mapping[str, str]:
        assert isinstance(world, McpWorld)
        return world.server.sent.headers

    def _came(self, response: HttpResponse | HttpStream) -> Came:
        raw, trees = trees_of(response)
        code = next(filter(None, map(_code, trees)), None)
        said = "".join(self._heard(tree) for tree in trees if _code(tree) is None)
        return Came(response.status, said, code, raw)

    def _heard(self, tree: Any) -> str:
        try:
            return self.heard_at(tree.get("result") or tree["params"])
        except (KeyError, IndexError):  # another kind of message than the one that says it
            return ""


def _events(said: Sequence[bytes]) -> FakeStream:
    return streamed(*map(event, (_PROGRESS, *said)))


def _code(tree: Any) -> str | None:
    """The gateway's own code, of an error or of a tool's answer."""
    if "error" in tree:
        return str(tree["error"]["data"]["code"])
    meta = (tree.get("result") or {}).get("_meta") or {}
    found: str | None = meta.get("penstock/code")
    return found


def _first_text(result: Any) -> str:
    return "".join(part["text"] for part in result["content"])


def _of_prompt(said: str) -> Sequence[bytes]:
    message = {"role": "user", "content": {"type": "text", "text": said}}
    return [bodies.result(messages=[message])]


def _asks_user(said: str) -> Sequence[bytes]:
    """A request of the server's own, then the tool's answer."""
    form = {"type": "object", "properties": {}}
    asked = bodies.request("elicitation/create", "e1", message=said, requestedSchema=form)
    return [asked, bodies.text_result()]


def _logs(said: str) -> Sequence[bytes]:
    return [bodies.notification("notifications/message", level="info", data=said), bodies.text_result()]


def _call(prompt: str) -> bytes:
    return bodies.call(q=prompt)


def _q(params: Any) -> str:
    return str(params["arguments"]["q"])


CALL: Final = McpDoor("mcp tools/call", _call, _q, lambda said: [bodies.text_result(said)], _first_text)
MCP_DOORS: Final[Sequence[Door]] = (
    CALL,
    McpDoor(
        "mcp structured result",
        _call,
        _q,
        lambda said: [bodies.text_result(structuredContent={"it": {"says": [said]}})],
        lambda result: str(result["structuredContent"]["it"]["says"][0]),
    ),
    McpDoor(
        "mcp prompts/get",
        lambda prompt: bodies.request("prompts/get", name="p", arguments={"q": prompt}),
        _q,
        _of_prompt,
        lambda result: str(result["messages"][0]["content"]["text"]),
    ),
    McpDoor(
        "mcp resources/read",
        lambda prompt: bodies.request("resources/read", uri=prompt),
        lambda params: str(params["uri"]),
        lambda said: [bodies.result(contents=[{"uri": "notes://1", "text": said}])],
        lambda result: str(result["contents"][0]["text"]),
    ),
    McpDoor(
        "mcp elicitation", _call, _q, _asks_user, lambda params: str(params["message"]), modes=("stream",)
    ),
    McpDoor("mcp log", _call, _q, _logs, lambda params: str(params["data"]), modes=("stream",)),
)
