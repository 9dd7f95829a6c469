from __future__ import annotations

from tests.infra.template import Assembly, Template


def test_each_secret_that_gateway_toml_names_is_made_without_a_value_in_the_template(
    template: Template,
) -> None:
    secrets = template.named("SecretsManager::Secret", "Name")
    assert set(secrets) == {"stacktest/evidence-key", "stacktest/signing"}
    for secret in secrets.values():
        assert "SecretString" not in secret


def test_a_secret_that_is_named_by_its_arn_is_not_made_again(assemblies: dict[str, Assembly]) -> None:
    made = assemblies["vendors"].stack("vendors-data").named("SecretsManager::Secret", "Name")
    assert set(made) == {"vendors/evidence-key", "vendors/openai", "vendors/mistral"}
