"""The dashboard: what passes, what it costs in time, what plugins do, what waits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.whereabouts import Whereabouts
from penstock.adapters.resources import dead_queue

# Namespace, and the first dimension of every metric: `penstock.evidence.telemetry`.
NAMESPACE, DEPLOYMENT = "Penstock", "deployment"
REQUEST = "dialect,route,status_class"
EVIDENCE = ("Stored", "Sealed", "Lost")
MINUTE = 60


class Dashboard(Construct):
    """Requests · time · plugins · queues, a row each."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        where: Whereabouts,
        api: apigateway.RestApi,
        queues: Sequence[str],
    ) -> None:
        super().__init__(scope, construct_id)
        queues = [where.names.outbox, *queues]
        search, own = partial(_search, where.deployment), partial(_own, where.deployment)
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=where.deployment,
            widgets=[
                [
                    _graph("Requests", [_requests(api, name) for name in ("Count", "4XXError", "5XXError")]),
                    _graph(
                        "Time of requests (ms)",
                        search("RequestDuration", REQUEST, "p50", "p99"),
                    ),
                    _graph(
                        "Time the gateway adds (ms)",
                        search("GatewayOverhead", REQUEST, "p50", "p99"),
                    ),
                ],
                [
                    _graph("Plugins: executions", search("PluginExecutions", "action,moment,plugin", "Sum")),
                    _graph("Plugins: blocks", search("PluginBlocks", "moment,plugin", "Sum")),
                    _graph("Plugins: errors", search("PluginErrors", "moment,plugin", "Sum")),
                    _graph("Plugins: time (ms)", search("PluginDuration", "moment,plugin", "p99")),
                ],
                [
                    _graph("Denied by controls", search("ControlDenials", "stage", "Sum")),
                    _graph("Upstream errors", search("UpstreamErrors", "provider", "Sum")),
                    _graph("Background: delivered", search("BackgroundDelivered", "plugin", "Sum")),
                    _graph("Background: failed", search("BackgroundFailed", "plugin", "Sum")),
                ],
                [
                    _graph("Evidence stored, sealed, lost", [own(f"Evidence{what}") for what in EVIDENCE]),
                    _graph("Queues: oldest message (s)", [_age(queue) for queue in queues]),
                    _graph(
                        "Approvals: asked, answered, refused",
                        [
                            *search("Approvals", "outcome,plugin", "Sum"),
                            *search("ApprovalsRefused", "plugin,reason", "Sum"),
                        ],
                    ),
                    _graph("Dead letters", [_depth(dead_queue(q)) for q in queues]),
                ],
            ],
        )


def _graph(title: str, metrics: list[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=metrics, width=6, height=6)


def _search(deployment: str, name: str, dimensions: str, *statistics: str) -> list[cloudwatch.IMetric]:
    """Every combination of these dimensions that there is: what plugins are deployed needs no edit here."""
    ours = f'{DEPLOYMENT}="{deployment}"'
    schema = f'{{{NAMESPACE},{DEPLOYMENT},{dimensions}}} MetricName="{name}" {ours}'
    return [
        cloudwatch.MathExpression(
            expression=f"SEARCH('{schema}', '{statistic}', {MINUTE})",
            label=f"{statistic} ",
            period=Duration.seconds(MINUTE),
            using_metrics={},
        )
        for statistic in statistics
    ]


def _requests(api: apigateway.RestApi, name: str) -> cloudwatch.IMetric:
    dimensions = {"ApiName": api.rest_api_name, "Stage": api.deployment_stage.stage_name}
    return _metric("AWS/ApiGateway", name, dimensions, "Sum")


def _own(deployment: str, name: str) -> cloudwatch.IMetric:
    return _metric(NAMESPACE, name, {DEPLOYMENT: deployment}, "Sum")


def _age(queue: str) -> cloudwatch.IMetric:
    return _metric("AWS/SQS", "ApproximateAgeOfOldestMessage", {"QueueName": queue}, "Maximum")


def _depth(queue: str) -> cloudwatch.IMetric:
    return _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, "Maximum")


def _metric(namespace: str, name: str, dimensions: dict[str, str], statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions or None,
        statistic=statistic,
        period=Duration.seconds(MINUTE),
    )
