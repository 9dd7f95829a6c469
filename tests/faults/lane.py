"""One deployment of its own in a shared AWS: its functions as processes, its provider, its receiver.

Nothing runs by itself here. The local gateway polls and sweeps by timers; a lane does each step when it is
told to, with the local gateway's own parts, so that a scenario goes the same way every time.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.functions import PLUGIN
from penstock.adapters.keys import OPEN_INDEX
from penstock.adapters.provision import store_secret
from penstock.adapters.queue_poll import SqsPolledQueue
from penstock.adapters.resources import MAX_RECEIVES, QueuePair
from penstock.dev.environments import Environment, Function
from penstock.dev.front import Front
from penstock.dev.invocation import Outcome, Relay, Returned
from penstock.dev.lambda_api import LambdaApi
from penstock.dev.options import Options
from penstock.dev.poller import EventSourceMapping, Poller
from penstock.dev.pool import Pool
from penstock.dev.preparation import Prepared, prepare
from penstock.dev.processes import ProcessGroup, Starter
from penstock.dev.schedule import scheduled_event
from penstock.ids import uuid7
from tests.faults import caller, function
from tests.faults.caller import Answer, Ask
from tests.faults.forking import ForkServer
from tests.faults.provider import Provider, Script
from tests.faults.seam import Fault

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = {
    "gateway": "gateway",
    "recorder": "recorder",
    "sweeper": "sweeper",
    "audit-export": "plugin_host",
    "once": "plugin_host",
    "kept": "plugin_host",
    "kept-once": "plugin_host",
}
OWN_PLUGINS = ("once", "stopper", "holder", "kept", "kept_once")
# Those that the gateway calls and waits for.
WAITED = ("kept", "kept-once")


@dataclass(frozen=True, slots=True)
class Plan:
    """Count the calls of the next invocation into `journal`, and break one."""

    journal: Path
    fault: Fault | None = None
    silence_s: float | None = None
    claim_s: float | None = None

    def encoded(self) -> dict[str, Any]:
        told: dict[str, Any] = {"journal": str(self.journal)}
        if self.fault is not None:
            told |= {"kind": self.fault.kind, "call": self.fault.call}
        times = {"silence_s": self.silence_s, "claim_s": self.claim_s}
        return told | {name: seconds for name, seconds in times.items() if seconds is not None}


class Lane:
    """Use as a context manager. One thread at a time."""

    def __init__(self, name: str, folder: Path, clients: Clients) -> None:
        self.name = name
        self.folder = folder
        self.clients = clients
        self.upstream = Provider(Script())
        self.receiver = Provider(Script())
        self.lost = 0
        """Intents that a sweeper could not close."""
        self.at_their_last: set[str] = set()
        """Queues of which a message was received so often that it is a dead letter if that failed."""
        self._plan: Plan | None = None
        self._called_plan: Plan | None = None
        self._served = threading.Event()
        self._stack = contextlib.ExitStack()
        self._closing = ThreadPoolExecutor(2)
        self.prepared: Prepared
        self._front: Front
        self._lambda_url = ""
        self._warm: dict[str, Pool] = {}
        self._fresh: dict[str, Callable[[], Pool]] = {}
        self._pollers: dict[str, Poller] = {}

    def __enter__(self) -> Lane:
        for provider in (self.upstream, self.receiver):
            self._stack.callback(provider.close)
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

    def ask(self, wanted: Ask, plan: Plan | None = None, called: Plan | None = None) -> Answer:
        """One request to the gateway, through the local front. `called`: for who the gateway waits for."""
        self.upstream.script = wanted.script
        self.upstream.hanging.clear()
        self._served.clear()
        self._plan, self._called_plan = plan, called
        answer = caller.ask(
            self._front.port, self.prepared.api_key, wanted, lambda: self.upstream.hanging.wait(30)
        )
        # Whoever has left does not wait for the environment to end.
        assert self._served.wait(function.TIMEOUT_S + 10), "the gateway did not come to an end"
        return answer

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
        self._deliver()
        while self.sweep() or (unfinished := self._unfinished()):
            if time.monotonic() > ends:
                raise TimeoutError(f"lane {self.name} does not come to rest: {unfinished}")
            if not self._deliver():
                time.sleep(function.LEASE_MS / 4000)  # somebody who was killed holds a lease

    def _deliver(self) -> int:
        """Give every queue to its function until none holds anything; how many messages there were."""
        moved = 0
        while batch := sum(self.poll(name) for name in self.queues):
            moved += batch
        return moved

    def _unfinished(self) -> list[str]:
        """The keys of the intents that are open; one call, where the ledger's own port makes sixteen."""
        table = self.prepared.resources.ledger_table
        found = self.clients.dynamodb.scan(TableName=table, IndexName=OPEN_INDEX)
        return [item["pk"]["S"] for item in found["Items"]]

    def _invoke(self, name: str, event: bytes, plan: Plan | None, relay: Relay | None = None) -> Outcome:
        if plan is None:
            return self._warm[name].invoke(b'{"event":%b}' % event, relay)
        told = json.dumps(plan.encoded()).encode()
        fresh = self._fresh[name]()
        try:
            return fresh.invoke(b'{"event":%b,"plan":%b}' % (event, told), relay)
        finally:
            self._closing.submit(fresh.close)

    def _serve(self, event: bytes, relay: Relay) -> Outcome:
        plan, self._plan = self._plan, None
        try:
            return self._invoke("gateway", event, plan, relay)
        finally:
            self._served.set()

    def _call(self, name: str, event: bytes) -> Outcome:
        """One call of the gateway to a plugin's function."""
        plan, self._called_plan = self._called_plan, None
        return self._invoke(name, event, plan)

    def _start(self) -> None:
        options = Options(
            configuration=self._configuration(), folder=self.folder, keep=False, sweep_age_s=0.0
        )
        options.logs.mkdir(parents=True)
        store_secret(self.clients, f"{self.name}/provider", "provider-key")
        self.prepared = prepare(options, lambda: self.clients, self.upstream.address)
        api = LambdaApi({f"{self.name}-plugin-{name}": partial(self._call, name) for name in WAITED})
        self._stack.callback(api.stop)
        api.start()
        self._lambda_url = api.url
        group = ProcessGroup()
        self._stack.callback(group.close)
        for name in PACKAGES:
            told, log = self._function(name), options.logs / f"{name}.log"
            server = ForkServer(group, self.folder / f"{name}.fork")
            self._stack.callback(server.close)
            self._fresh[name] = partial(_pool, told, server, log)
            # Whom a gateway waits for is there from the start: a deadline runs.
            self._warm[name] = _pool(replace(told, warm=int(name in WAITED)), server, log)
            self._stack.callback(self._warm[name].close)
            self._warm[name].warm_up()
        self._stack.callback(self._closing.shutdown)
        self._pollers = {name: self._poller(name, queue) for name, queue in self.queues.items()}
        self._front = Front(self._serve, 0, tell=lambda _: None)
        self._front.start()
        self._stack.callback(self._front.stop)

    def _function(self, name: str) -> Function:
        return Function(
            name=name,
            handler="tests.faults.function.handler",
            environment={
                **self.prepared.environment,
                "AWS_ENDPOINT_URL": self.clients.sqs.meta.endpoint_url,
                "AWS_ENDPOINT_URL_LAMBDA": self._lambda_url,
                "PENSTOCK_PLUGIN": name,
                "PENSTOCK_PLUGIN_FUNCTION": f"{self.name}-plugin-{PLUGIN}",
                function.PRODUCT: f"functions.{PACKAGES[name]}.handler",
            },
            timeout_s=function.TIMEOUT_S,
            warm=0,
            init_timeout_s=120.0,
            maximum=1,
            folder=ROOT,
            streams=name == "gateway",
        )

    def _poller(self, name: str, queue: QueuePair) -> Poller:
        # Failed messages are there again at once: only the order of things matters here.
        mapping = EventSourceMapping(
            function_timeout_s=function.TIMEOUT_S, wait_s=0.0, backoff_s=lambda _: 0.0
        )
        polled = SqsPolledQueue(self.clients, queue.url, queue.arn)
        return Poller(polled, lambda event: self._given(name, event), mapping, tell=lambda _: None)

    def _given(self, name: str, event: bytes) -> Outcome:
        plan, self._plan = self._plan, None
        counts = [
            int(record["attributes"]["ApproximateReceiveCount"]) for record in json.loads(event)["Records"]
        ]
        if max(counts) >= MAX_RECEIVES:
            self.at_their_last.add(name)
        return self._invoke(name, event, plan)

    def _configuration(self) -> Path:
        self.folder.mkdir(parents=True)
        for plugin in OWN_PLUGINS:
            shutil.copytree(HERE / "plugins" / plugin, self.folder / plugin)
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


def _pool(told: Function, starter: Starter, log: Path) -> Pool:
    return Pool(told, lambda: Environment(told, starter, log))
