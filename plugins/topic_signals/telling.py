"""Which topics the record of a request holds, and what a recommender is told of them: no word of the talk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from penstock.sdk import Evidence

NAME: Final = "topic-signals"
TYPE: Final = "penstock.request.topics"
RECORDED: Final = (("topic", "matches"), ("second_topic", "second_matches"), ("third_topic", "third_matches"))


def noted(evidence: Evidence) -> Iterator[dict[str, Any]]:
    """What this plugin left in the record of the request, the topic that is spoken of most first."""
    for placement in evidence.get("placements") or ():
        if placement.get("plugin") == NAME and placement.get("moment") == "after_upstream":
            recorded = placement.get("recorded") or {}
            for topic, matches in RECORDED:
                if topic in recorded:
                    # Numbers in a record that was stored are floats.
                    yield {"topic": recorded[topic], "matches": int(recorded.get(matches, 0))}


def signal(evidence: Evidence, topics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the receiver is told: the shape that Standard Webhooks advises, of names and numbers alone."""
    principal, resource = evidence.get("principal") or {}, evidence.get("resource") or {}
    who = {name: principal[name] for name in ("organisation", "tenant") if principal.get(name)}
    what = {name: resource[name] for name in ("model", "mcp_server") if resource.get(name)}
    data = {"request_id": evidence.request_id, **who, **what, "topics": list(topics)}
    return {"type": TYPE, "timestamp": evidence.get("received_at"), "data": data}
