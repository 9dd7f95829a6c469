from __future__ import annotations

import json

from penstock.front import ANSWERS_FOR, GATEWAY_RESPONSES, error_body
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain


def test_every_path_and_method_goes_to_the_gateway_s_live_version_and_streams(compute: Template) -> None:
    every = compute.of("ApiGateway::Method").values()
    # Where approvers answer is another function's: test_approvals.py.
    methods = [method for method in every if "Approvals" not in plain(method["Integration"]["Uri"])]
    assert "{proxy+}" in {made["PathPart"] for made in compute.of("ApiGateway::Resource").values()}
    assert len(methods) == 2  # the root and all below it
    for method in methods:
        integration = method["Integration"]
        assert method["HttpMethod"] == "ANY"
        assert (integration["Type"], integration["ResponseTransferMode"]) == ("AWS_PROXY", "STREAM")
        assert integration["TimeoutInMillis"] == 15 * 60 * 1000
        (alias,) = compute.of("Lambda::Alias")
        assert plain(integration["Uri"]).endswith(f"functions/${{{alias}}}/response-streaming-invocations")


def test_what_the_api_says_itself_is_what_the_local_front_says(compute: Template) -> None:
    answers = compute.named("ApiGateway::GatewayResponse", "ResponseType")
    assert set(answers) == {row.aws_type for row in GATEWAY_RESPONSES.values()}
    for code, row in GATEWAY_RESPONSES.items():
        if ANSWERS_FOR.get(row.aws_type, code) == code:
            answer = answers[row.aws_type]
            assert answer["ResponseTemplates"] == {"application/json": error_body(code)}
            expected = None if row.aws_type.startswith("DEFAULT") else str(row.status)
            assert answer.get("StatusCode") == expected
            parameters = answer["ResponseParameters"]
            assert parameters["gatewayresponse.header.x-request-id"] == "context.requestId"
            name = "Retry-After" if row.may_retry else "x-should-retry"
            assert f"gatewayresponse.header.{name}" in parameters


def test_access_logs_tell_how_a_request_went_and_nothing_of_what_was_in_it(compute: Template) -> None:
    stage = compute.only("ApiGateway::Stage")
    logged = set(json.loads(stage["AccessLogSetting"]["Format"]).values())
    assert not {name for name in logged if "path" in name.lower() and name != "$context.resourcePath"}
    assert not {
        name for name in logged if "request.header" in name or "authorizer" in name or "identity" in name
    }
    for settings in stage["MethodSettings"]:
        assert settings["LoggingLevel"] == "OFF"
        assert settings["DataTraceEnabled"] is False


def test_the_api_takes_no_more_than_gateway_toml_says(assemblies: dict[str, Assembly]) -> None:
    (settings,) = assemblies["small-team"].stack("team-gateway").only("ApiGateway::Stage")["MethodSettings"]
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (20, 50)


def test_only_the_api_may_invoke_the_gateway_from_outside(compute: Template) -> None:
    principals = {p["Principal"] for p in compute.of("Lambda::Permission").values()}
    assert principals == {"apigateway.amazonaws.com", "events.amazonaws.com"}
    for permission in compute.of("Lambda::Permission").values():
        assert "SourceArn" in permission
        assert plain(permission["SourceArn"]) != "*"


def test_a_private_api_answers_only_through_its_endpoints(assemblies: dict[str, Assembly]) -> None:
    api = assemblies["private"].stack("private-gateway").only("ApiGateway::RestApi")
    assert api["EndpointConfiguration"] == {
        "Types": ["PRIVATE"],
        "VpcEndpointIds": ["vpce-0123456789abcdef0"],
    }
    allowed, denied = api["Policy"]["Statement"]
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceVpce": ["vpce-0123456789abcdef0"]}}
    assert (denied["Effect"], denied["Condition"]) == (
        "Deny",
        {"StringNotEquals": {"aws:SourceVpce": ["vpce-0123456789abcdef0"]}},
    )


def test_without_being_told_otherwise_an_api_is_regional_where_a_stream_may_idle_five_minutes(
    assemblies: dict[str, Assembly],
) -> None:
    for name in CONFIGURATIONS.keys() - {"private"}:
        (stack,) = (s for n, s in assemblies[name].stacks().items() if n.endswith("-gateway"))
        assert stack.only("ApiGateway::RestApi")["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_bodies_that_are_no_text_are_let_through_where_a_path_is_open(
    compute: Template, assemblies: dict[str, Assembly]
) -> None:
    taken = assemblies["opened"].stack("opened-gateway").only("ApiGateway::RestApi")["BinaryMediaTypes"]
    assert taken == ["multipart/form-data", "application/octet-stream"]
    assert "BinaryMediaTypes" not in compute.only("ApiGateway::RestApi")
