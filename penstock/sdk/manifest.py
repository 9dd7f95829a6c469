"""`plugin.toml`: what a plugin asks for, readable before any of its code is imported.

    name, version, summary, purpose, owner, contract, entry_point
    [before_upstream] [after_upstream] [after_response]    reads, writes, effects, timeout_ms, …
    [reasons]    code → the sentence that a caller sees
    [records]    name → { unit, minimum, maximum }, { values = […] } or { values_from = "…" }
    [tags]       name → { values = […] } or { values_from = "key of the plugin's configuration" }
    secrets, hosts, hosts_from, storage, email, exports    capabilities
    workflow     whether it has one: its steps stand in workflow.toml (`penstock.sdk.steps`)

Unknown keys are refused, and a key that asks for what its moment does not have.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from penstock.errors import ConfigurationError
from penstock.sdk import fields
from penstock.sdk.fields import AFTER, BEFORE, LATER, MOMENTS, Moment

PLUGIN_NAME = re.compile(r"[a-z][a-z0-9-]{1,38}")
CODE = r"^[a-z][a-z0-9_]{0,47}$"
# What the evidence admits as a name; a sentence does not fit.
TAG_VALUE = r"^[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,127}$"
# One line: it goes into an error message as it is.
SENTENCE = r"^[^\x00-\x1f\x7f]+$"
# What the evidence refuses in any name: it could be a payment card (13 digits or more, ISO/IEC 7812-1).
CARD = re.compile(r"[0-9](?:[ ._:/+-]?[0-9]){12}")
# semver.org, 2.0.0
SEMVER = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$"
PURPOSE = r"^Use this plugin to (allow|block|transform|enrich|export|notify|analyze) .+ for .+$"
_PURPOSE_REMEDY = "Write: Use this plugin to <effect> <traffic> for <scope>; docs/write-a-plugin.md has one."
HOST = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?:[0-9]{1,5}$"
# A key of the plugin's configuration; dots lead into its tables.
CONFIG_KEY = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_-]+)*$"
DEFAULT_PORTS: Mapping[str, int] = MappingProxyType({"https": 443, "http": 80})

Effect = Literal["block", "transform", "respond", "record", "emit"]
OnError = Literal["block", "allow"]
StreamWay = Literal["buffer", "window"]
Code = Annotated[str, StringConstraints(pattern=CODE)]
Sentence = Annotated[str, StringConstraints(pattern=SENTENCE, max_length=300)]
TagValue = Annotated[str, StringConstraints(pattern=TAG_VALUE)]
HostPort = Annotated[str, StringConstraints(pattern=HOST)]
ConfigKey = Annotated[str, StringConstraints(pattern=CONFIG_KEY, max_length=128)]

# What a stream brings piece by piece; what else is of a response is whole when a placement sees it.
GROWING_FIELDS = frozenset({"response.text", "response.reasoning"})

_EFFECTS: Mapping[Moment, frozenset[str]] = {
    BEFORE: frozenset({"block", "transform", "respond", "record", "emit"}),
    AFTER: frozenset({"block", "transform", "respond", "record", "emit"}),
    LATER: frozenset({"record", "emit"}),
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MomentRequest(_Strict):
    """What a plugin asks for at one moment."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    timeout_ms: int | None = Field(default=None, ge=1, le=900_000)
    """Milliseconds for one call. None: 100 in process, 1500 in a function (behaviour.md, section 3)."""
    on_error: OnError | None = None
    after: tuple[str, ...] = ()
    stream: StreamWay | None = None
    window_chars: int | None = Field(default=None, ge=1, le=65_536)
    max_hold_chars: int | None = Field(default=None, ge=1, le=1_048_576)
    delivery: Literal["at_least_once", "at_most_once"] = "at_least_once"


class RecordRequest(_Strict):
    """One recorded name: a number with its unit and bounds, or an enumeration, as of a tag."""

    unit: str = Field(default="", max_length=24)
    minimum: float = Field(default=0, allow_inf_nan=False)
    maximum: float = Field(default=0, allow_inf_nan=False)
    values: tuple[Code, ...] = ()
    values_from: str = ""

    @model_validator(mode="after")
    def _is_one_of_all(self) -> Self:
        if sum(map(bool, (self.values, self.values_from, self.unit))) != 1:
            raise ValueError("give either `unit` with `minimum` and `maximum`, or `values`, or `values_from`")
        if self.unit and self.minimum >= self.maximum:
            raise ValueError("`maximum` must be greater than `minimum`")
        return self


class TagRequest(_Strict):
    """One tag: its values stand here, or under a key of the plugin's configuration."""

    values: tuple[TagValue, ...] = ()
    values_from: str = ""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.values) == bool(self.values_from):
            raise ValueError("give either `values` or `values_from`")
        return self


class Manifest(_Strict):
    """The whole of `plugin.toml`."""

    name: str
    version: str = Field(pattern=SEMVER, max_length=64)
    summary: str = Field(min_length=8, max_length=200)
    purpose: str = Field(pattern=PURPOSE)
    owner: str = Field(min_length=3, max_length=200)
    contract: Literal[1]
    entry_point: str = Field(pattern=r"^[a-z_][a-z0-9_]*:[A-Za-z_][A-Za-z0-9_]*$")
    before_upstream: MomentRequest | None = None
    after_upstream: MomentRequest | None = None
    after_response: MomentRequest | None = None
    reasons: dict[Code, Sentence] = {}
    records: dict[Code, RecordRequest] = {}
    tags: dict[Code, TagRequest] = {}
    secrets: tuple[Code, ...] = ()
    hosts: tuple[HostPort, ...] = ()
    hosts_from: tuple[ConfigKey, ...] = ()
    """Keys of its configuration that hold URLs: where these lead is the deployment's to say."""
    storage: bool = False
    email: bool = False
    workflow: bool = False
    exports: bool = False

    @property
    def moments(self) -> dict[Moment, MomentRequest]:
        """The declared moments, in the order of a request's life."""
        found = {moment: getattr(self, moment) for moment in MOMENTS}
        return {moment: request for moment, request in found.items() if request is not None}

    @property
    def config_keys(self) -> tuple[str, ...]:
        """The keys of the plugin's configuration that the manifest names."""
        named = [tag.values_from for tag in self.tags.values()]
        named += [record.values_from for record in self.records.values()]
        return (*self.hosts_from, *filter(None, named))

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if not PLUGIN_NAME.fullmatch(self.name):
            raise ValueError(f"name {self.name!r} must match {PLUGIN_NAME.pattern}")
        if not self.moments:
            raise ValueError("declare at least one moment: " + ", ".join(f"[{m}]" for m in MOMENTS))
        for moment, request in self.moments.items():
            problem = moment_problem(moment, request)
            if problem:
                raise ValueError(f"[{moment}] {problem}")
        problem = _declaration_problem(self) or _name_problem(self)
        if problem:
            raise ValueError(problem)
        return self


def _declaration_problem(manifest: Manifest) -> str | None:
    """What is declared and can never be used, or used without being declared."""
    requests = manifest.moments.values()
    effects = {effect for request in requests for effect in request.effects}
    for effect, table, declared in (
        ("block", "reasons", manifest.reasons),
        ("record", "records", manifest.records),
    ):
        if declared and effect not in effects:
            return f"[{table}] are declared, but no moment has the effect `{effect}`."
        if effect in effects and not declared:
            return f"the effect `{effect}` needs [{table}]."
    tagging = any("request.tags" in request.writes for request in requests)
    if bool(manifest.tags) != tagging:
        return "[tags] and writing `request.tags` go together."
    if any(manifest.name in request.after for request in requests):
        return "`after` names the plugin itself."
    return None


def _name_problem(manifest: Manifest) -> str | None:
    values = [value for record in manifest.records.values() for value in record.values]
    values += [value for tag in manifest.tags.values() for value in tag.values]
    tables = (*manifest.reasons, *manifest.records, *manifest.tags)
    for name in (manifest.name, manifest.version, *tables, *values):
        if CARD.search(name):
            return f"{name!r} holds 13 digits or more: evidence would take it for a payment card."
    for host in manifest.hosts:
        if not 0 < int(host.rpartition(":")[2]) < 65_536:
            return f"{host!r} has no port that exists."
    return None


def hosts_by_key(manifest: Manifest, config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """For each of `hosts_from`, the `host:port` that its URLs in `config` lead to."""
    urls = {key: texts_at(config, key) for key in manifest.hosts_from}
    return {key: tuple(host for url in found if (host := host_of(url))) for key, found in urls.items()}


def host_of(url: str) -> str | None:
    """The `host:port` of an http or https URL, its port by scheme when it names none; else None."""
    try:
        parts = urlsplit(url)
        port = DEFAULT_PORTS.get(parts.scheme, 0) if parts.port is None else parts.port
    except ValueError:  # a port that is none, a bracket that does not close
        return None
    host = f"{parts.hostname}:{port}"
    fits = parts.scheme in DEFAULT_PORTS and parts.hostname and port and "@" not in parts.netloc
    return host if fits and re.fullmatch(HOST, host) else None


def texts_at(config: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The texts at a dotted key: one text, the elements of a list, or the values of a table.

    A key leads into each table of a list: `topics.name` are the names of all `[[plugin.config.topics]]`.
    """
    value: Any = config
    for part in key.split("."):
        if isinstance(value, list | tuple):
            value = [item.get(part) for item in value if isinstance(item, Mapping)]
        else:
            value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping):
        value = list(value.values())
    found = value if isinstance(value, list | tuple) else [value]
    return tuple(text for text in found if isinstance(text, str) and text)


def moment_problem(moment: Moment, request: MomentRequest) -> str | None:
    """What is wrong with what is asked at `moment`; None when nothing is."""
    checks = (
        _repetition,
        _field_problem,
        _write_problem,
        _effect_problem,
        _stream_problem,
        _moment_key_problem,
    )
    return next((problem for check in checks if (problem := check(moment, request))), None)


def _repetition(_moment: Moment, request: MomentRequest) -> str | None:
    for key in ("reads", "writes", "effects", "after"):
        values = getattr(request, key)
        if len(set(values)) < len(values):
            return f"`{key}` names something twice."
    return None


def _field_problem(moment: Moment, request: MomentRequest) -> str | None:
    for name in (*request.reads, *request.writes):
        entry = fields.lookup(name)
        if entry is None:
            return f"{name!r} is not a field. `penstock docs fields` lists them."
        if moment not in entry.readable:
            return f"{name!r} does not exist at {moment}: it is there at {', '.join(sorted(entry.readable))}."
    return None


def _write_problem(moment: Moment, request: MomentRequest) -> str | None:
    for name in request.writes:
        entry = fields.lookup(name)
        if entry is None or entry.writable != moment:
            return f"{name!r} cannot be written at {moment}."
        if entry.shape == "texts" and name not in request.reads:
            return f"{name!r} is written but not read: add it to `reads`."
    if bool(request.writes) != ("transform" in request.effects):
        return "`writes` and the effect `transform` go together."
    return None


def _effect_problem(moment: Moment, request: MomentRequest) -> str | None:
    unfit = set(request.effects) - _EFFECTS[moment]
    if unfit:
        return f"the effect {min(unfit)!r} does not exist here: choose from {sorted(_EFFECTS[moment])}."
    steers = {"block", "transform", "respond"}.intersection(request.effects)
    if request.on_error == "block" and not (steers or request.after or "decisions" in request.reads):
        return '`on_error = "block"` is for plugins that can stop or change a request: this one only looks.'
    return None


def _stream_problem(moment: Moment, request: MomentRequest) -> str | None:
    if request.stream and moment != AFTER:
        return "`stream` belongs to [after_upstream]."
    if request.stream == "window" and request.window_chars is None:
        return '`stream = "window"` needs `window_chars`.'
    if request.stream != "window" and (request.window_chars or request.max_hold_chars):
        return '`window_chars` and `max_hold_chars` belong to `stream = "window"`.'
    if (request.max_hold_chars or 0) and (request.max_hold_chars or 0) < (request.window_chars or 0):
        return "`max_hold_chars` is less than `window_chars`: it is the widest match, so at least as wide."
    if request.stream == "window":
        return window_problem(request.reads, request.writes, request.effects)
    return None


def window_problem(reads: Iterable[str], writes: Iterable[str], effects: Iterable[str]) -> str | None:
    """Why such a placement cannot meet a stream in windows; None when it can."""
    if "respond" in effects:
        return '`respond` needs `stream = "buffer"`.'
    if "decisions" in reads:
        return '`decisions` are not known while pieces pass: reading them needs `stream = "buffer"`.'
    if not GROWING_FIELDS.intersection(reads):
        return f'`stream = "window"` needs a text that grows: read {" or ".join(sorted(GROWING_FIELDS))}.'
    early = next(
        (name for name in writes if name.startswith(("response.headers.", "response.metadata"))), None
    )
    return (
        f'{early!r} has left before the text comes: writing it needs `stream = "buffer"`.' if early else None
    )


def _moment_key_problem(moment: Moment, request: MomentRequest) -> str | None:
    if moment != LATER and "delivery" in request.model_fields_set:
        return "`delivery` belongs to [after_response]."
    if moment == LATER and request.after:
        return "`after` orders plugins at a gate: after the response there is none."
    unfit = [name for name in request.after if not PLUGIN_NAME.fullmatch(name)]
    return f"`after` names {unfit[0]!r}, which is no plugin's name." if unfit else None


def parse_manifest(text: str, where: str) -> Manifest:
    """The manifest in `text`. Raises ConfigurationError that names file, key and remedy."""
    try:
        return Manifest.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(where, f"is not TOML: {error}.", "Mend the line it names.") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the manifest"
        remedy = _PURPOSE_REMEDY if key == "purpose" else ""
        raise ConfigurationError(where, f"{key}: {_plain(first)}", remedy) from error


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the plugin in `folder`. Raises ConfigurationError."""
    path = folder / "plugin.toml"
    try:
        return parse_manifest(path.read_text(encoding="utf-8"), str(path))
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(
            str(path), "there is no such file.", "A plugin is a folder with plugin.toml."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(str(path), "is not UTF-8.", "Save it as UTF-8.") from None


def _plain(error: Mapping[str, Any]) -> str:
    message = str(error["msg"]).removeprefix("Value error, ")
    return "is not a key of plugin.toml." if error["type"] == "extra_forbidden" else message
