from __future__ import annotations

from tests.infra.template import Assembly, Template, plain


def stack(assemblies: dict[str, Assembly]) -> Template:
    return assemblies["vendors"].stack("vendors-gateway")


def test_a_domain_leads_to_the_api_by_tls_1_2_and_the_first_name_no_longer_answers(
    assemblies: dict[str, Assembly],
) -> None:
    domain = stack(assemblies).only("ApiGateway::DomainName")
    assert (domain["DomainName"], domain["SecurityPolicy"]) == ("ai.example.com", "TLS_1_2")
    assert stack(assemblies).only("ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
    assert stack(assemblies).only("ApiGateway::BasePathMapping").get("BasePath") in (None, "")
    assert stack(assemblies).outputs["BaseUrl"] == "https://ai.example.com/v1"


def test_the_record_is_made_in_the_zone_that_was_named(assemblies: dict[str, Assembly]) -> None:
    record = stack(assemblies).only("Route53::RecordSet")
    assert (record["Name"], record["HostedZoneId"]) == ("ai.example.com.", "Z0123456789ABCDEFGHIJ")
    assert "DomainTarget" in stack(assemblies).outputs
    assert plain(record["Type"]) == "A"
