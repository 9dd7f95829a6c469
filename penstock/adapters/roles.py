"""Credentials of a role, as Lambda gives them to a function: for a while, and for nothing but that role."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.adapters.clients import Clients
from penstock.adapters.failures import mapped


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    """What `AssumeRole` returned. They last as long as the session, an hour by default."""

    access_key_id: str
    secret_access_key: str
    session_token: str

    def __repr__(self) -> str:
        return f"RoleCredentials({self.access_key_id})"

    def environment(self) -> dict[str, str]:
        """The variables in which Lambda gives them to a function."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": self.session_token,
        }


def assume(clients: Clients, role_arn: str, session: str) -> RoleCredentials:
    """Become the role. Raises StorageError when STS does not answer, ConfigurationError when it refuses."""
    with mapped("assume a role"):
        given = clients.sts.assume_role(RoleArn=role_arn, RoleSessionName=session)["Credentials"]
    return RoleCredentials(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
