"""From gateway.toml to a filled AWS: what `cdk deploy`, `penstock apply` and `penstock keys` do elsewhere."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from penstock.adapters.clients import Clients
from penstock.adapters.control import ControlStore, DynamoControlStore
from penstock.adapters.provision import provision, store_secret
from penstock.adapters.resources import Resources, link_secret
from penstock.adapters.secrets import SecretsManager
from penstock.configuration.applied import applied_documents, approved_tools
from penstock.configuration.applying import apply, differences
from penstock.configuration.compile import Compiled, compile_file
from penstock.configuration.installing import check_runnable
from penstock.configuration.model import AccessGrant, GatewayFile, Model
from penstock.configuration.providers import Provider
from penstock.configuration.reading import Source, chosen_file, parse_gateway_file
from penstock.configuration.snapshot import Snapshot
from penstock.dev.environments import Function
from penstock.dev.mail import take_mail
from penstock.dev.options import Options, write_private
from penstock.dev.workflows import create_workflows
from penstock.errors import ConfigurationError
from penstock.governance.access import Access
from penstock.governance.api_keys import ApiKeys, KeyOwner, fingerprint
from penstock.governance.directory import Directory
from penstock.governance.principal import Principal

# Stands in gateway.toml for the echo upstream, whose port is another one in every run.
ECHO_ADDRESS: Final = b"127.0.0.1:8788"
KEY_NAME: Final = "local"
OPENAI_URL: Final = "https://api.openai.com/v1"
OPENAI_KEY_NAME: Final = "local/openai"
OPENAI_MODELS: Final = ("gpt-5-mini", "gpt-4o-mini")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the functions and the operator need to know."""

    resources: Resources
    environment: Mapping[str, str]
    """What every function is told."""
    api_key: str
    models: tuple[str, ...]
    """Those that the key may use."""
    handlers: Mapping[str, str] = field(default_factory=dict)
    """By function, where it is not the deployed one: for tests."""
    functions: tuple[Function, ...] = ()
    """Those of a synthesised stack, all that there are of it; none: this checkout's own."""
    pollers: Mapping[str, Clients] = field(default_factory=dict)
    """By function: in whose name its queue is polled, where that is not the operator's."""
    workflows: Mapping[str, str] = field(default_factory=dict)
    """By plugin: the ARN of its state machine."""
    called: tuple[str, ...] = ()
    """Plugins in functions of their own that the gateway calls while a caller waits."""
    notes: tuple[str, ...] = ()
    """What the operator should know, one line each."""


def prepare(options: Options, connect: Callable[[], Clients], echo_url: str) -> Prepared:
    """Compile and apply the configuration, make the resources, and see that there is a key.

    `connect` waits for AWS: what needs none is done before. Raises ConfigurationError for what is wrong in
    gateway.toml.
    """
    source = read_source(options, echo_url)
    compiled = compile_file(source)
    check_runnable(source)
    options.snapshot.write_bytes(compiled.raw)
    clients = connect()
    resources = _provision(options, clients, compiled)
    store = DynamoControlStore(clients, resources.control_table)
    apply_source(store, source)
    secret = local_key(options, store, source)
    settings = resources.settings(str(options.snapshot.resolve()), compiled.plugin_roots, local=True)
    return Prepared(
        resources=resources,
        environment={**settings.environment(), "PENSTOCK_SWEEP_AGE_S": str(options.sweep_age_s)},
        api_key=secret,
        models=models_of_key(store, source),
        called=compiled.snapshot.called,
        workflows=create_workflows(clients, compiled.snapshot),
        notes=(*compiled.warnings, *take_mail(clients, compiled.snapshot)),
    )


def read_source(options: Options, echo_url: str) -> Source:
    """The chosen gateway.toml, with the echo upstream where it is in this run. Raises ConfigurationError."""
    path = chosen_file(options.configuration)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(str(path), "cannot be read.", "Is the path right?") from error
    address = echo_url.removeprefix("http://").encode()
    source = parse_gateway_file(raw.replace(ECHO_ADDRESS, address), path)
    if not source.file.organisation:
        raise source.error((), "names no organisation.", "The local key needs one: add [[organisation]].")
    if options.openai_api_key is None:
        return source
    return Source(source.path, _with_openai(source.file), source.lines)


def _with_openai(file: GatewayFile) -> GatewayFile:
    """The same with OpenAI's own models, for the local key."""
    provider = Provider(id="openai", base_url=OPENAI_URL, secret=OPENAI_KEY_NAME)
    names = tuple(name for name in OPENAI_MODELS if name not in {model.id for model in file.model})
    models = tuple(Model(id=name, provider="openai") for name in names)
    if not names or provider.id in {known.id for known in file.provider}:
        return file  # the file says itself how OpenAI is reached
    return file.model_copy(
        update={
            "provider": (*file.provider, provider),
            "model": (*file.model, *models),
            "grant": (*file.grant, AccessGrant(api_keys=(KEY_NAME,), models=names)),
        }
    )


def apply_source(store: ControlStore, source: Source) -> None:
    """Apply it to what an earlier run may have left."""
    try:
        apply(store, differences(store, applied_documents(source.file, approved_tools(source))))
    except ConfigurationError as error:
        remedy = f"{error.remedy} Or begin anew with --fresh."
        raise ConfigurationError(error.where, error.problem, remedy) from error


def _provision(options: Options, clients: Clients, compiled: Compiled) -> Resources:
    snapshot = compiled.snapshot
    background = [plugin.name for plugin in snapshot.plugins.values() if plugin.in_background]
    secrets = provider_secrets(options)
    resources = provision(clients, snapshot.deployment, plugins=background, secrets=secrets)
    invent_secrets(clients, plugins_secrets(snapshot))
    return resources


def plugins_secrets(snapshot: Snapshot) -> set[str]:
    """The names of all that plugins have, those of their links included."""
    plugins = snapshot.plugins.values()
    links = {link_secret(snapshot.deployment, each.name) for each in plugins if each.asks_humans}
    return links.union(name for each in plugins for name in each.secrets.values())


def provider_secrets(options: Options) -> dict[str, str]:
    """Providers' keys that the operator has brought, by the secrets' names."""
    return {OPENAI_KEY_NAME: options.openai_api_key} if options.openai_api_key else {}


def invent_secrets(clients: Clients, names: Iterable[str]) -> None:
    """Plugins' secrets that nobody has stored get a random value, in the form of a webhook's signing key."""
    store = SecretsManager(clients)
    for name in sorted(names):
        try:
            store.get(name)
        except ConfigurationError:
            store_secret(clients, name, "whsec_" + base64.b64encode(os.urandom(32)).decode())


def models_of_key(store: ControlStore, source: Source) -> tuple[str, ...]:
    """What the local key may use."""
    return Access(Directory(store)).models(Principal(source.file.organisation[0].id, KEY_NAME))


def local_key(options: Options, store: ControlStore, source: Source) -> str:
    """The local key's secret: the one of the last run, if its state was kept."""
    keys = ApiKeys(store)
    known = next((key for key in keys.list() if key.name == KEY_NAME), None)
    if known is not None and options.api_key.is_file():
        secret = options.api_key.read_text(encoding="utf-8").strip()
        if fingerprint(secret) == known.fingerprint and known.state(time.time()) == "active":
            return secret
    now_s = int(time.time())
    owner = KeyOwner(source.file.organisation[0].id)
    secret = keys.create(KEY_NAME, owner, now_s) if known is None else keys.rotate(KEY_NAME, now_s)
    write_private(options.api_key, secret)
    return secret
