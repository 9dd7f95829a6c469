"""What API Gateway says by itself at the doors of MCP: its clients end with an error, and do not hang.

One body stands for all paths, and cannot be a JSON-RPC message: `error.code` is a number there, and here a
word that OpenAI's clients hand to programs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anyio
import httpx2
import mcp.types
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from penstock.front import GATEWAY_RESPONSES, error_body, retry_header
from tests.e2e.node.clients import NodeClients, node_clients


@pytest.fixture(scope="module")
def front() -> Iterator[str]:
    """Answers with the row that its path names."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            code = self.path.strip("/")
            self.rfile.read(int(self.headers["content-length"]))
            body = error_body(code).encode()
            self.send_response(GATEWAY_RESPONSES[code].status)
            for name, value in (retry_header(code), ("content-type", "application/json")):
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def node() -> Iterator[NodeClients]:
    with node_clients() as clients:
        yield clients


async def greeting(url: str) -> MCPError:
    with anyio.fail_after(20):
        async with (
            httpx2.AsyncClient() as http,
            streamable_http_client(url, http_client=http) as (reading, writing),
            ClientSession(reading, writing) as session,
        ):
            with pytest.raises(MCPError) as raised:
                await session.initialize()
    return raised.value


@pytest.mark.parametrize("code", GATEWAY_RESPONSES)
def test_python_s_client_ends_with_an_error_of_its_own_words(code: str, front: str) -> None:
    error = anyio.run(greeting, f"{front}/{code}")
    assert error.error.code == mcp.types.INTERNAL_ERROR


@pytest.mark.parametrize("code", GATEWAY_RESPONSES)
def test_typescript_s_client_says_the_status_and_the_row_s_message(
    code: str, front: str, node: NodeClients
) -> None:
    row = GATEWAY_RESPONSES[code]
    said = node.ask("mcp refused", f"{front}/{code}", None)
    assert said["code"] == row.status
    assert row.message in said["message"]
