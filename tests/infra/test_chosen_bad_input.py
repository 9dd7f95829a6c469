"""What is wrong in gateway.toml is said before any resource is touched: file, line, key, reason, remedy."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.attached import check_count
from infra.chosen import chosen_configuration
from penstock.configuration.lock import NAME
from penstock.errors import ConfigurationError
from tests import tree
from tests.cli.gateways import BACKGROUND, BACKGROUND_SOURCE, BACKGROUND_STANZA
from tests.configuration import files
from tests.configuration.registered import register
from tests.configuration.test_stream_check import MANIFEST, masker
from tests.infra import many

WHOLE = files.STANZA + files.GRANT
BY_NAME = '[[plugin]]\nname = "guard"\nhost = "in_process"\n' + files.GRANT
SECRET = BACKGROUND.replace("hosts =", 'secrets = ["key"]\nhosts =')
GRANTED = BACKGROUND_STANZA.replace("hosts =", 'secrets = ["key"]\nhosts =')


def with_secret(base: Path) -> None:
    files.plugin(base, SECRET, BACKGROUND_SOURCE, name="export", module="export")


def nothing(base: Path) -> None:
    files.plugin(base)


def changed_after_the_review(base: Path) -> None:
    register(base)
    path = base / NAME
    path.write_text(path.read_text().replace("bad word", "good word"))


MASKER = """
[[plugin]]
name = "masker"
path = "masker"
host = "{host}"
config = {{ width = 8 }}
{scope}
[plugin.grant.after_upstream]
reads = [{reads}]
{rest}
"""
TEXT = 'writes = ["response.text"]\neffects = ["transform"]'


def stream(
    host: str = "in_process", reads: str = '"response.text"', rest: str = TEXT, scope: str = ""
) -> str:
    return MASKER.format(host=host, reads=reads, rest=rest, scope=scope)


def masking(base: Path) -> None:
    both = '["response.text", "response.tool_calls"]'
    masker(base, MANIFEST.replace('["response.text"]', both))


Made = Callable[[Path], object]
# What was written; what else is there; line and key; the reason; the remedy.
WRONG: dict[str, tuple[str, Made, str, str, str]] = {
    "an unknown plugin by path": (
        WHOLE.replace('path = "guard"', 'path = "gaurd"'),
        nothing,
        "4: plugin[1].path",
        "there is no plugin.toml in",
        "Is `path` right?",
    ),
    "an unknown plugin by name": (
        BY_NAME.replace('"guard"', '"gaurd"'),
        register,
        "2: plugin[1].name",
        "'gaurd' is neither built in nor in",
        "Did you mean 'guard'?",
    ),
    "a lock that somebody has edited": (
        BY_NAME,
        changed_after_the_review,
        "penstock.lock: guard",
        "`manifest_lines` are not the plugin.toml of `files`",
        "run `penstock plugin register` again",
    ),
    "a setting that a registered plugin does not have": (
        BY_NAME.replace("[plugin.grant", 'config = { wrod = "x" }\n[plugin.grant'),
        register,
        "5: plugin[1].config",
        "'wrod' is no setting of the plugin.",
        "Did you mean 'word'?",
    ),
    "more fields than the manifest asks for": (
        WHOLE.replace("request.messages.user", "request.tools"),
        nothing,
        "8: plugin[1].grant.before_upstream.reads",
        "'request.tools' is more than the manifest asks for.",
        "A grant may only be smaller.",
    ),
    "more effects than the manifest asks for": (
        WHOLE.replace('["block"]', '["block", "respond"]'),
        nothing,
        "9: plugin[1].grant.before_upstream.effects",
        "'respond' is more than the manifest asks for.",
        "A grant may only be smaller.",
    ),
    "more than the manifest of the lock asks for": (
        BY_NAME.replace("request.messages.user", "request.tools"),
        register,
        "6: plugin[1].grant.before_upstream.reads",
        "'request.tools' is more than the manifest asks for.",
        "A grant may only be smaller.",
    ),
    "hosts that the manifest does not name": (
        BACKGROUND_STANZA.replace("audit.example.com:443", "evil.example.com:443"),
        with_secret,
        "6: plugin[1].grant.hosts",
        "'evil.example.com:443' is more than the manifest asks for.",
        'Write hosts = ["audit.example.com:443"] into [plugin.grant].',
    ),
    "a secret without its place": (
        GRANTED,
        with_secret,
        "2: plugin[1].secrets",
        "'key' is not both granted and given a place in Secrets Manager.",
        'Write secrets = { key = "its/name" }, and grant it.',
    ),
    "a provider without its secret": (
        '[[provider]]\nid = "openai"\nbase_url = "https://api.openai.com/v1"\n',
        nothing,
        "1: provider[1].secret",
        "is missing, and auth = 'bearer' needs it.",
        'or write auth = "none".',
    ),
    "a body larger than fits": (
        "[deployment]\nbody_limit_bytes = 5000000\n",
        nothing,
        "2: deployment.body_limit_bytes",
        "less than or equal to 4500000",
        "",
    ),
    "a function that is too small": (
        "[deployment.function]\nmemory_mb = 128\n",
        nothing,
        "2: deployment.function.memory_mb",
        "greater than or equal to 512",
        "",
    ),
    "a name that another deployment's plugin could have": (
        '[deployment]\nname = "a-plugin-b"\n',
        nothing,
        "2: deployment.name",
        "would give resources the names of another deployment's",
        "",
    ),
    "a key that is none": (
        '[deployment]\nnam = "x"\n',
        nothing,
        "2: deployment.nam",
        "is not a key.",
        "Did you mean 'name'?",
    ),
    "a stream whose growing text the guard does not see": (
        stream(reads='"response.tool_calls"', rest=TEXT.replace("response.text", "response.tool_calls")),
        masking,
        "plugin[1].grant.after_upstream",
        "needs a text that grows: read response.reasoning or response.text.",
        'Grant more, or have its manifest declare stream = "buffer".',
    ),
    "a guard in windows that is too far away from the stream": (
        stream(host="function"),
        masking,
        "plugin[1]",
        "a function of its own is too far away to be called for each piece of a stream.",
        'Have its manifest declare stream = "buffer", or write host = "in_process".',
    ),
    "a guard that reads content and cannot act on all doors": (
        WHOLE.replace("request.messages.user", "request.messages.system"),
        nothing,
        "plugin[1].scope",
        "cannot act on",
        "or leave this out: scope.except",
    ),
    "a scope that admits nothing": (
        WHOLE.replace("[plugin.grant", 'scope = { dialect = ["opanai"] }\n[plugin.grant'),
        nothing,
        "plugin[1].scope.dialect",
        "there is no dialect 'opanai'.",
        "Did you mean 'openai'?",
    ),
}


@pytest.mark.parametrize(("text", "made", "place", "reason", "remedy"), WRONG.values(), ids=WRONG.keys())
def test_it_is_answered_with_file_line_key_reason_and_remedy(
    tmp_path: Path, text: str, made: Made, place: str, reason: str, remedy: str
) -> None:
    made(tmp_path)
    (tmp_path / "gateway.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        chosen_configuration(str(tmp_path / "gateway.toml"))
    said = str(caught.value)
    assert str(tmp_path) in said
    assert re.search(rf"{re.escape(place)}[^0-9a-z_]", said), said
    assert reason in said
    assert remedy in said


def test_more_layers_than_fit_are_said_at_the_stanza_that_is_one_too_many(tmp_path: Path) -> None:
    path = many.write(tmp_path, "six", *[many.registered(tmp_path, f"reg-{number}") for number in range(6)])
    chosen = chosen_configuration(str(path))
    with pytest.raises(
        ConfigurationError, match=r"gateway\.toml:\d+: plugin\[6\]: its function would have 6"
    ):
        check_count(chosen.place_of("reg-5"), [], list(chosen.registered))
    assert chosen.place_of("nobody") == str(path)


def test_the_command_ends_with_one_line_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(files.STANZA.replace('path = "guard"', 'path = "gaurd"'))
    variables = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "CDK_CONTEXT_JSON": json.dumps({"config": str(tmp_path / "gateway.toml")}),
        "CDK_OUTDIR": str(tmp_path / "out"),
    }
    asked = [sys.executable, "app.py"]
    done = subprocess.run(asked, cwd=tree.ROOT, env=variables, capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert f"penstock: {tmp_path}/gateway.toml:4: plugin[1].path: there is no plugin.toml" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []
