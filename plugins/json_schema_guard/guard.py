"""Holds answers to the JSON Schema that their request asked for, or to one that the operator wrote down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from penstock.sdk import Allow, Block, Context, Decision, Plugin, PluginConfig, Respond, Response

from .schemas import UnusableError, Validator, asked_schema, asks_json, is_json, loaded, validator_of


class GuardConfig(PluginConfig):
    """Settings in `gateway.toml`, under `[plugin.config]`."""

    schema_text: Annotated[str, Field(alias="schema", max_length=65_536)] = ""
    """A schema as JSON text, draft 2020-12, for every answer in scope; empty: only what requests ask for."""
    requests: Literal["check", "ignore"] = "check"
    """Whether an answer is held to the schema of its own request besides, where that names one."""
    on_mismatch: Literal["block", "replace"] = "block"
    replacement: Annotated[str, Field(max_length=65_536)] = "null"
    """What stands for an answer with `replace`: JSON text. It has to match `schema`."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        if not is_json(self.replacement):
            raise ValueError("`replacement` is no JSON: write it as JSON text, as '{\"error\": true}'")
        if self.schema_text:
            try:
                schema = validator_of(loaded(self.schema_text))
            except (UnusableError, ValueError) as error:
                raise ValueError(f"`schema` cannot be used: {error}") from None
            if self.on_mismatch == "replace" and not schema.is_valid(loaded(self.replacement)):
                raise ValueError("`replacement` does not match `schema`")
        return self


class JsonSchemaGuard(Plugin):
    """See README.md."""

    config_model = GuardConfig

    def prepare(self, config: GuardConfig) -> None:
        self._configured = validator_of(loaded(config.schema_text)) if config.schema_text else None

    def after_upstream(self, response: Response, ctx: Context[GuardConfig]) -> Decision:
        parameters = response.request.parameters if ctx.config.requests == "check" else {}
        if self._configured is None and not asks_json(parameters):
            return Allow()
        try:
            validators = self._validators(parameters)
            found = [problem(text, validators) for text in response.text]
        except UnusableError:
            return Block("schema_unusable")
        problems = [each for each in found if each is not None]
        ctx.record("checked", len(response.text))
        if not problems:
            return Allow()
        ctx.record("violations", len(problems))
        if ctx.config.on_mismatch == "replace":
            return Respond.text(ctx.config.replacement)
        return Block("not_json") if "not_json" in problems else Block("schema_mismatch")

    def _validators(self, parameters: Mapping[str, Any]) -> list[Validator]:
        """What an answer has to match: the operator's schema, then the request's."""
        asked = asked_schema(parameters)
        own = [] if asked is None else [validator_of(asked)]
        return own if self._configured is None else [self._configured, *own]


def problem(text: str, validators: list[Validator]) -> Literal["not_json", "schema_mismatch"] | None:
    """What is wrong with one choice's text."""
    try:
        answer = loaded(text)
    except ValueError:
        return "not_json"
    return None if all(validator.is_valid(answer) for validator in validators) else "schema_mismatch"
