"""The settings in `gateway.toml`, and the service that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import PluginConfig
from penstock.sdk.delivery import Url

from .asking import MAX_BODY_BYTES
from .contract import Contract
from .google import Google
from .presidio import Presidio
from .segments import Limits
from .service import Action, Policy, Service

Kind = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,64}$")]
Likelihood = Literal["VERY_UNLIKELY", "UNLIKELY", "POSSIBLE", "LIKELY", "VERY_LIKELY"]
# What is around the segments of a request, and around each of them, in any of the formats.
FRAME_BYTES, SEGMENT_BYTES = 16_384, 64


class DlpConfig(PluginConfig):
    """Settings under `[plugin.config]`."""

    url: Url
    """The DLP. The grant's `hosts` names its host and port: 443 for https when it names none."""
    format: Literal["penstock", "presidio", "google"] = "penstock"
    header: Literal["authorization", "x-api-key"] = "authorization"
    """Where the token goes; in `authorization` behind the word Bearer."""
    on_mask: Literal["mask", "block"] = "mask"
    """`block`: what the DLP would mask is stopped, as without a grant to write."""
    batch_bytes: int = Field(default=262_144, ge=1_024, le=500_000)
    """Of the texts in one request. Google takes 0.5 MB ("Quotas and limits")."""
    batch_segments: int = Field(default=200, ge=1, le=5_000)
    max_requests: int = Field(default=4, ge=1, le=10)
    """For one prompt or answer; where its texts need more, it is stopped. Evidence holds 64 deliveries."""
    kinds: Annotated[tuple[Kind, ...], Field(max_length=150)] = ()
    """What `presidio` and `google` look for, by their names: all that they know when empty."""
    actions: Annotated[Mapping[Kind, Action], Field(max_length=500)] = {}
    otherwise: Action = "mask"
    """What becomes of kinds that `actions` does not name."""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")] = "en"
    least_score: float = Field(default=0.5, ge=0, le=1)
    least_likelihood: Likelihood = "POSSIBLE"

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        only = {
            "kinds": {"presidio", "google"},
            "actions": {"presidio", "google"},
            "otherwise": {"presidio", "google"},
            "language": {"presidio"},
            "least_score": {"presidio"},
            "least_likelihood": {"google"},
        }
        for key in sorted(self.model_fields_set & only.keys()):
            if self.format not in only[key]:
                fits = " or ".join(f'"{name}"' for name in sorted(only[key]))
                raise ValueError(f"`{key}` is for format = {fits}: take it out")
        return self

    @property
    def limits(self) -> Limits:
        most_bytes = MAX_BODY_BYTES - FRAME_BYTES
        return Limits(self.batch_bytes, self.batch_segments, self.max_requests, most_bytes)

    @property
    def service(self) -> Service:
        policy = Policy(dict(self.actions), self.otherwise)
        if self.format == "presidio":
            return Presidio(policy, self.language, self.least_score, self.kinds)
        if self.format == "google":
            return Google(policy, self.least_likelihood, self.kinds)
        return Contract()
