"""What the local gateway says to whoever started it."""

from __future__ import annotations

import json
import shlex
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

Tell = Callable[[str], None]


def telling() -> Tell:
    """Lines for the terminal, whole when several threads speak; one said within the last 5 s is left out."""
    lock = threading.Lock()
    said: dict[str, float] = {}

    def tell(text: str) -> None:
        with lock:
            now = time.monotonic()
            if now - said.get(text, -5.0) >= 5.0:
                said[text] = now
                sys.stdout.write(f"  {text}\n")
                sys.stdout.flush()

    return tell


def banner(address: str, api_key: str, models: tuple[str, ...], logs: Path, took_s: float) -> str:
    """How to reach the gateway, try it, and see what it did."""
    model = models[0] if models else "echo"
    messages = [{"role": "user", "content": "Hello"}]
    body = json.dumps({"model": model, "messages": messages})
    folder = "" if logs.parent == Path(".penstock") else f" --folder {shlex.quote(str(logs.parent))}"
    return f"""
  Penstock is up ({took_s:.1f} s).

  address    {address}/v1
  API key    {api_key}
  models     {", ".join(models)}
  logs       {logs}/

  curl {address}/v1/chat/completions -H 'Authorization: Bearer {api_key}' \\
       -H 'Content-Type: application/json' -d '{body}'

  from openai import OpenAI
  client = OpenAI(base_url="{address}/v1", api_key="{api_key}")
  client.chat.completions.create(model={model!r}, messages={messages})

  Anthropic's client:  Anthropic(base_url="{address}", api_key="{api_key}")

  What became of each request:  {sys.argv[0]} evidence tail{folder}
  Ctrl-C ends it. What it stored is kept for the next run; --fresh begins anew.
"""
