"""What the built-in plugins that look at content or ask others cost by themselves: `python -m bench.plugins`.

CPU of one run in the plugin's harness, 4 KB of words; what answers it answers at once, from a constant. The
gateway's own part, and the way to a function, are in the other rows.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import httpx

from bench.measuring import interleaved
from penstock.sdk.testing import Harness, harness

PLUGINS: Final = Path(__file__).resolve().parent.parent / "plugins"
SEGMENTS: Final = 8
SENTENCE: Final = "The quarterly report shows growth in all regions and a decline in cost. "
ROUNDS, BATCH = 20, 20


def main() -> None:
    rows = interleaved(calls(), rounds=ROUNDS, batch=BATCH)
    sys.stdout.write("| run | CPU, least disturbed tenth, µs | median, µs |\n|---|---|---|\n")
    for name, samples in rows.items():
        found = samples.summary()
        sys.stdout.write(f"| {name} | {found['cpu_p10_us']:.0f} | {found['cpu_us']:.0f} |\n")


def calls() -> Mapping[str, Callable[[], object]]:
    """Each row, ready to be called."""
    return {**_dlp(), **_topics(), **_eligibility(), **_approvals(), **_exporters()}


def words() -> list[str]:
    """4 KB in texts that differ."""
    return [f"{number} {SENTENCE * 8}"[:512] for number in range(SEGMENTS)]


def _dlp() -> Mapping[str, Callable[[], object]]:
    span = {"start": 4, "end": 13, "text": "<x>"}
    allowed = [{"id": str(number), "verdict": "allow"} for number in range(SEGMENTS)]
    masked = [{**one, "verdict": "mask", "spans": [span]} for one in allowed]
    one, other = _asking({"segments": allowed}), _asking({"segments": masked})
    return {
        "dlp-http, 4 KB in 8 texts that pass": lambda: one.before(user=words()),
        "dlp-http, a mask in each": lambda: other.before(user=words()),
    }


def _topics() -> Mapping[str, Callable[[], object]]:
    """50 topics of 20 words; one in ten of the words that are said is one of them."""
    named = [f"word{number}" for number in range(1_000)]
    topics = [{"name": f"topic_{at}", "words": named[at * 20 : at * 20 + 20]} for at in range(50)]
    run = harness(PLUGINS / "topic_signals", {"topics": topics})
    said = f"{SENTENCE} {named[7]}. " * (4_096 // (len(SENTENCE) + 9))
    return {
        "topic-signals, 4 KB, 50 topics of 20 words": lambda: run.after(text=said),
        "topic-signals, 100 KB": lambda: run.after(text=said * 25),
    }


def _eligibility() -> Mapping[str, Callable[[], object]]:
    """Four rows of fifty names each, the last of which allows."""
    folder = PLUGINS / "tenant_eligibility"
    remembering, reading = harness(folder), harness(folder, {"cache_s": 0})
    who = {"organisation": "acme", "team": "red", "api_key": "k-1", "tenant": "t-7"}
    names = [f"model-{number}-*" for number in range(50)]
    for run in (remembering, reading):
        for subject, name in who.items():
            run.capabilities.kept.put(f"{subject}/{name}", {"allow_models": names})
    return {
        "tenant-eligibility, four rows remembered": lambda: remembering.before(
            identity=who, model="model-49-x"
        ),
        "tenant-eligibility, four rows read from memory": lambda: reading.before(
            identity=who, model="model-49-x"
        ),
    }


def _approvals() -> Mapping[str, Callable[[], object]]:
    """How it stands with one reference, looked up in memory: it waits; it is approved, and a use is taken."""
    config = {"channel": "email", "approvers": {"anna": "anna@acme.example"}}
    waiting, approved = (harness(PLUGINS / "approval_gate", config) for _ in range(2))
    waiting.before(reference="w", model="dear-1")
    now_s = int(time.time())
    stands = {"standing": "approved", "run": "r-1", "at_s": now_s, "ends_s": now_s + 86_400, "uses": 100}
    references = [f"a-{number}" for number in range(ROUNDS)]
    for reference in references:
        approved.capabilities.kept.put(f"ask/{reference}", stands)
    turns = cycle(references)
    return {
        "approval-gate, one that waits": lambda: waiting.before(reference="w", model="dear-1"),
        "approval-gate, one that is approved": lambda: approved.before(reference=next(turns), model="dear-1"),
    }


def _exporters() -> Mapping[str, Callable[[], object]]:
    """One delivery of a small record each; who receives answers at once, and nothing is far away."""
    key = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    rules = [{"name": "all", "outcomes": ["answered"]}, {"name": "dear", "cost_nanousd_over": 10**9}]
    collector = "https://splunk.example.com:8088/services/collector/event"
    settings: dict[str, dict[str, Any]] = {
        "audit_export": {"url": "https://audit.example.com/"},
        "siem_export": {"url": collector},
        "webhook_notify": {"url": "https://hooks.example.com/", "rules": rules},
        "email_notify": {"to": ["soc@acme.example"], "rules": rules},
        "warehouse_export": {},
    }
    taking = httpx.MockTransport(lambda _: httpx.Response(200))
    secrets = {"signing_key": key, "token": "t-1"}
    runs = {
        name: harness(PLUGINS / name, config, secrets=secrets, transport=taking)
        for name, config in settings.items()
    }
    return {f"{name.replace('_', '-')}, one delivery": run.background for name, run in runs.items()}


def _asking(answer: Any) -> Harness:
    content = json.dumps(answer).encode()
    receiver = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    config = {"url": "https://dlp.example.com/"}
    return harness(PLUGINS / "dlp_http", config, secrets={"token": "t-1"}, transport=receiver)


if __name__ == "__main__":
    main()
