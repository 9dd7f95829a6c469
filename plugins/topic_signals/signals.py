"""Notes which of the operator's topics a talk is about; tells one approved host of topics, never of words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Final, Self

from pydantic import Field, StringConstraints, model_validator

from penstock.sdk import (
    Allow,
    Context,
    Decision,
    Evidence,
    Plugin,
    PluginConfig,
    Response,
    Texts,
    UndeliverableError,
)
from penstock.sdk.delivery import Url, compact_json
from penstock.sdk.signing import message_id, send_signed

from .phrases import Phrases
from .telling import NAME, noted, signal

FIELDS: Final[Mapping[str, Callable[[Response], Texts]]] = MappingProxyType(
    {
        "request.messages.user": lambda response: response.request.messages.user,
        "response.text": lambda response: response.text,
        "response.mcp.result": lambda response: response.mcp.result,
    }
)

TopicName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=80)]


class Topic(PluginConfig):
    """One topic, and the words that tell of it."""

    name: TopicName
    words: Annotated[tuple[Phrase, ...], Field(min_length=1, max_length=200)]


class SignalsConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    topics: Annotated[tuple[Topic, ...], Field(min_length=1, max_length=50)]
    """Every value that the records of topics can have."""
    least_matches: int = Field(default=1, ge=1, le=1000)
    """So often must a topic be spoken of to count."""
    history: bool = False
    """Whether all that the user has said counts, in place of the last text."""
    max_chars: int = Field(default=100_000, ge=1_000, le=1_000_000)
    """Of one request and its answer; what is beyond is not read, and `unread_chars` says so."""
    url: Url | None = None
    """Where topics are told. The grant's `hosts` names its host and port: 443 for https without one."""

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> Self:
        if len({topic.name for topic in self.topics}) < len(self.topics):
            raise ValueError("two topics have the same name: give each its own")
        Phrases({topic.name: topic.words for topic in self.topics})
        return self


class TopicSignals(Plugin):
    """See README.md."""

    config_model = SignalsConfig
    clock: Callable[[], float] = staticmethod(time.time)
    sleep: Callable[[float], None] = staticmethod(time.sleep)

    def prepare(self, config: SignalsConfig) -> None:
        self._phrases = Phrases({topic.name: topic.words for topic in config.topics})

    def after_upstream(self, response: Response, ctx: Context[SignalsConfig]) -> Decision:
        texts = list(_texts(response, history=ctx.config.history))
        read = list(_within(texts, ctx.config.max_chars))
        unread = sum(map(len, texts)) - sum(map(len, read))
        found = self._phrases.count(read)
        least, order = ctx.config.least_matches, [topic.name for topic in ctx.config.topics]
        said = [(name, found[name]) for name in order if found[name] >= least]
        ranked = sorted(said, key=lambda pair: -pair[1])  # of as many matches the one that is named first
        if ranked:
            ctx.record("topics", len(ranked))
        if unread:
            ctx.record("unread_chars", unread)
        _record(ranked, ctx)
        return Allow()

    def after_response(self, evidence: Evidence, ctx: Context[SignalsConfig]) -> None:
        topics = list(noted(evidence))
        ctx.record("sent_topics", len(topics))
        if not topics:
            return
        url = ctx.config.url
        if url is None:
            raise UndeliverableError("no `url` says where topics go: write it into [plugin.config]")
        body = compact_json(signal(evidence, topics))

        told = message_id(evidence.request_id, NAME, body)
        send_signed(ctx, url, told, body, clock=self.clock, sleep=self.sleep)


def _texts(response: Response, *, history: bool) -> Iterator[str]:
    """What was granted, the newest first: of a long talk the beginning is what is left out."""
    for name in reversed(list(FIELDS)):
        if response.grants(name):
            texts = FIELDS[name](response)
            is_talk = name == "request.messages.user" and not history
            yield from texts[-1:] if is_talk else reversed(texts)


def _within(texts: Sequence[str], most_chars: int) -> Iterator[str]:
    for text in texts:
        yield text[:most_chars]
        most_chars = max(0, most_chars - len(text))


def _record(ranked: Sequence[tuple[str, int]], ctx: Context[SignalsConfig]) -> None:
    """Leave the three that are spoken of most."""
    for place, (name, matches) in enumerate(ranked[:3]):
        if place == 0:
            ctx.record("topic", name)
            ctx.record("matches", matches)
        elif place == 1:
            ctx.record("second_topic", name)
            ctx.record("second_matches", matches)
        else:
            ctx.record("third_topic", name)
            ctx.record("third_matches", matches)
