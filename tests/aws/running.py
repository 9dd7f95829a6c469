"""The functions of a synthesised stack at work, held to the template's policies: what was seen of them.

What differs from AWS, and is said in docs/proofs.md: compiled modules are this machine's, /var/task and /opt
lie in a scratch folder, and AWS is moto behind the gatekeeper.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx

from penstock.dev.environments import Function
from penstock.dev.gateway import LocalGateway
from penstock.dev.options import Options
from penstock.dev.stack import prepare_stack
from tests.aws.account import Account
from tests.aws.gatekeeper import Gatekeeper

PATIENCE_S = 60.0


@dataclass(slots=True)
class Run:
    """A running stack, and the one who lets its calls pass."""

    gateway: LocalGateway
    gatekeeper: Gatekeeper
    said: list[str] = field(default_factory=list)

    def ask(self, text: str, *, stream: bool = False) -> httpx.Response:
        """One chat completion of the echo upstream; its body is read to the end."""
        question = {"model": "echo", "messages": [{"role": "user", "content": text}], "stream": stream}
        headers = {"authorization": f"Bearer {self.gateway.prepared.api_key}"}
        url = f"{self.gateway.address}/v1/chat/completions"
        return httpx.post(url, json=question, headers=headers, timeout=PATIENCE_S, trust_env=False)

    def evidence(self, kind: str) -> list[dict[str, Any]]:
        """Stored records of a kind, by the order of their keys."""
        s3, bucket = self.gateway.clients.s3, self.gateway.prepared.resources.evidence_bucket
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        bodies = [
            s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys if key.split(".")[1] == kind
        ]
        return [json.loads(gzip.decompress(body)) for body in bodies]

    def terminal(self, request_id: str) -> dict[str, Any] | None:
        found = [record for record in self.evidence("terminal") if record["request_id"] == request_id]
        return found[0] if found else None

    def placement(self, request_id: str, plugin: str, moment: str = "before_upstream") -> dict[str, Any]:
        """What the evidence of a request says of a plugin."""
        assert eventually(lambda: self.terminal(request_id) is not None), self.said
        every = (self.terminal(request_id) or {})["placements"]
        (found,) = [each for each in every if (each["plugin"], each["moment"]) == (plugin, moment)]
        return dict(found)


@contextmanager
def running(
    assembly: Path,
    configuration: Path,
    folder: Path,
    account: Account,
    *,
    every_s: float = 3.0,
    places: Mapping[bytes, bytes] = MappingProxyType({}),
    invokes: bool = False,
) -> Iterator[Run]:
    """The assembly's functions, behind the API's front, fed by their queues and their schedules.

    `places`: see `prepare_stack`. `invokes`: calls of functions pass the gatekeeper too.
    """
    options = Options(
        port=0,
        configuration=configuration,
        folder=folder / "penstock",
        keep=False,
        warm=1,
        maximum=2,
        sweep_every_s=every_s,
        seal_every_s=every_s,
    )
    said: list[str] = []
    who: dict[str, str] = {}
    gatekeeper = Gatekeeper(account, lambda: who)

    def prepare(*given: Any) -> Any:
        prepared = prepare_stack(assembly, *given, through=gatekeeper.before, places=places)
        for function in prepared.functions:
            variables = function.environment
            who[variables["AWS_ACCESS_KEY_ID"]] = variables["AWS_LAMBDA_FUNCTION_NAME"]
        return replace(prepared, functions=tuple(map(held, prepared.functions))) if invokes else prepared

    try:
        with LocalGateway(options, tell=said.append, prepare=prepare) as gateway:
            gatekeeper.invoke_url = gateway.lambda_url
            yield Run(gateway, gatekeeper, said)
    finally:
        gatekeeper.stop()


def held(function: Function) -> Function:
    """The same, calling functions where it calls the rest of AWS."""
    url = function.environment["AWS_ENDPOINT_URL"]
    return replace(function, environment={**function.environment, "AWS_ENDPOINT_URL_LAMBDA": url})


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether it comes to hold; a machine that others use as well may take its time."""
    give_up_at = time.monotonic() + PATIENCE_S
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.1)
    return holds()


def placements(record: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """Plugin and moment → what it did."""
    return {(p["plugin"], p["moment"]): p["action"] for p in record["placements"]}
