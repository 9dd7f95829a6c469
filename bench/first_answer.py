"""One cold start, in a fresh process: imports, builds and serves as Lambda makes the function do.

`python -P bench/first_answer.py <monotonic seconds of the start> <API key> <body's path>`, with nothing but
the asset on its path, prints JSON: milliseconds of wall and CPU time until the runtime was imported, the
handler imported and the gateway built, the first request answered, and the second.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any


class Context:
    """Lambda's context, as far as it is used."""

    def get_remaining_time_in_millis(self) -> int:
        return 25_000


def main() -> None:
    started, secret, body = float(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_text(encoding="utf-8")
    event = event_of(secret, body)
    times: dict[str, Any] = {}

    def passed(what: str) -> None:
        wall_ms, cpu_ms = (time.monotonic() - started) * 1000, time.process_time() * 1000
        times[what] = {"wall_ms": round(wall_ms, 1), "cpu_ms": round(cpu_ms, 1)}

    passed("interpreter")
    import penstock.runtime.__main__  # noqa: PLC0415, F401 - the imports are what is measured

    gc.disable()  # as its `main` does
    passed("runtime")
    from functions.gateway import handler as function  # noqa: PLC0415 - same; it builds, told that it is in Lambda

    passed("imported and built")
    for answer in ("first_answer", "second_answer"):
        response = function.handler(event, Context())
        if not isinstance(response, dict) or response["statusCode"] != 200:
            raise SystemExit(f"the gateway answered otherwise than it should: {response}"[:400])
        passed(answer)
    sys.stdout.write("\n" + json.dumps(times) + "\n")


def event_of(secret: str, body: str) -> dict[str, Any]:
    """API Gateway's event of a chat completion, as far as it is read."""
    return {
        "httpMethod": "POST",
        "path": "/v1/chat/completions",
        "headers": {"Authorization": f"Bearer {secret}"},
        "requestContext": {"identity": {"sourceIp": "192.0.2.7"}},
        "body": body,
    }


if __name__ == "__main__":
    main()
