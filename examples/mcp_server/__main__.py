"""Run it: `python -m examples.mcp_server --port 8790`."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from examples.mcp_server.asgi import app
from examples.mcp_server.seen import Seen


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m examples.mcp_server", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=8790, help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="answer with JSON instead of events")
    parser.add_argument(
        "--seen", type=Path, help="write each request that comes to this file, as a line of JSON"
    )
    args = parser.parse_args()
    made = app(answers_json=args.json)
    served = made if args.seen is None else Seen(made, args.seen)
    uvicorn.run(served, host=args.host, port=args.port, log_level="warning")


if __name__ == "__main__":
    main()
