"""The rules by name: to which family each belongs, and where its form is written down.

A rule is what an operator turns on and off; a family is what a caller and the evidence are told. Families
are few and keep their names; rules come and go with the vendors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Family(NamedTuple):
    """`reason` of a block and name of the `record`, as plugin.toml declares them."""

    reason: str
    record: str


class Rule(NamedTuple):
    """One rule: its family, and the public page that describes the form."""

    family: Family
    source: str


CLOUD = Family("cloud_key", "cloud_keys")
DEVELOPER = Family("developer_token", "developer_tokens")
SERVICE = Family("service_key", "service_keys")
PRIVATE = Family("private_key", "private_keys")
WEB = Family("web_token", "web_tokens")
URL = Family("url_password", "url_passwords")
HEADER = Family("authorization_header", "authorization_headers")
ASSIGNED = Family("assigned_secret", "assigned_secrets")

_AWS = "https://docs.aws.amazon.com"
_GITHUB = "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure"

# Where two finds begin at the same place, the rule that stands first here names the block.
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "aws_access_key_id": Rule(CLOUD, f"{_AWS}/IAM/latest/UserGuide/reference_identifiers.html"),
        "aws_secret_access_key": Rule(CLOUD, f"{_AWS}/IAM/latest/UserGuide/id_credentials_access-keys.html"),
        "aws_bedrock_key": Rule(CLOUD, f"{_AWS}/bedrock/latest/userguide/api-keys.html"),
        "google_api_key": Rule(CLOUD, "https://cloud.google.com/docs/authentication/api-keys"),
        "google_oauth": Rule(CLOUD, "https://developers.google.com/identity/protocols/oauth2"),
        "google_service_account": Rule(CLOUD, "https://cloud.google.com/iam/docs/keys-create-delete"),
        "azure_storage": Rule(
            CLOUD, "https://learn.microsoft.com/azure/storage/common/storage-configure-connection-string"
        ),
        "github": Rule(DEVELOPER, f"{_GITHUB}/about-authentication-to-github"),
        "gitlab": Rule(DEVELOPER, "https://docs.gitlab.com/security/tokens/#token-prefixes"),
        "npm": Rule(DEVELOPER, "https://github.blog/2021-09-23-announcing-npms-new-access-token-format/"),
        "pypi": Rule(DEVELOPER, "https://pypi.org/help/#apitoken"),
        "docker_hub": Rule(DEVELOPER, "https://docs.docker.com/security/access-tokens/"),
        "slack": Rule(SERVICE, "https://api.slack.com/concepts/token-types"),
        "slack_webhook": Rule(SERVICE, "https://api.slack.com/messaging/webhooks"),
        "stripe": Rule(SERVICE, "https://docs.stripe.com/keys"),
        "anthropic": Rule(SERVICE, "https://docs.anthropic.com/en/api/overview#authentication"),
        "openai": Rule(SERVICE, "https://platform.openai.com/docs/api-reference/authentication"),
        "huggingface": Rule(SERVICE, "https://huggingface.co/docs/hub/security-tokens"),
        "penstock": Rule(SERVICE, "penstock/governance/api_keys.py"),
        "twilio": Rule(SERVICE, "https://www.twilio.com/docs/glossary/what-is-a-sid"),
        "sendgrid": Rule(SERVICE, "https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys"),
        "private_key": Rule(
            PRIVATE, "RFC 7468, section 10 and 11; RFC 9580, section 6.2; OpenSSH PROTOCOL.key"
        ),
        "jwt": Rule(WEB, "RFC 7515, section 3.1; RFC 7516, section 3.1; RFC 7519"),
        "url_password": Rule(URL, "RFC 3986, section 3.2.1"),
        "authorization_header": Rule(HEADER, "RFC 9110, section 11.6.2; RFC 6750; RFC 7617"),
        "assigned_secret": Rule(ASSIGNED, "README.md"),
    }
)
RANK: Mapping[str, int] = MappingProxyType({name: at for at, name in enumerate(RULES)})
