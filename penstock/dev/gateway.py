"""The local gateway: AWS, the functions, what feeds them and the front, started and ended together."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Protocol

import penstock
from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.queue_poll import SqsPolledQueue
from penstock.adapters.resources import Names, QueuePair
from penstock.configuration.settings import APPROVALS_URL, EVIDENCE_KEY, PLUGIN, WORKFLOW
from penstock.dev.aws import LocalAws
from penstock.dev.console import Tell, banner, telling
from penstock.dev.environments import REGION, Environment, Function
from penstock.dev.front import Front
from penstock.dev.invocation import Outcome, Relay, Throttled
from penstock.dev.lambda_api import Invoke, LambdaApi
from penstock.dev.options import Options, occupied, write_private
from penstock.dev.poller import RECEIVE_LIMIT, EventSourceMapping, Poller
from penstock.dev.pool import Pool
from penstock.dev.preparation import Prepared, prepare
from penstock.dev.processes import ProcessGroup, Service
from penstock.dev.schedule import Schedule

CODE = Path(penstock.__file__).parent.parent  # where `penstock` and `functions` both are
# Longer than a provider's read timeout (60 s by default), so that the gateway itself can say what happened,
# and less than what the sweeper waits for. Deployed, a stream may take 900 s: Lambda's and API Gateway's
# bound.
GATEWAY_TIMEOUT_S = 90.0
BACKGROUND_TIMEOUT_S = 60.0
SEALER_TIMEOUT_S = 900.0  # as deployed


class Prepare(Protocol):
    """Makes the resources and fills them; a parameter, so that tests run other functions."""

    def __call__(self, options: Options, connect: Callable[[], Clients], echo_url: str, /) -> Prepared: ...


class LocalGateway:
    """A running gateway: a context manager that ends all of it, processes included.

    Once entered: `address` and `echo_url` are base URLs, `clients` reach its AWS, `prepared` says the rest.
    """

    def __init__(self, options: Options, *, tell: Tell, prepare: Prepare = prepare) -> None:
        self._options = options
        self._tell = tell
        self._prepare = prepare
        self._stack = contextlib.ExitStack()
        self._pool: Pool | None = None
        self._approving: Pool | None = None
        self._called: dict[str, Invoke] = {}
        self.address = ""
        self.echo_url = ""
        self.aws_url = ""
        self.lambda_url = ""
        self.prepared: Prepared
        self.clients: Clients

    def __enter__(self) -> LocalGateway:
        with self._stack:
            self._start(self._stack)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def _start(self, stack: contextlib.ExitStack) -> None:
        options = self._options
        stack.enter_context(occupied(options))
        tell = self._telling("gateway")
        front = Front(self._invoke, options.port, tell=tell, approve=self._approve)
        stack.callback(front.stop)
        self.address = f"http://127.0.0.1:{front.port}"
        connect = self._start_services(stack)
        self.prepared = self._prepare(options, connect, self.echo_url)
        for note in self.prepared.notes:
            self._tell(note)
        write_private(options.target, json.dumps(self._target(), indent=2))
        pools = self._start_functions(stack)
        self._pool, self._approving = pools["gateway"], pools.get("approvals")
        stack.callback(front.stop)
        self.clients = connect()
        self._feed(stack, pools, self.clients)
        front.start()

    def _start_services(self, stack: contextlib.ExitStack) -> Callable[[], Clients]:
        """Start AWS and the echo upstream; what is returned waits for AWS and gives its clients."""
        options = self._options
        self._tell("starting AWS (moto) and the echo upstream")
        state = options.state if options.keep else None
        aws = LocalAws(options.logs / "aws.log", state, self._start_lambda(stack))
        stack.callback(self._stop_aws, aws)
        echo = Service("the echo upstream", "penstock.dev.echo", [], options.logs / "echo.log")
        stack.callback(echo.stop)
        self.echo_url = f"http://127.0.0.1:{echo.wait_for_port()}"

        @cache
        def connect() -> Clients:
            self.aws_url = aws.wait()
            return Clients(Endpoint(REGION, self.aws_url, "local", "local"))

        return connect

    def _start_lambda(self, stack: contextlib.ExitStack) -> str:
        """Before AWS, whose workflows call it; functions come to it later. Its URL."""
        api = LambdaApi(self._called)
        stack.callback(api.stop)
        api.start()
        self.lambda_url = api.url
        return api.url

    def _telling(self, function: str) -> Tell:
        log = self._options.logs / f"{function}.log"
        return lambda text: self._tell(f"{function}: {text}; its log is {log}")

    def _stop_aws(self, aws: LocalAws) -> None:
        if not aws.stop():
            self._tell("AWS had to be killed: what was stored in this run is lost")

    def _start_functions(self, stack: contextlib.ExitStack) -> dict[str, Pool]:
        self._tell("starting the functions")
        group = ProcessGroup()
        stack.callback(group.close)
        functions = map(self._reaching, self._functions())
        pools = {function.name: self._pool_of(function, group) for function in functions}
        for name, pool in pools.items():
            stack.callback(pool.close)
            whole = f"{self.prepared.resources.deployment}-{name}"
            self._called[whole] = pool.invoke
            aliases = {f"{whole}:{a}": partial(pool.invoke, alias=a) for a in pool.function.aliases}
            self._called.update(aliases)
        with ThreadPoolExecutor(len(pools)) as starters:
            list(starters.map(Pool.warm_up, pools.values()))
        return pools

    def _reaching(self, function: Function) -> Function:
        """The same, told where Lambda is. Where callers wait, one environment is always there."""
        variables = {"AWS_ENDPOINT_URL_LAMBDA": self.lambda_url, **function.environment}
        plugin = function.name.removeprefix("plugin-")
        if machine := self.prepared.workflows.get(plugin):
            variables |= {WORKFLOW: machine}
        if APPROVALS_URL in variables or machine:
            variables |= {APPROVALS_URL: self.address}
        if plugin not in self.prepared.called:
            return replace(function, environment=variables)
        most = max(function.maximum, self._options.maximum)
        return replace(function, environment=variables, warm=max(1, function.warm), maximum=most)

    def _pool_of(self, function: Function, group: ProcessGroup) -> Pool:
        log = self._options.logs / f"{function.name}.log"
        return Pool(function, lambda: Environment(function, group, log))

    def _functions(self) -> Iterator[Function]:
        """The functions of a deployment, as they are in AWS: a plugin host for each plugin that has one."""
        if self.prepared.functions:
            yield from self.prepared.functions
            return
        options, deployment = self._options, self.prepared.resources.deployment
        named, names = {"PENSTOCK_PLUGIN_FUNCTION": f"{deployment}-plugin-{PLUGIN}"}, Names.of(deployment)
        yield self._function(
            "gateway", GATEWAY_TIMEOUT_S, named, streams=True, warm=options.warm, maximum=options.maximum
        )
        yield self._function("recorder", BACKGROUND_TIMEOUT_S, warm=1, maximum=2)
        yield self._function("sweeper", BACKGROUND_TIMEOUT_S, warm=0, maximum=1)
        yield self._function("sealer", SEALER_TIMEOUT_S, warm=0, maximum=1)
        digests = {EVIDENCE_KEY: names.delivery_key_secret}
        if self.prepared.workflows:
            yield self._function("approvals", BACKGROUND_TIMEOUT_S, digests, warm=0, maximum=2)
        for plugin in dict.fromkeys([*self.prepared.resources.plugin_queues, *self.prepared.called]):
            variables = {"PENSTOCK_PLUGIN": plugin, **digests}
            yield self._function(
                f"plugin-{plugin}", BACKGROUND_TIMEOUT_S, variables, package="plugin_host", warm=0, maximum=2
            )

    def _function(
        self,
        name: str,
        timeout_s: float,
        variables: Mapping[str, str] | None = None,
        *,
        package: str | None = None,
        streams: bool = False,
        warm: int,
        maximum: int,
    ) -> Function:
        return Function(
            name=name,
            handler=self.prepared.handlers.get(name, f"functions.{package or name}.handler.handler"),
            environment={"AWS_ENDPOINT_URL": self.aws_url, **self.prepared.environment, **(variables or {})},
            timeout_s=timeout_s,
            warm=warm,
            maximum=maximum,
            folder=CODE,
            streams=streams,
        )

    def _feed(self, stack: contextlib.ExitStack, pools: Mapping[str, Pool], clients: Clients) -> None:
        """Queues to functions, and the schedules of sweeper and sealer."""
        resources = self.prepared.resources
        self._poll(stack, pools["recorder"], resources.outbox, clients)
        for plugin, queue in resources.plugin_queues.items():
            # One by one: behind a receiver that hangs, the rest of a batch would be received and never tried.
            self._poll(stack, pools[f"plugin-{plugin}"], queue, clients, batch_size=1)
        for name, every_s in (
            ("sweeper", self._options.sweep_every_s),
            ("sealer", self._options.seal_every_s),
        ):
            schedule = Schedule(pools[name].invoke, every_s, tell=self._telling(name))
            stack.callback(schedule.stop)
            schedule.start()

    def _poll(
        self,
        stack: contextlib.ExitStack,
        pool: Pool,
        queue: QueuePair,
        clients: Clients,
        *,
        batch_size: int = RECEIVE_LIMIT,
    ) -> None:
        mapping = EventSourceMapping(
            function_timeout_s=pool.function.timeout_s,
            batch_size=batch_size,
            maximum_concurrency=pool.function.maximum,
        )
        clients = self.prepared.pollers.get(pool.function.name, clients)
        polled = SqsPolledQueue(clients, queue.url, queue.arn)
        poller = Poller(polled, pool.invoke, mapping, tell=self._telling(pool.function.name))
        stack.callback(poller.stop)
        poller.start()

    def _target(self) -> dict[str, Any]:
        """What the command line needs to work on this gateway. It opens nothing but this machine."""
        return {
            "address": self.address,
            "endpoint_url": self.aws_url,
            "region": REGION,
            "access_key_id": "local",
            "secret_access_key": "local",
            "snapshot": str(self._options.snapshot.resolve()),
            "echo_url": self.echo_url,
            "resources": json.loads(self.prepared.resources.encoded()),
        }

    def _invoke(self, event: bytes, relay: Relay) -> Outcome:
        return self._pool.invoke(event, relay) if self._pool else Throttled(0.0)

    def _approve(self, event: bytes, relay: Relay) -> Outcome:
        """Without a plugin that asks anybody there is no such path: the gateway says so."""
        return self._approving.invoke(event) if self._approving else self._invoke(event, relay)


def run(options: Options, prepare: Prepare = prepare) -> int:
    """Run until Ctrl-C or SIGTERM; the exit status. Raises ConfigurationError."""
    began, ended = time.monotonic(), threading.Event()
    # SIGINT too: a shell has what it starts in the background ignore it.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)
    tell = telling()
    with contextlib.suppress(KeyboardInterrupt), LocalGateway(options, tell=tell, prepare=prepare) as gateway:
        prepared, took_s = gateway.prepared, time.monotonic() - began
        print(banner(gateway.address, prepared.api_key, prepared.models, options.logs, took_s), flush=True)
        ended.wait()
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
