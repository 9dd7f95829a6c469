"""What a function is told by its environment: where its tables, queues, secrets and snapshot are.

    PENSTOCK_CONTROL_TABLE  PENSTOCK_LEDGER_TABLE  PENSTOCK_STORAGE_TABLE
    PENSTOCK_EVIDENCE_BUCKET
    PENSTOCK_OUTBOX_URL
    PENSTOCK_PLUGIN_QUEUE_URL     with `{plugin}` where the plugin's name goes
    PENSTOCK_EVIDENCE_KEY         name or ARN of the secret that holds the evidence key; in plugins' functions
                                  the delivery key
    PENSTOCK_SNAPSHOT             path of the compiled snapshot
    PENSTOCK_PLUGIN_ROOTS         folders that hold plugin folders, as PATH is written
    PENSTOCK_LOCAL                `1` on the local gateway only: plain http to this machine is allowed
    PENSTOCK_DEPLOYMENT           its name: a dimension of every metric
    PENSTOCK_EGRESS_ALIAS         of a plugin's function without a route out: `<function>:<alias>` that sends
    PENSTOCK_EXPORTS_BUCKET       of plugins' functions that may leave objects in it
    PENSTOCK_WORKFLOW             of plugins' functions that may start their workflow: ARN of its machine
    PENSTOCK_APPROVALS_URL        of functions that make links for approvers: where the API is, `https://…`
    AWS_REGION

A pattern for the plugins' queues, and not a list: a function's whole environment may have 4 KB
(Lambda quotas), which a list of forty queues would fill.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from penstock.errors import ConfigurationError

PLUGIN = "{plugin}"
LAYERS = "/opt/python/penstock_plugins"  # where Lambda puts what plugins' layers hold under python/
EGRESS_ALIAS = "PENSTOCK_EGRESS_ALIAS"
EVIDENCE_KEY = "PENSTOCK_EVIDENCE_KEY"
EXPORTS_BUCKET = "PENSTOCK_EXPORTS_BUCKET"
WORKFLOW = "PENSTOCK_WORKFLOW"
APPROVALS_URL = "PENSTOCK_APPROVALS_URL"

_REQUIRED = {
    "control_table": "PENSTOCK_CONTROL_TABLE",
    "ledger_table": "PENSTOCK_LEDGER_TABLE",
    "storage_table": "PENSTOCK_STORAGE_TABLE",
    "evidence_bucket": "PENSTOCK_EVIDENCE_BUCKET",
    "outbox_url": "PENSTOCK_OUTBOX_URL",
    "plugin_queue_pattern": "PENSTOCK_PLUGIN_QUEUE_URL",
    "evidence_key_secret": EVIDENCE_KEY,
    "snapshot_path": "PENSTOCK_SNAPSHOT",
    "region": "AWS_REGION",
    "deployment": "PENSTOCK_DEPLOYMENT",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The names and places of one deployment, as one function sees them."""

    control_table: str
    ledger_table: str
    storage_table: str
    evidence_bucket: str
    outbox_url: str
    plugin_queue_pattern: str
    evidence_key_secret: str
    snapshot_path: str
    region: str
    deployment: str
    plugin_roots: tuple[str, ...] = (LAYERS,)
    local: bool = False
    egress_alias: str | None = None
    exports_bucket: str = ""
    workflow: str = ""
    approvals_url: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """From environment variables. Raises ConfigurationError that names every one that is missing."""
        missing = [variable for variable in _REQUIRED.values() if not environment.get(variable)]
        if missing:
            raise ConfigurationError(
                "the function's environment", f"{', '.join(missing)} not set.", "Deploy it again."
            )
        values = {name: environment[variable] for name, variable in _REQUIRED.items()}
        values["workflow"] = environment.get(WORKFLOW, "")
        roots = tuple(environment.get("PENSTOCK_PLUGIN_ROOTS", LAYERS).split(os.pathsep))
        local, alias = environment.get("PENSTOCK_LOCAL") == "1", environment.get(EGRESS_ALIAS)
        exports = environment.get(EXPORTS_BUCKET, "")
        approvals = environment.get(APPROVALS_URL, "")
        return cls(
            **values,
            plugin_roots=roots,
            local=local,
            egress_alias=alias,
            exports_bucket=exports,
            approvals_url=approvals,
        )

    def environment(self) -> dict[str, str]:
        """The variables that `read` makes these settings from; of them, Lambda itself sets AWS_REGION."""
        known = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        variables = {variable: str(known[name]) for name, variable in _REQUIRED.items()}
        variables["PENSTOCK_PLUGIN_ROOTS"] = os.pathsep.join(self.plugin_roots)
        variables |= {"PENSTOCK_LOCAL": "1"} if self.local else {}
        variables |= {WORKFLOW: self.workflow} if self.workflow else {}
        variables |= {EXPORTS_BUCKET: self.exports_bucket} if self.exports_bucket else {}
        variables |= {APPROVALS_URL: self.approvals_url} if self.approvals_url else {}
        return variables | ({EGRESS_ALIAS: self.egress_alias} if self.egress_alias else {})

    def plugin_queue_url(self, plugin: str) -> str:
        """The queue of one background plugin."""
        return self.plugin_queue_pattern.replace(PLUGIN, plugin)

    def plugin_folder(self, folder: str) -> Path:
        """Where the plugin folder named `folder` is. Raises ConfigurationError when no root holds it."""
        for root in self.plugin_roots:
            found = Path(root) / folder
            if (found / "plugin.toml").is_file():
                return found
        where = ", ".join(self.plugin_roots)
        raise ConfigurationError(f"plugin folder {folder!r}", f"is not in {where}.", "Deploy it again.")
