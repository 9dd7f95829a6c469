from __future__ import annotations

from pathlib import Path

import pytest

from penstock.configuration.deployment import StackOptions
from penstock.configuration.reading import parse_gateway_file
from penstock.errors import ConfigurationError

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b2c3d-0000-1111-2222-333344445555"
DOMAIN = f'[deployment.domain]\nname = "ai.example.com"\ncertificate = "{CERTIFICATE}"\n'
PRIVATE = '[deployment.private]\nvpc_endpoints = ["vpce-0123456789abcdef0"]\n'


def read(text: str) -> StackOptions:
    return parse_gateway_file(text.encode(), Path("gateway.toml")).file.deployment


def test_without_a_word_the_gateway_is_public_and_without_a_firewall() -> None:
    options = read("")
    assert (options.private, options.firewall, options.domain) == (None, None, None)
    assert not options.function.snapstart
    assert options.retention.evidence_days == 365


def test_what_the_stack_is_made_with_is_read() -> None:
    assert read(DOMAIN).domain is not None
    assert read(PRIVATE).private is not None
    assert read("[deployment.firewall]\n").firewall is not None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DOMAIN + PRIVATE, r"deployment: private: .*remove one of them"),
        (
            '[deployment.private]\nvpc_endpoints = ["vpc-1"]\n',
            r"gateway\.toml:2: deployment\.private\.vpc_endp",
        ),
        ("[deployment.retention]\nlog_days = 31\n", r"gateway\.toml:2: deployment\.retention\.log_days"),
        ("[deployment]\negress_concurrency = 5\n", r"egress_concurrency: .*remove it"),
        ("[deployment.firewal]\n", r"deployment\.firewal: is not a key\. Did you mean 'firewall'"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(text)
