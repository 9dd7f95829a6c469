from __future__ import annotations

from pathlib import Path

import pytest

from infra.chosen import chosen_configuration
from infra.secrets import key_use
from infra.whereabouts import Whereabouts
from penstock.errors import ConfigurationError
from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template


def test_each_secret_that_gateway_toml_names_is_made_without_a_value_in_the_template(
    template: Template,
) -> None:
    secrets = template.named("SecretsManager::Secret", "Name")
    digests = {"stacktest/evidence-key", "stacktest/delivery-key"}
    assert set(secrets) == {*digests, "stacktest/signing", "stacktest/approvals/approval-gate"}
    for secret in secrets.values():
        assert "SecretString" not in secret


def test_a_secret_below_the_operators_prefix_is_theirs_to_make_and_the_gateway_s_to_read(
    assemblies: dict[str, Assembly],
) -> None:
    made = assemblies["small-team"].stack("team-data").named("SecretsManager::Secret", "Name")
    assert set(made) == {"team/evidence-key", "team/delivery-key"}
    source = CONFIGURATIONS["small-team"].read_text()
    assert 'secret = "team/upstreams/openai"' in source


def test_a_secret_that_is_named_by_its_arn_is_not_made_again(assemblies: dict[str, Assembly]) -> None:
    made = assemblies["vendors"].stack("vendors-data").named("SecretsManager::Secret", "Name")
    digests = {"vendors/evidence-key", "vendors/delivery-key"}
    links = "vendors/approvals/approval-gate"
    assert set(made) == {*digests, links, "vendors/openai", "vendors/mistral"}


KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:openai-a1B2c3"
KEYED = f"""
[deployment]
name = "team"

[[deployment.secret_key]]
kms_key = "{KEY}"
secrets = [{{named}}]

[[provider]]
id = "openai"
base_url = "https://api.openai.com/v1"
secret = "{{secret}}"
"""


def keyed(folder: Path, secret: str, *named: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(KEYED.format(secret=secret, named=", ".join(f'"{name}"' for name in named)))
    return path


@pytest.mark.parametrize("secret", [SECRET, "team/upstreams/openai"])
def test_an_operator_s_own_key_is_named_for_secrets_that_exist_already(secret: str, tmp_path: Path) -> None:
    where = Whereabouts("team")
    use = key_use(chosen_configuration(str(keyed(tmp_path, secret, secret))), where)
    assert use.own == {where.secret(secret): KEY}


@pytest.mark.parametrize(
    ("secret", "named", "problem"),
    [
        (SECRET, ["team/upstreams/opanai"], "'team/upstreams/opanai', which nothing in this file reads."),
        ("team/openai", ["team/openai"], "'team/openai', which the stack makes, under a key of its own."),
        (SECRET, [SECRET, SECRET], "which has a key already."),
    ],
)
def test_a_key_for_another_secret_is_refused_with_its_place(
    secret: str, named: list[str], problem: str, tmp_path: Path
) -> None:
    chosen = chosen_configuration(str(keyed(tmp_path, secret, *named)))
    with pytest.raises(ConfigurationError) as caught:
        key_use(chosen, Whereabouts("team"))
    assert "7: deployment.secret_key[1].secrets" in str(caught.value)
    assert problem in str(caught.value)
