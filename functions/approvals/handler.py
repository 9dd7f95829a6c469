"""Where humans answer: the page behind a signed link, and the steps of workflows that wait for them."""

from __future__ import annotations

import base64
import binascii
import os
from functools import cache
from pathlib import Path
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.secrets import SecretsManager
from penstock.approvals.deployed import deployed_door
from penstock.approvals.door import Asking, Door
from penstock.approvals.waiting import EVENT, decode_waiting
from penstock.configuration.settings import Settings
from penstock.configuration.snapshot import Snapshot
from penstock.errors import ConfigurationError
from penstock.evidence import logs
from penstock.front import APPROVALS


@cache
def door() -> Door:
    """One per environment."""
    logs.set_up()
    settings, clients = Settings.read(os.environ), Clients()
    snapshot = Snapshot.load(Path(settings.snapshot_path))
    return deployed_door(snapshot, settings, clients, SecretsManager(clients))


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    logs.told(door)  # in Lambda's init phase: an approver waits for the rest only


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """A step that begins to wait, or an approver's request as API Gateway tells of it."""
    return waited(event, door()) if EVENT in event else shown(event, door())


def waited(event: dict[str, Any], at: Door) -> dict[str, Any]:
    """Keep the task's token. Raises what Step Functions shall try again, or give up."""
    begun = decode_waiting(event)
    deciding = at.plugins.get(begun.plugin)
    if deciding is None:
        raise ConfigurationError("this approval", "is of a plugin that is not deployed.", "Deploy it again.")
    deciding.wait(begun.run_id, begun.step, begun.waiting)
    return {}


def shown(event: dict[str, Any], at: Door) -> dict[str, Any]:
    """The page. Formats: API Gateway Developer Guide, "Input format of a Lambda function for proxy…"."""
    *_, path, plugin, run_id = ("", "", "", *str(event.get("path") or "").split("/"))
    asking = Asking(
        method=str(event.get("httpMethod")),
        plugin=plugin if path == APPROVALS else "",
        run_id=run_id,
        query=event.get("multiValueQueryStringParameters") or {},
        headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
        body=_body(event),
    )
    answer = at.answer(asking)
    return {"statusCode": answer.status, "headers": dict(answer.headers), "body": answer.body}


def _body(event: dict[str, Any]) -> bytes:
    body = str(event.get("body") or "")
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return b""
