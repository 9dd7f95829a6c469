"""What crosses to a plugin's own function: who is called, and the granted fields. JSON, nothing else.

plugin, digest, moment, terms   the function answers for exactly this placement, or not at all
request_id, remaining_ms        what is left when the gateway sends; the gateway waits no longer
texts, tools, values            the fields as the gateway projected them, by the shape of their values
write_only                      fields that may be written and not read: names alone
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from penstock.errors import FailureClass, PluginError
from penstock.gates.placement import Placement
from penstock.sdk.fields import MOMENTS, Moment
from penstock.sdk.projection import WRITE_ONLY, Projection, TextValues, Tool

# Lambda's quota for the request and the response of a synchronous invocation: 6 MB, counted as this.
MAX_BYTES: Final = 6_291_556


class Call(NamedTuple):
    """One call, as the function reads it. `terms`: a digest of all that the placement may do."""

    plugin: str
    digest: str
    moment: Moment
    terms: str
    request_id: str
    remaining_ms: float
    projection: Projection


def encode_call(
    placement: Placement, terms: str, projection: Projection, request_id: str, seconds: float
) -> bytes:
    """The call as it is sent. Raises PluginError (`contract`) for what Lambda would not take."""
    texts, tools, values, write_only = _by_shape(projection.values)
    tree = {
        "plugin": placement.plugin,
        "digest": placement.digest,
        "moment": placement.moment,
        "terms": terms,
        "request_id": request_id,
        "remaining_ms": round(seconds * 1000, 3),
        "texts": texts,
        "tools": tools,
        "values": values,
        "write_only": write_only,
    }
    raw = _encoded(tree)
    if len(raw) > MAX_BYTES:
        raise PluginError(FailureClass.CONTRACT, "what the plugin reads is more than Lambda takes")
    return raw


def decode_call(event: Mapping[str, Any]) -> Call:
    """The call that `event` holds. Raises ValueError when it holds none."""
    try:
        moment = event["moment"]
        if moment not in MOMENTS:
            raise ValueError("no moment")
        return Call(
            plugin=str(event["plugin"]),
            digest=str(event["digest"]),
            moment=cast("Moment", moment),
            terms=str(event["terms"]),
            request_id=str(event["request_id"]),
            remaining_ms=float(event["remaining_ms"]),
            projection=Projection(_projected(event)),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no call") from error


def _by_shape(
    projected: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]:
    texts: dict[str, Any] = {}
    tools: dict[str, Any] = {}
    values: dict[str, Any] = {}
    write_only: list[str] = []
    for name, value in projected.items():
        if value is WRITE_ONLY:
            write_only.append(name)
        elif isinstance(value, TextValues):
            if value.piece is not None:
                raise PluginError(FailureClass.CONTRACT, "a piece of a stream does not leave the gateway")
            texts[name] = value.texts
            if value.tools:
                tools[name] = value.tools
        else:
            values[name] = value
    return texts, tools, values, write_only


def _encoded(tree: dict[str, Any]) -> bytes:
    try:
        try:
            return _json(tree, ascii_only=False).encode()
        except UnicodeEncodeError:  # half a character, which only an escape can carry
            return _json(tree, ascii_only=True).encode()
    except ValueError:
        raise PluginError(FailureClass.CONTRACT, "what the plugin reads is no JSON") from None


def _json(tree: dict[str, Any], *, ascii_only: bool) -> str:
    return json.dumps(tree, ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"), default=dict)


def _projected(event: Mapping[str, Any]) -> dict[str, Any]:
    tools = event["tools"]
    texts = {
        name: TextValues(tuple(texts), tuple(Tool(*tool) for tool in tools.get(name, ())))
        for name, texts in event["texts"].items()
    }
    values = {name: tuple(v) if name == "decisions" else v for name, v in event["values"].items()}
    return texts | values | dict.fromkeys(event["write_only"], WRITE_ONLY)
