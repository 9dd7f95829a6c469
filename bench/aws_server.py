"""An AWS that does nothing but answer, and an upstream likewise: what is left is what our own clients cost.

`python -m bench.aws_server <folder>` reads `documents.json` (key → document of the control table),
`completion.json` and `events` there, prints its port, and serves until its standard input ends.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from bench.world import EVIDENCE_KEY
from penstock.adapters.secrets import encode_digest_key

PACE_S: Final = 0.005


class Handler(BaseHTTPRequestHandler):
    """BatchGetItem, PutItem, SendMessage, GetSecretValue, and any other POST as a chat completion."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
        if not operation and json.loads(body).get("stream"):
            self._stream()
            return
        answer = self.server.completion if not operation else json.dumps(self._aws(operation, body)).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _stream(self) -> None:
        """An answer's events at the pace of a fast model."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in self.server.events:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
            time.sleep(PACE_S)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _aws(self, operation: str, body: bytes) -> dict[str, Any]:
        asked = json.loads(body)
        match operation:
            case "BatchGetItem":
                (table, wanted), *_ = asked["RequestItems"].items()
                keys = [key["pk"]["S"] for key in wanted["Keys"]]
                found = [self._item(key) for key in keys if key in self.server.documents]
                return {"Responses": {table: found}, "UnprocessedKeys": {}}
            case "SendMessage":
                digest = hashlib.md5(asked["MessageBody"].encode(), usedforsecurity=False).hexdigest()
                return {"MessageId": "1", "MD5OfMessageBody": digest}
            case "GetSecretValue":
                return {"Name": asked["SecretId"], "SecretString": encode_digest_key(EVIDENCE_KEY)}
            case _:
                return {}

    def _item(self, key: str) -> dict[str, Any]:
        document = json.dumps(self.server.documents[key])
        return {"pk": {"S": key}, "document": {"S": document}, "revision": {"N": "1"}}


class Server(ThreadingHTTPServer):
    """On a free port of this machine."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        port = self.server_address[1]
        text = (folder / "documents.json").read_text(encoding="utf-8")
        self.documents: dict[str, Any] = json.loads(text.replace("127.0.0.1:9/", f"127.0.0.1:{port}/"))
        self.completion = (folder / "completion.json").read_bytes()
        self.events = [line + b"\n\n" for line in (folder / "events").read_bytes().splitlines() if line]


def main() -> None:
    server = Server(Path(sys.argv[1]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
