"""The functions of a synthesised stack on this machine: `penstock dev --stack cdk.out`.

    cloud assembly → code and layers unpacked → resources and configuration → a role for each function

What runs is what `cdk deploy` would upload, with the environment of the template and temporary credentials of
the template's role, and is invoked by its aliases. What differs from AWS: paths lie in the gateway's folder,
compiled modules are this machine's (`unpacking`), AWS is moto, no function is in a network, and nobody
holds a role to its policies.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from penstock.adapters.clients import Clients, Endpoint
from penstock.adapters.control import DynamoControlStore
from penstock.adapters.provision import create_bucket, provision
from penstock.adapters.resources import Resources
from penstock.adapters.roles import RoleCredentials, assume
from penstock.configuration.compile import compile_file
from penstock.configuration.lock import local_layers
from penstock.configuration.reading import chosen_file
from penstock.configuration.settings import EGRESS_ALIAS
from penstock.configuration.snapshot import Snapshot
from penstock.dev.assembly import AGAIN, CloudAssembly, StackFunction
from penstock.dev.environments import REGION, Function
from penstock.dev.mail import take_mail
from penstock.dev.options import Options
from penstock.dev.preparation import (
    ECHO_ADDRESS,
    Prepared,
    apply_source,
    invent_secrets,
    local_key,
    models_of_key,
    plugins_secrets,
    provider_secrets,
    read_source,
)
from penstock.dev.unpacking import bare_python, is_native, unpack
from penstock.dev.workflows import create_machines
from penstock.errors import ConfigurationError

TASK: Final = "/var/task"
OPT: Final = "/opt"
SNAPSHOT: Final = "snapshot.json"
WRAPPER: Final = "AWS_LAMBDA_EXEC_WRAPPER"
# What Lambda gives to a wrapper after the interpreter: its own bootstrap, which ours does not use.
BOOTSTRAP: Final = "/var/runtime/bootstrap.py"
# Environments of a function that callers do not wait for.
MAXIMUM: Final = 2
UNWALLED: Final = "no network holds plugins here: ctx.http sends as deployed, past it nothing stops them"

Address = Callable[[str], str]


def prepare_stack(
    folder: Path,
    options: Options,
    connect: Callable[[], Clients],
    echo_url: str,
    *,
    through: Address = lambda url: url,
    places: Mapping[bytes, bytes] = MappingProxyType({}),
) -> Prepared:
    """Do what `prepare` does, with the functions of the cloud assembly in `folder`.

    `through`: given AWS's address, that by which the functions and the pollers of their queues call it.
    `places`: what the snapshot says → what it is to say here, as where a host is.
    Raises ConfigurationError for what cannot run here.
    """
    assembly = CloudAssembly(folder, local_layers(chosen_file(options.configuration)))
    functions = assembly.functions()
    source, address = read_source(options, echo_url), echo_url.removeprefix("http://").encode()
    deployed = _snapshot(functions).replace(ECHO_ADDRESS, address)
    raw = _placed(deployed, places)
    snapshot = _decoded(raw, folder)
    clients = connect()
    resources = _provision(options, clients, snapshot, assembly)
    store = DynamoControlStore(clients, resources.control_table)
    apply_source(store, source)
    create_machines(clients, assembly.machines())
    url = through(clients.sts.meta.endpoint_url)
    roles = {function.name: assume(clients, function.role, function.name) for function in functions}
    unpacked = Unpacked(options.folder.resolve() / "stack", {SNAPSHOT: raw})
    prefix = f"{snapshot.deployment}-"
    return Prepared(
        resources=resources,
        environment={},
        api_key=local_key(options, store, source),
        models=models_of_key(store, source),
        functions=tuple(
            runnable(
                function,
                unpacked,
                prefix,
                options,
                {"AWS_ENDPOINT_URL": url, **roles[function.name].environment()},
            )
            for function in functions
        ),
        called=snapshot.called,
        pollers={name.removeprefix(prefix): _clients(url, role) for name, role in roles.items()},
        notes=(
            *_notes(folder, functions[0], unpacked.replaced, compile_file(source).raw == deployed),
            *take_mail(clients, snapshot),
            *([UNWALLED] if any(EGRESS_ALIAS in function.variables for function in functions) else []),
        ),
    )


class Unpacked:
    """Folders of what functions consist of, the same ones for the same assets; and a Python for them."""

    def __init__(self, home: Path, changed: Mapping[str, bytes]) -> None:
        self._home = home
        self._changed = changed
        self.replaced: set[str] = set()
        self.python = bare_python(home)

    def task(self, function: StackFunction) -> Path:
        return self._unpacked([function.code], function, self._changed)

    def opt(self, function: StackFunction) -> Path:
        return self._unpacked(function.layers, function, {})

    def _unpacked(
        self, folders: Iterable[Path], function: StackFunction, changed: Mapping[str, bytes]
    ) -> Path:
        where, replaced = unpack(list(folders), self._home, changed, native=is_native(function))
        self.replaced |= set(replaced)
        return where


def runnable(
    function: StackFunction, unpacked: Unpacked, prefix: str, options: Options, also: Mapping[str, str]
) -> Function:
    """As Lambda would run it, and as the local gateway knows it: without the deployment in its name."""
    name = function.name.removeprefix(prefix)
    task, opt = unpacked.task(function), unpacked.opt(function)
    variables = {key: _moved(value, task, opt) for key, value in function.variables.items()}
    wrapper = variables.get(WRAPPER)
    is_gateway, is_waited_for = name == "gateway", name == "recorder" or bool(function.aliases)
    return Function(
        name=name,
        handler=function.handler,
        # Plain http to this machine is refused in AWS, and the echo upstream has nothing else.
        environment={
            "AWS_LAMBDA_FUNCTION_NAME": function.name,
            "PENSTOCK_LOCAL": "1",
            "PENSTOCK_SWEEP_AGE_S": str(options.sweep_age_s),
            "PYTHONPATH": str(task),
            **variables,
            **also,
        },
        timeout_s=function.timeout_s,
        warm=options.warm if is_gateway else int(is_waited_for),
        maximum=options.maximum if is_gateway else MAXIMUM,
        folder=task,
        streams=wrapper is not None,
        command=_command(unpacked.python, function.handler, wrapper),
        aliases=function.aliases,
    )


def _command(python: Path, handler: str, wrapper: str | None) -> tuple[str, ...]:
    """As Lambda starts it: the wrapper around the interpreter, else the runtime that the asset brings."""
    return (wrapper, str(python), BOOTSTRAP) if wrapper else (str(python), "-m", "awslambdaric", handler)


def _moved(text: str, task: Path, opt: Path) -> str:
    return text.replace(TASK, str(task)).replace(f"{OPT}/", f"{opt}/")


def _placed(raw: bytes, places: Mapping[bytes, bytes]) -> bytes:
    for said, here in places.items():
        raw = raw.replace(said, here)
    return raw


def _snapshot(functions: Iterable[StackFunction]) -> bytes:
    """The compiled configuration that is in the gateway's code."""
    path = next(iter(functions)).code / SNAPSHOT
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(str(path), "cannot be read.", AGAIN) from error


def _decoded(raw: bytes, folder: Path) -> Snapshot:
    try:
        return Snapshot.decode(raw, f"the snapshot in {folder}")
    except ConfigurationError as error:  # of another version of Penstock
        raise ConfigurationError(error.where, error.problem, AGAIN) from error


def _provision(options: Options, clients: Clients, snapshot: Snapshot, assembly: CloudAssembly) -> Resources:
    """The data stack's resources: those of the local gateway, and buckets by their names in AWS."""
    background = [plugin.name for plugin in snapshot.plugins.values() if plugin.in_background]
    made = provision(clients, snapshot.deployment, plugins=background, secrets=provider_secrets(options))
    for bucket in assembly.buckets():
        create_bucket(clients, bucket)
    invent_secrets(clients, plugins_secrets(snapshot))
    return replace(made, evidence_bucket=assembly.bucket())


def _clients(url: str, role: RoleCredentials) -> Clients:
    """In whose name Lambda polls a function's queue."""
    return Clients(Endpoint(REGION, url, role.access_key_id, role.secret_access_key, role.session_token))


def _notes(folder: Path, function: StackFunction, replaced: set[str], current: bool) -> tuple[str, ...]:
    here = f"{platform.machine()}, Python {platform.python_version()}"
    wheels = (
        f"compiled for {function.architecture}, {function.runtime}; here ({here}) these stand in for the "
        f"asset's own: {', '.join(sorted(replaced))}"
        if replaced
        else "each file as it would be uploaded"
    )
    notes = (
        f"the functions are those of {folder}: {wheels}",
        "each has temporary credentials of its role in the template; its policies are not enforced here",
    )
    stale = (
        f"{folder} was made of another gateway.toml, or of other plugins: run `make synth` to have today's"
    )
    return notes if current else (*notes, stale)
