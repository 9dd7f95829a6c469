"""One cold start, in a fresh process: imports, builds and serves as Lambda makes the function do.

`python -m bench.first_answer <monotonic seconds of the start> <API key> <body's path>` prints JSON:
milliseconds of wall and CPU time until the handler was imported, the gateway built,
the first request answered, and the second.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from bench.asset import hide


class Context:
    """Lambda's context, as far as it is used."""

    def get_remaining_time_in_millis(self) -> int:
        return 25_000


def main() -> None:
    started, secret, body = float(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text(encoding="utf-8")
    event = {
        "httpMethod": "POST",
        "path": "/v1/chat/completions",
        "headers": {"Authorization": f"Bearer {secret}"},
        "requestContext": {"identity": {"sourceIp": "192.0.2.7"}},
        "body": body,
    }
    times: dict[str, Any] = {}

    def passed(what: str) -> None:
        wall_ms, cpu_ms = (time.monotonic() - started) * 1000, time.process_time() * 1000
        times[what] = {"wall_ms": round(wall_ms, 1), "cpu_ms": round(cpu_ms, 1)}

    passed("interpreter")
    hide()
    from functions.gateway import handler as function  # noqa: PLC0415 - the import is what is measured

    passed("imported")
    function.gateway()
    passed("built")
    for answer in ("first_answer", "second_answer"):
        response = function.handler(event, Context())
        if not isinstance(response, dict) or response["statusCode"] != 200:
            raise SystemExit(f"the gateway answered otherwise than it should: {response}"[:400])
        passed(answer)
    sys.stdout.write(json.dumps(times) + "\n")


if __name__ == "__main__":
    main()
