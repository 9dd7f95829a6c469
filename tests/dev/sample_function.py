"""A Lambda function that does what its event says: {"do": …}."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any


def handler(event: dict[str, Any], context: Any) -> Any:
    match event.get("do", "return"):
        case "exit":
            sys.stderr.write("these are my last words\n")
            os._exit(event.get("status", 1))
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise ValueError("the handler raised")
        case "sleep":
            time.sleep(event["seconds"])
        case "large":
            return "x" * event["size"]
        case "variables":
            return dict(os.environ)
    return {
        "event": event,
        "pid": os.getpid(),
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "left_ms": context.get_remaining_time_in_millis(),
    }


def proxy(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers an API Gateway event with the event itself."""
    if event["path"] == "/exit":
        os._exit(3)
    if event["path"] == "/sleep":
        time.sleep(30)
    if event["path"] == "/malformed":
        return {"status": 200}
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "multiValueHeaders": {"X-Twice": ["1", "2"]},
        "body": json.dumps(event),
    }


def consume(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Appends the body of each record to the file that the environment names; those called "bad" fail.

    Those called "batched" are followed by how many came with them.
    """
    count = len(event["Records"])
    bodies = [record["body"] for record in event["Records"]]
    with Path(os.environ["CONSUMED"]).open("a") as file:
        file.writelines(f"{body} {count}\n" if body == "batched" else body + "\n" for body in bodies)
    failed = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def sealed(event: dict[str, Any], context: Any) -> None:
    """Notes in the same file that it ran."""
    with Path(os.environ["CONSUMED"]).open("a") as file:
        file.write(f"sealing, {event['source']}\n")


def swept(event: dict[str, Any], context: Any) -> None:
    """Notes in the same file that it ran."""
    with Path(os.environ["CONSUMED"]).open("a") as file:
        file.write(event["detail-type"] + "\n")
