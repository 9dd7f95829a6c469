"""What operators watch with: the key of logs and alarms, the topic, the alarms."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.keys import OPERATIONS, alias
from infra.whereabouts import Whereabouts


class OperationsKey(Construct):
    """Of log groups and of the alarms' topic, which CloudWatch could not use under AWS's own key for SNS.

    The roles on a request's way need nothing of it: CloudWatch Logs encrypts by itself. Who disables it loses
    logs and alarms, not requests.
    """

    def __init__(self, scope: Construct, construct_id: str, where: Whereabouts) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description=f"Logs and alarms of {where.deployment}",
            alias=alias(where.deployment, OPERATIONS),
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,  # what it encrypts goes with the stack too
        )
        groups = where.arn("logs", "log-group:*")
        self._let(
            f"logs.{Aws.REGION}.{Aws.URL_SUFFIX}",
            ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
            {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        )
        self._let(
            "cloudwatch.amazonaws.com",
            ["kms:Decrypt", "kms:GenerateDataKey*"],
            {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
        )

    def _let(self, service: str, actions: Sequence[str], conditions: dict[str, object]) -> None:
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=list(actions),
                resources=["*"],  # in a key's policy: this key
                conditions=conditions,
            )
        )


class Alarms(Construct):
    """Each alarm goes to one topic, to which operators subscribe."""

    def __init__(self, scope: Construct, construct_id: str, *, deployment: str, key: kms.IKey) -> None:
        super().__init__(scope, construct_id)
        self._deployment = deployment
        self.topic = sns.Topic(
            self, "Topic", topic_name=f"{deployment}-alarms", master_key=key, enforce_ssl=True
        )
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )

    def dead_letters(self, construct_id: str, queue: str, again: str) -> None:
        """`again`: the command that sends them once more, without `penstock`."""
        metric = cloudwatch.Metric(
            namespace="AWS/SQS",
            metric_name="ApproximateNumberOfMessagesVisible",
            dimensions_map={"QueueName": queue},
            statistic="Maximum",
            period=Duration.minutes(5),
        )
        said = f"{queue} holds what failed five times. Mend the cause, then `penstock {again}`."
        self._alarm(construct_id, f"{queue}-depth", metric, 1, said)

    def logged(self, construct_id: str, group: logs.ILogGroup, name: str, threshold: int, said: str) -> None:
        """An alarm on a metric that a function writes into its log.

        Read from the function's own log group, so that it needs no dimension of the metric.
        """
        metric = self._counted(construct_id, group, name, Duration.minutes(5))
        self._alarm(construct_id, f"{self._deployment}-{name}", metric, threshold, said)

    def idle(self, construct_id: str, function: lambda_.IFunction, minutes: int, said: str) -> None:
        """An alarm on a function of which no run has ended well for so long: it failed, or never began."""
        period = Duration.minutes(5)
        well = cloudwatch.MathExpression(
            expression="began - failed",
            using_metrics={
                "began": function.metric_invocations(period=period, statistic="Sum"),
                "failed": function.metric_errors(period=period, statistic="Sum"),
            },
            period=period,
        )
        self._missing(construct_id, well, minutes // 5, said)

    def waiting(self, construct_id: str, queue: str, seconds: int, said: str) -> None:
        """An alarm on a message that nobody has taken for good for so long."""
        metric = cloudwatch.Metric(
            namespace="AWS/SQS",
            metric_name="ApproximateAgeOfOldestMessage",
            dimensions_map={"QueueName": queue},
            statistic="Maximum",
            period=Duration.minutes(5),
        )
        self._alarm(construct_id, f"{self._deployment}-{construct_id}", metric, seconds, said)

    def silent(self, construct_id: str, group: logs.ILogGroup, name: str, hours: int, said: str) -> None:
        """An alarm on a metric that a function has not written for so long."""
        self._missing(construct_id, self._counted(construct_id, group, name, Duration.hours(1)), hours, said)

    def _missing(self, construct_id: str, metric: cloudwatch.IMetric, periods: int, said: str) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=f"{self._deployment}-{construct_id}",
            alarm_description=said,
            metric=metric,
            threshold=1,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _counted(
        self, construct_id: str, group: logs.ILogGroup, name: str, period: Duration
    ) -> cloudwatch.Metric:
        filtered = logs.MetricFilter(
            self,
            f"{construct_id}Filter",
            log_group=group,
            filter_pattern=logs.FilterPattern.number_value(f"$.{name}", ">", 0),
            metric_namespace=f"Penstock/{self._deployment}",
            metric_name=name,
            metric_value=f"$.{name}",
        )
        return filtered.metric(statistic="Sum", period=period)

    def workflow(self, plugin: str, machine: str) -> None:
        """An alarm on runs of a workflow that did not come to their end. `machine`: the ARN."""
        ended = {
            name.lower(): cloudwatch.Metric(
                namespace="AWS/States",
                metric_name=f"Executions{name}",
                dimensions_map={"StateMachineArn": machine},
                statistic="Sum",
                period=Duration.minutes(5),
            )
            for name in ("Failed", "TimedOut")
        }
        both = cloudwatch.MathExpression(
            expression=" + ".join(ended), using_metrics=ended, period=Duration.minutes(5)
        )
        said = f"A run of {plugin}'s workflow failed or timed out. Which step: the evidence of its request."
        self._alarm(f"{plugin}Workflow", f"{self._deployment}-{plugin}-workflow", both, 1, said)

    def server_errors(self, construct_id: str, metric: cloudwatch.Metric, threshold: int) -> None:
        said = "The API answered with 5xx. The evidence of these requests says why; else the function's log."
        self._alarm(construct_id, f"{self._deployment}-5xx", metric, threshold, said)

    def _alarm(
        self, construct_id: str, name: str, metric: cloudwatch.Metric, threshold: int, said: str
    ) -> None:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            alarm_name=name,
            alarm_description=said,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
