"""Sends the evidence of each request to a SIEM. Sees no content: evidence holds none."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Literal, Self

import httpx
from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import Context, Evidence, Plugin, PluginConfig
from penstock.sdk.delivery import RESERVE_S, Answer, Url, attempted, compact_json, post

from .acknowledgement import CHANNEL, COLLECTOR, READ_BYTES, ack_id, ack_url, is_indexed, pauses
from .event import Body, body

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,80}$")]


class SiemConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    url: Url
    """Where records go. The grant's `hosts` names its host and port: 443 for https when it names none."""
    format: Literal["splunk_hec", "json"] = "splunk_hec"
    source: Word = "penstock"
    sourcetype: Word = "penstock:evidence"
    index: Word | None = None
    """None: the index that belongs to the token."""
    compress: bool = True
    acknowledge: bool = False
    """Ask until the event is indexed. The collector's token must have indexer acknowledgement turned on."""
    acknowledge_within_s: int = Field(default=20, ge=1, le=25)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.format == "splunk_hec" and not self.url.endswith((COLLECTOR, f"{COLLECTOR}/event")):
            raise ValueError(f"the url of a collector ends in {COLLECTOR}/event")
        if self.format == "json" and self.acknowledge:
            raise ValueError('`acknowledge` is Splunk\'s: leave it out with `format = "json"`')
        return self


class SiemExport(Plugin):
    """See README.md."""

    config_model = SiemConfig
    clock: Callable[[], float] = staticmethod(time.monotonic)
    sleep: Callable[[float], None] = staticmethod(time.sleep)
    new_channel: Callable[[], str] = staticmethod(lambda: str(uuid.uuid4()))

    def prepare(self, config: SiemConfig) -> None:
        self._channel = self.new_channel()

    def after_response(self, evidence: Evidence, ctx: Context[SiemConfig]) -> None:
        sent = made(evidence, ctx.config)
        ctx.record("body_bytes", sent.plain_bytes)
        ctx.record("sent_bytes", len(sent.content))
        answer = self._post(ctx, ctx.config.url, sent)
        answer.expect_taken()
        if ctx.config.acknowledge:
            self._wait_until_indexed(ctx, ack_id(answer))

    def _post(self, ctx: Context[SiemConfig], url: str, sent: Body) -> Answer:
        read_bytes = READ_BYTES if ctx.config.acknowledge else 0

        def send(fresh: bool) -> Answer:
            headers = {**self._headers(ctx, fresh=fresh), **sent.headers}
            return post(ctx, url, sent.content, headers, read_bytes=read_bytes)

        return attempted(send, lambda: ctx.remaining_ms, self.sleep)

    def _headers(self, ctx: Context[SiemConfig], *, fresh: bool = False) -> dict[str, str]:
        token = ctx.secret("token", fresh=fresh).get_secret_value().strip()
        if ctx.config.format == "json":
            return {"authorization": f"Bearer {token}"}
        return {"authorization": f"Splunk {token}", CHANNEL: self._channel}

    def _wait_until_indexed(self, ctx: Context[SiemConfig], number: int) -> None:
        """Raises httpx.ReadTimeout when that is not said in time: the queue brings the record again."""
        began = self.clock()
        url, asked = ack_url(ctx.config.url, self._channel), compact_json({"acks": [number]})
        wait_s = min(ctx.config.acknowledge_within_s, ctx.remaining_ms / 1000 - 2 * RESERVE_S)
        for pause_s in pauses(wait_s, self.clock):
            self.sleep(pause_s)
            # The event is there: who gave up at a question that failed would send it a second time.
            with suppress(httpx.TransportError):
                answer = post(ctx, url, asked, self._headers(ctx), read_bytes=READ_BYTES)
                if not is_indexed(answer, number):
                    continue
                ctx.record("acknowledged_after_ms", round((self.clock() - began) * 1000))
                return
        raise httpx.ReadTimeout("the collector took the event and did not say in time that it is indexed")


def made(evidence: Evidence, config: SiemConfig) -> Body:
    """What is sent for a record."""
    if config.format == "json":
        return body(evidence, compress=config.compress)
    told = {"source": config.source, "sourcetype": config.sourcetype, "index": config.index}
    return body(evidence, told, compress=config.compress)
