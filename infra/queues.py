"""A queue and its dead-letter queue."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from penstock.adapters.resources import DEAD_RETENTION_S, MAX_RECEIVES, VISIBILITY_S, QueuePair, dead_queue


class Queue(Construct):
    """Standard; five tries, then `…-dead`. Encrypted under `key`, or the one that SQS owns.

    Both keep messages for as long as SQS can: of the outbox's there is no second copy. In a dead-letter
    queue a message's age counts from when it was first sent (SQS Developer Guide, "Dead-letter queues").
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey | None) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.dead = self._made("Dead", dead_queue(name))
        self.queue = self._made(
            "Queue",
            name,
            visibility=Duration.seconds(VISIBILITY_S),
            dead_letters=sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVES, queue=self.dead),
        )

    def pair(self) -> QueuePair:
        return QueuePair(self.queue.queue_url, self.queue.queue_arn, self.dead.queue_url, self.dead.queue_arn)

    def _made(
        self,
        construct_id: str,
        name: str,
        *,
        visibility: Duration | None = None,
        dead_letters: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            queue_name=name,
            visibility_timeout=visibility,
            dead_letter_queue=dead_letters,
            retention_period=Duration.seconds(DEAD_RETENTION_S),
            encryption=sqs.QueueEncryption.KMS if self._key else sqs.QueueEncryption.SQS_MANAGED,
            encryption_master_key=self._key,
            enforce_ssl=True,
        )
