"""A name of one's own for the API."""

from __future__ import annotations

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from penstock.configuration.deployment import Domain as DomainOptions


class Domain(Construct):
    """`target`: what the name has to point to; it does, when the zone is in Route 53 and named."""

    def __init__(
        self, scope: Construct, construct_id: str, *, options: DomainOptions, rest: apigateway.RestApi
    ) -> None:
        super().__init__(scope, construct_id)
        name = rest.add_domain_name(
            "Name",
            domain_name=options.name,
            certificate=acm.Certificate.from_certificate_arn(self, "Certificate", options.certificate),
            endpoint_type=apigateway.EndpointType.REGIONAL,
            security_policy=apigateway.SecurityPolicy.TLS_1_2,
        )
        self.target = name.domain_name_alias_domain_name
        if options.hosted_zone:
            _, _, parent = options.name.partition(".")
            zone = route53.HostedZone.from_hosted_zone_attributes(
                self, "Zone", hosted_zone_id=options.hosted_zone, zone_name=parent
            )
            route53.ARecord(
                self,
                "Record",
                zone=zone,
                record_name=f"{options.name}.",
                target=route53.RecordTarget.from_alias(targets.ApiGatewayDomain(name)),
            )
