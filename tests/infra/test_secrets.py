from __future__ import annotations

from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template


def test_each_secret_that_gateway_toml_names_is_made_without_a_value_in_the_template(
    template: Template,
) -> None:
    secrets = template.named("SecretsManager::Secret", "Name")
    assert set(secrets) == {"stacktest/evidence-key", "stacktest/delivery-key", "stacktest/signing"}
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
    assert set(made) == {*digests, "vendors/openai", "vendors/mistral"}
