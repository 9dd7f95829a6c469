"""The settings in `gateway.toml`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import PluginConfig
from penstock.sdk.delivery import Url

# As it stands in links, on the page, and as HMAC in the evidence: no address.
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]
Address = Annotated[str, StringConstraints(pattern=r"^([^@\s]{1,64}@[A-Za-z0-9.-]{1,255})?$")]


class GateConfig(PluginConfig):
    """Settings under `[plugin.config]`."""

    channel: Literal["email", "webhook"]
    approvers: dict[Label, Address] = Field(min_length=1, max_length=20)
    """Label → e-mail address, which may be empty with `channel = "webhook"`. Any one of them decides."""
    url: Url | None = None
    """Of the webhook. The grant's `hosts` names its host and port: 443 for https when it names none."""
    answer_within_s: int = Field(default=14_400, ge=60, le=604_800)
    """Default: half a working day. At most a week, for which links are good."""
    lifetime_s: int = Field(default=900, ge=60, le=86_400)
    """How long an approval is good for. Default: as long as NIST SP 800-63B-4 (section 2.3.3) lets a session
    of the highest assurance be idle."""
    uses: int = Field(default=1, ge=1, le=100)
    """How often the same request passes on one approval. Default: once, as it was asked for once."""
    denial_s: int = Field(default=3_600, ge=60, le=86_400)
    """How long the same request is refused after a denial, before it asks anew."""
    asks_per_hour: int = Field(default=20, ge=1, le=1_000)
    """Of one API key: who varies a request asks each time, and what comes too often nobody reads."""
    show_content: bool = False
    """Whether the page shows the texts that the grant lets the plugin read."""

    @model_validator(mode="after")
    def _can_tell_everybody(self) -> Self:
        if self.channel == "email" and not all(self.approvers.values()):
            raise ValueError('with `channel = "email"` every approver needs an e-mail address')
        if (self.channel == "webhook") != (self.url is not None):
            raise ValueError('`url` goes with `channel = "webhook"`, and only there')
        return self
