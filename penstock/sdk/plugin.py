"""The class that a plugin author writes: one method for each moment, nothing else is called."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from penstock.sdk.context import Context
from penstock.sdk.decisions import Decision
from penstock.sdk.views import Evidence, Request, Response


class PluginConfig(BaseModel):
    """Base of a plugin's configuration: unknown keys are refused, values cannot change after load."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Plugin:
    """A named, versioned unit of behaviour. Subclass it, define the moments that the manifest declares.

    One instance serves one environment, one request at a time. Keep no request's data on `self`.
    `config_model` is the pydantic model of the plugin's settings in `gateway.toml`.
    """

    config_model: ClassVar[type[BaseModel]] = PluginConfig

    def prepare(self, config: Any) -> None:
        """Called once, when the environment starts, with the validated configuration.

        Compile patterns and tables here. An exception makes every run of the plugin fail as `import`.
        """

    def stored(self, key: str, value: Any) -> Any:
        """`value` as `penstock plugin storage` is to keep it under `key`, where operators keep what you read.

        Raises ValueError that says what may be there: nothing is stored then. Asked on the operator's
        machine; what the plugin itself puts does not come here. By default anything may be anywhere.
        """
        del key
        return value

    def before_upstream(self, request: Request, ctx: Context) -> Decision:
        """Called before the upstream is. The caller is authenticated and may use the model.

        May return `Allow`, `Block`, `Transform` or `Respond`, as far as granted. Controls run again on what
        it changed. When it crashes, is late or breaks its contract, `on_error` decides: an ordered
        placement blocks (503 `plugin_unavailable`) unless told otherwise.
        """
        raise NotImplementedError  # never called: a moment that is not overridden has no placement

    def after_upstream(self, response: Response, ctx: Context) -> Decision:
        """Called with the upstream's answer, before the caller gets any of it.

        The upstream has been paid; `Block` keeps its answer back, `Respond` replaces it. Failure as above.
        """
        raise NotImplementedError  # same

    def after_response(self, evidence: Evidence, ctx: Context) -> None:
        """Called after the evidence is stored, from a queue, never in the caller's time.

        Delivery is at least once: use `evidence.request_id` and the plugin's name as idempotency key.
        An exception makes the message come back, five times at most, then it goes to the dead-letter queue.
        `UndeliverableError` sends it there at once: for what no later try will change.
        """
        raise NotImplementedError  # same
