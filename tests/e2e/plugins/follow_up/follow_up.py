"""Looks at how a request ended, and settles it: after a pause when it ended badly.

A model named `…-slowly` is looked at twice: the first attempt fails, as an outside system would. One named
`…-killed` is too: the first attempt ends with its process.
"""

import os
import signal

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.storage import ABSENT
from penstock.sdk.workflow import Run


class Settings(PluginConfig):
    pause_s: int = 1


class FollowUp(Plugin):
    config_model = Settings

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        ctx.workflow.start()
        ctx.workflow.start()  # as a redelivered message would

    def step_look(self, run: Run, ctx: Context) -> str:
        if run.evidence is None:
            raise LookupError("the run was started with a record")
        ctx.record("looked", 1)
        model = str(run.evidence["resource"].get("model", ""))
        if model.endswith("-slowly") and self._is_first(run, ctx):
            raise ConnectionError("not there yet")
        if model.endswith("-killed") and self._is_first(run, ctx):
            os.kill(os.getpid(), signal.SIGKILL)
        return "well" if run.evidence["outcome"] == "answered" else "badly"

    def step_settle(self, run: Run, ctx: Context) -> None:
        ctx.record("settled", run.outcomes["look"])

    def step_give_up(self, run: Run, ctx: Context) -> None:
        ctx.record("settled", "unseen")

    def _is_first(self, run: Run, ctx: Context) -> bool:
        """Kept outside: the next attempt may come to another process."""
        return ctx.storage.put(f"looked/{run.run_id}", True, expected=ABSENT) is not None
