"""One deployment of its own in a shared AWS: its functions as processes, its provider, its receiver.

Nothing runs by itself here. The local gateway polls and sweeps by timers; a lane does each step when it is
told to, with the local gateway's own parts, so that a scenario goes the same way every time.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from penstock.adapters.clients import Clients
from penstock.adapters.keys import OPEN_INDEX
from penstock.adapters.provision import store_secret
from penstock.adapters.queue_poll import SqsPolledQueue
from penstock.adapters.resources import QueuePair
from penstock.dev.environments import Environment, Function
from penstock.dev.gateway_responses import code_for
from penstock.dev.invocation import EnvironmentLost, Outcome, Returned
from penstock.dev.options import Options
from penstock.dev.poller import EventSourceMapping, Poller
from penstock.dev.pool import Pool
from penstock.dev.preparation import Prepared, prepare
from penstock.dev.processes import ProcessGroup
from penstock.dev.proxy_events import Received, event_for, response_from
from penstock.dev.schedule import scheduled_event
from penstock.front import GATEWAY_RESPONSES
from penstock.ids import uuid7
from tests.e2e.stub import StubProvider
from tests.faults import function
from tests.faults.seam import Fault

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = {
    "gateway": "gateway",
    "recorder": "recorder",
    "sweeper": "sweeper",
    "audit-export": "plugin_host",
    "once": "plugin_host",
}
ANSWER = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "model",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()
QUESTION = json.dumps({"model": "model", "messages": [{"role": "user", "content": "well?"}]}).encode()


@dataclass(frozen=True, slots=True)
class Plan:
    """Count the calls of the next invocation into `journal`, and break one."""

    journal: Path
    fault: Fault | None = None

    def encoded(self) -> dict[str, Any]:
        broken = {"kind": self.fault.kind, "call": self.fault.call} if self.fault else {}
        return {"journal": str(self.journal), **broken}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller saw."""

    status: int
    headers: Mapping[str, str]


class Lane:
    """Use as a context manager. One thread at a time."""

    def __init__(self, name: str, folder: Path, clients: Clients) -> None:
        self.name = name
        self.folder = folder
        self.clients = clients
        self.upstream = StubProvider()
        self.receiver = StubProvider()
        self.upstream.answer = lambda _: (200, ANSWER)
        self.receiver.answer = lambda _: (200, b"{}")
        self.lost = 0
        """Intents that a sweeper could not close."""
        self._plan: Plan | None = None
        self._stack = contextlib.ExitStack()
        self.prepared: Prepared
        self._warm: dict[str, Pool] = {}
        self._fresh: dict[str, Pool] = {}
        self._pollers: dict[str, Poller] = {}

    def __enter__(self) -> Lane:
        for stub in (self.upstream, self.receiver):
            self._stack.callback(stub.close)
            # Whoever is killed resets its connections: no reason for a traceback.
            self._stack.enter_context(patch.object(stub._server, "handle_error"))
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def queues(self) -> dict[str, QueuePair]:
        resources = self.prepared.resources
        return {"recorder": resources.outbox, **resources.plugin_queues}

    def ask(self, plan: Plan | None = None) -> Answer:
        """One request to the gateway."""
        event = event_for(_received(self.prepared.api_key))
        outcome = self._invoke("gateway", json.dumps(event).encode(), plan)
        if isinstance(outcome, Returned):
            response = response_from(outcome.body)
            return Answer(response.status, {name.lower(): value for name, value in response.headers})
        # What API Gateway answers by itself, as the local front does; it tells a client not to ask again.
        assert isinstance(outcome, EnvironmentLost), outcome
        return Answer(GATEWAY_RESPONSES[code_for(outcome)].status, {"x-should-retry": "false"})

    def poll(self, name: str, plan: Plan | None = None) -> int:
        """One batch of the queue of `name`: "recorder" or a plugin. How many messages it had."""
        self._plan = plan
        return self._pollers[name].poll_once()

    def sweep(self, plan: Plan | None = None) -> int:
        """One run of the sweeper; how many intents it settled."""
        outcome = self._invoke("sweeper", scheduled_event(uuid7(), time.time()), plan)
        if not isinstance(outcome, Returned):
            return 0
        swept = json.loads(outcome.body)
        self.lost += swept["lost"]
        return int(swept["settled"])

    def drain(self, within_s: float = 120.0) -> None:
        """Restart, redelivery, sweep, until nothing moves and nothing is open. Raises TimeoutError."""
        ends = time.monotonic() + within_s
        while self._moved() or self._unfinished():
            if time.monotonic() > ends:
                raise TimeoutError(f"lane {self.name} does not come to rest: {self._unfinished()}")

    def _moved(self) -> int:
        return sum(self.poll(name) for name in self.queues) + self.sweep()

    def _unfinished(self) -> list[str]:
        """The keys of the intents that are open; one call, where the ledger's own port makes sixteen."""
        table = self.prepared.resources.ledger_table
        found = self.clients.dynamodb.scan(TableName=table, IndexName=OPEN_INDEX)
        return [item["pk"]["S"] for item in found["Items"]]

    def _invoke(self, name: str, event: bytes, plan: Plan | None) -> Outcome:
        if plan is None:
            return self._warm[name].invoke(json.dumps({"event": json.loads(event)}).encode())
        wrapped = {"event": json.loads(event), "plan": plan.encoded()}
        outcome = self._fresh[name].invoke(json.dumps(wrapped).encode())
        is_lost = isinstance(outcome, Returned) and json.loads(outcome.body) == function.LOST
        return EnvironmentLost("signal: killed") if is_lost else outcome

    def _start(self) -> None:
        options = Options(
            configuration=self._configuration(), folder=self.folder, keep=False, sweep_age_s=0.0
        )
        options.logs.mkdir(parents=True)
        store_secret(self.clients, f"{self.name}/provider", "provider-key")
        self.prepared = prepare(options, lambda: self.clients, self.upstream.address)
        group = ProcessGroup()
        self._stack.callback(group.close)
        for name in PACKAGES:
            for pools in (self._warm, self._fresh):
                pools[name] = pool = self._pool(name, group, options.logs / f"{name}.log")
                self._stack.callback(pool.close)
        self._pollers = {name: self._poller(name, queue) for name, queue in self.queues.items()}

    def _pool(self, name: str, group: ProcessGroup, log: Path) -> Pool:
        told = Function(
            name=name,
            handler="tests.faults.function.handler",
            environment={
                **self.prepared.environment,
                "AWS_ENDPOINT_URL": self.clients.sqs.meta.endpoint_url,
                "PENSTOCK_PLUGIN": name,
                function.PRODUCT: f"functions.{PACKAGES[name]}.handler",
            },
            timeout_s=function.TIMEOUT_S,
            warm=0,
            init_timeout_s=120.0,
            maximum=1,
            folder=ROOT,
        )
        return Pool(told, lambda: Environment(told, group, log))

    def _poller(self, name: str, queue: QueuePair) -> Poller:
        # Failed messages are there again at once: only the order of things matters here.
        mapping = EventSourceMapping(
            function_timeout_s=function.TIMEOUT_S, wait_s=0.0, backoff_s=lambda _: 0.0
        )
        polled = SqsPolledQueue(self.clients, queue.url, queue.arn)
        return Poller(polled, lambda event: self._given(name, event), mapping, tell=lambda _: None)

    def _given(self, name: str, event: bytes) -> Outcome:
        plan, self._plan = self._plan, None
        return self._invoke(name, event, plan)

    def _configuration(self) -> Path:
        self.folder.mkdir(parents=True)
        shutil.copytree(HERE / "plugins" / "once", self.folder / "once")
        text = (HERE / "gateway.toml").read_text(encoding="utf-8")
        words = {
            "NAME": self.name,
            "RECEIVER": self.receiver.address,
            "UPSTREAM": self.upstream.address,
        }
        for word, value in words.items():
            text = text.replace(word, value)
        path = self.folder / "gateway.toml"
        path.write_text(text, encoding="utf-8")
        return path


def _received(api_key: str) -> Received:
    headers = (("Authorization", f"Bearer {api_key}"), ("Content-Type", "application/json"))
    return Received(
        method="POST",
        target="/v1/chat/completions",
        protocol="HTTP/1.1",
        headers=(*headers, ("Host", "localhost")),
        body=QUESTION,
        source_ip="127.0.0.1",
        port=80,
        request_id=uuid7(),
        received_at_ms=time.time_ns() // 1_000_000,
    )
