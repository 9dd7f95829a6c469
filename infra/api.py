"""The REST API: every path to the gateway's function, whose answers stream."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.log_groups import LogGroup
from penstock.configuration.deployment import StackOptions
from penstock.front import ANSWERS_FOR, GATEWAY_RESPONSES, error_body, retry_header

STAGE = "live"
TIMEOUT_MIN = 15  # the most for a streamed integration (API Gateway quotas)
# Bodies that are no text, on paths that the operator has opened. With streamed answers no type need be named
# (Developer Guide, "Binary media types for REST APIs"), of which requests that is true it does not say.
BYTES = ("multipart/form-data", "application/octet-stream")

# Which request, how it went, how long it took. Neither path nor query nor header, where content might be.
LOGGED = {
    "request_id": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "method": "$context.httpMethod",
    "resource": "$context.resourcePath",
    "status": "$context.status",
    "integration_status": "$context.integration.status",
    "error": "$context.error.responseType",
    "ms": "$context.responseLatency",
    "integration_ms": "$context.integration.latency",
    "response_bytes": "$context.responseLength",
    "waf": "$context.waf.status",
}


class Api(Construct):
    """`rest`: the API. Only REST APIs stream; the function must begin every answer with a prelude."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: str,
        function: lambda_.IFunction,
        options: StackOptions,
        key: kms.IKey,
        takes_bytes: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        logs = LogGroup(
            self, "Logs", name=f"/aws/apigateway/{deployment}", key=key, days=options.retention.log_days
        )
        self.rest = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=deployment,
            description="Penstock",
            binary_media_types=list(BYTES) if takes_bytes else None,
            endpoint_configuration=self._endpoint(options),
            policy=_only_from(options.private.vpc_endpoints) if options.private else None,
            disable_execute_api_endpoint=options.domain is not None,
            # One setting for the whole account and region: made, and left, so that no other API's logs end.
            cloud_watch_role=True,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                access_log_destination=apigateway.LogGroupLogDestination(logs.group),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(LOGGED)),
                logging_level=apigateway.MethodLoggingLevel.OFF,  # execution logs would hold bodies
                data_trace_enabled=False,
                metrics_enabled=True,
                throttling_rate_limit=options.api.requests_per_second,
                throttling_burst_limit=options.api.burst,
            ),
        )
        integration = apigateway.LambdaIntegration(
            function,
            allow_test_invoke=False,
            response_transfer_mode=apigateway.ResponseTransferMode.STREAM,
            timeout=Duration.minutes(TIMEOUT_MIN),
        )
        # Keys are the gateway's to check, so that a refusal has the client's shape and leaves evidence.
        anyone = apigateway.AuthorizationType.NONE
        self.rest.root.add_method("ANY", integration, authorization_type=anyone)
        proxy = self.rest.root.add_proxy(any_method=False)
        proxy.add_method("ANY", integration, authorization_type=anyone)
        self._answers()

    def server_errors(self) -> cloudwatch.Metric:
        return self.rest.metric_server_error(statistic="Sum", period=Duration.minutes(5))

    def _endpoint(self, options: StackOptions) -> apigateway.EndpointConfiguration:
        if options.private is None:
            return apigateway.EndpointConfiguration(types=[apigateway.EndpointType.REGIONAL])
        endpoints = [
            ec2.InterfaceVpcEndpoint.from_interface_vpc_endpoint_attributes(
                self, endpoint, vpc_endpoint_id=endpoint, port=443
            )
            for endpoint in options.private.vpc_endpoints
        ]
        return apigateway.EndpointConfiguration(
            types=[apigateway.EndpointType.PRIVATE], vpc_endpoints=endpoints
        )

    def _answers(self) -> None:
        """What the API says when the function cannot, in the shape that callers' clients read."""
        for code, row in GATEWAY_RESPONSES.items():
            if ANSWERS_FOR.get(row.aws_type, code) != code:
                continue
            name, value = retry_header(code)
            apigateway.GatewayResponse(
                self,
                f"Answer-{code}",
                rest_api=self.rest,
                type=apigateway.ResponseType.of(row.aws_type),
                # A default stands for several: each keeps the status that API Gateway gives it.
                status_code=None if row.aws_type.startswith("DEFAULT_") else str(row.status),
                response_headers={name: f"'{value}'", "x-request-id": "context.requestId"},
                templates={"application/json": error_body(code)},
            )


def _only_from(vpc_endpoints: tuple[str, ...]) -> iam.PolicyDocument:
    """Who comes through one of these endpoints may call; who does not is denied, whoever it is."""
    everything = ["execute-api:/*"]
    came = {"aws:SourceVpce": list(vpc_endpoints)}
    return iam.PolicyDocument(
        statements=[
            _anyone(iam.Effect.ALLOW, everything, {"StringEquals": came}),
            _anyone(iam.Effect.DENY, everything, {"StringNotEquals": came}),
        ]
    )


def _anyone(effect: iam.Effect, resources: list[str], conditions: dict[str, object]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        effect=effect,
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=resources,
        conditions=conditions,
    )
