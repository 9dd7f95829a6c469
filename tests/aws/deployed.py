"""The deployments that are evaluated, each as its gateway.toml means it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.aws.policies import ACCOUNT

HERE = f"eu-central-1:{ACCOUNT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One deployment as its gateway.toml means it, written by hand: infra's reading is held against it.

    `background`, `called`: plugins with a function. `secrets`: name or ARN → plugins that it is granted to.
    `told`: secrets that the gateway reads besides those below its prefix. `storage`, `exports`: plugins that
    have them. `once`: those that look for what they have delivered, and claim it.
    `workflows`: those with one; `asking`: of these, the ones that ask people.
    """

    name: str
    background: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    secrets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    storage: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    asking: tuple[str, ...] = ()

    def role(self, part: str) -> str:
        return f"{self.name}-{part}"

    def roles(self, *plugins: str) -> set[str]:
        return {f"{self.name}-plugin-{plugin}" for plugin in plugins}

    def machines(self, *plugins: str) -> set[str]:
        """What the workflows of plugins run as."""
        return {f"workflow of {role}" for role in self.roles(*({*plugins} & {*self.workflows}))}

    @property
    def everybody(self) -> set[str]:
        """Roles of plugins, and of what asks people for them."""
        plugins = {*self.background, *self.called, *self.workflows}
        return self.roles(*plugins) | self.machines(*plugins) | self.approvals

    @property
    def approvals(self) -> set[str]:
        """Who takes people's answers."""
        return {self.role("approvals")} if self.asking else set()

    @property
    def delivering(self) -> tuple[str, ...]:
        """Plugins that leave records of their own: of deliveries, of steps."""
        return tuple(dict.fromkeys((*self.background, *self.workflows)))

    @property
    def bucket(self) -> str:
        return f"arn:aws:s3:::{self.name}-evidence-{ACCOUNT}-eu-central-1"

    def secret(self, name: str) -> str:
        whole = f"arn:aws:secretsmanager:{HERE}:secret:{name}-AbCdEf"
        return name if name.startswith("arn:") else whole


# What the tests of the stacks deploy (tests/infra/gateway.toml), and the examples.
STACKTEST = Deployed(
    name="stacktest",
    background=("audit-export", "keeper", "follow-up"),
    called=("card-guard", "keeper", "approval-gate"),
    secrets={"stacktest/signing": ("audit-export",)},
    storage=("keeper", "approval-gate"),
    exports=("keeper",),
    once=("keeper",),
    workflows=("follow-up", "approval-gate"),
    asking=("approval-gate",),
)
DEPLOYED = {
    "test": STACKTEST,
    "default": Deployed(
        name="penstock",
        background=("audit-export",),
        secrets={"penstock/audit-signing-key": ("audit-export",)},
    ),
    "small-team": Deployed(name="team"),
    "vendors": Deployed(
        name="vendors",
        background=("audit-export", "warehouse-export"),
        called=("card-guard", "approval-gate"),
        secrets={
            f"arn:aws:secretsmanager:{HERE}:secret:siem/penstock-a1B2c3": ("audit-export",),
        },
        told=("vendors/openai", "vendors/mistral"),
        storage=("approval-gate",),
        exports=("warehouse-export",),
        workflows=("approval-gate",),
        asking=("approval-gate",),
    ),
    "private": Deployed(
        name="private",
        background=("audit-export",),
        secrets={"private/siem-signing-key": ("audit-export",)},
        told=("private/vllm",),
    ),
}
