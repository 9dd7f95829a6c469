"""What runs out of the caller's time: the recorder on the outbox, sweeper and sealer on schedules."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra.functions import Foundation, Lambda, PenstockFunction, poll
from infra.statements import TERMINAL, Statements
from infra.whereabouts import Whereabouts

BATCH = 10
SWEEP_EVERY_MIN = 5
SWEEP_S = 240  # shorter than that: two never overlap
SEAL_EVERY_MIN = 60
SEAL_S = 900
SEAL_MB = 1769  # one whole processor: it digests every object of an hour


class Recorder(Construct):
    """Outbox → evidence → plugins' queues."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        where: Whereabouts,
        foundation: Foundation,
        plugin_queues: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        give = Statements(where)
        outbox = where.names.outbox
        statements = [give.consume(outbox), give.store_records(), give.list_evidence(), give.settle_intents()]
        if plugin_queues:
            statements.append(give.send(plugin_queues))
        own = Lambda(name=f"{where.deployment}-recorder", package="recorder", statements=statements)
        self.made = PenstockFunction(self, "Recorder", foundation, own)
        poll(self.made, where.queue(outbox), batch_size=BATCH)


class Sweeper(Construct):
    """Closes what a crash left open. One at a time: what one run leaves over is the next one's."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        where: Whereabouts,
        foundation: Foundation,
        plugin_queues: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        give = Statements(where)
        statements = [
            give.find_open_intents(),
            give.settle_intents(),
            give.store_records((TERMINAL,)),
            give.list_evidence(),
        ]
        if plugin_queues:
            statements.append(give.send(plugin_queues))
        name = f"{where.deployment}-sweeper"
        own = Lambda(name=name, package="sweeper", statements=statements, timeout_s=SWEEP_S)
        self.made = PenstockFunction(self, "Sweeper", foundation, own)
        _every(self.made, SWEEP_EVERY_MIN, "Closes what a crash left open")


class Sealer(Construct):
    """Lists and chains the evidence of each hour. It can add below `seal/` and nowhere else."""

    def __init__(
        self, scope: Construct, construct_id: str, *, where: Whereabouts, foundation: Foundation
    ) -> None:
        super().__init__(scope, construct_id)
        give = Statements(where)
        own = Lambda(
            name=f"{where.deployment}-sealer",
            package="sealer",
            statements=[give.list_evidence(), give.read_evidence(), give.store_seals(), give.note_seals()],
            timeout_s=SEAL_S,
            memory_mb=SEAL_MB,
        )
        self.made = PenstockFunction(self, "Sealer", foundation, own)
        _every(self.made, SEAL_EVERY_MIN, "Lists and chains the evidence of the hours that are over")


def _every(made: PenstockFunction, minutes: int, said: str) -> None:
    schedule = events.Schedule.rate(Duration.minutes(minutes))
    rule = events.Rule(made, "Schedule", schedule=schedule, description=said)
    # The next run does what this one could not: a second try of the same run has nothing more to do.
    rule.add_target(targets.LambdaFunction(made.function, retry_attempts=0))
