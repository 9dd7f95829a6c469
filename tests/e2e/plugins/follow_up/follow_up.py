"""Looks at how a request ended, and settles it: after a pause when it ended badly.

A model named `…-slowly` is looked at twice: the first attempt fails, as an outside system would.
"""

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.workflow import Run


class Settings(PluginConfig):
    pause_s: int = 1


class FollowUp(Plugin):
    config_model = Settings

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        ctx.workflow.start()
        ctx.workflow.start()  # as a redelivered message would

    def step_look(self, run: Run, ctx: Context) -> str:
        if run.evidence is None:
            raise LookupError("the run was started with a record")
        ctx.record("looked", 1)
        model = str(run.evidence["resource"].get("model", ""))
        if model.endswith("-slowly") and run.run_id not in self._seen:
            self._seen.add(run.run_id)
            raise ConnectionError("not there yet")
        return "well" if run.evidence["outcome"] == "answered" else "badly"

    def step_settle(self, run: Run, ctx: Context) -> None:
        ctx.record("settled", run.outcomes["look"])

    def step_give_up(self, run: Run, ctx: Context) -> None:
        ctx.record("settled", "unseen")
