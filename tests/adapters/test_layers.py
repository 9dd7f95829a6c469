from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest
from moto import mock_aws

from penstock.adapters.clients import Endpoint
from penstock.adapters.layers import LambdaLayers, Layers, MemoryLayers, sha256_of
from penstock.errors import ConfigurationError, StorageError


def body(text: str = "1") -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr(zipfile.ZipInfo("python/penstock_plugins/guard/guard.py"), text)
    return sink.getvalue()


@pytest.fixture(params=["moto", "memory"])
def layers(request: pytest.FixtureRequest) -> Iterator[Layers]:
    if request.param == "memory":
        yield MemoryLayers()
        return
    with mock_aws():
        yield LambdaLayers(Endpoint("eu-central-1", None, "testing", "testing"))


def test_a_layer_s_first_version_is_one_and_each_further_one_more(layers: Layers) -> None:
    first, second = (layers.publish("penstock-plugin-guard", body(text), "guard 1.0.0") for text in "ab")
    assert (first.number, second.number) == (1, 2)
    assert first.arn == "arn:aws:lambda:eu-central-1:123456789012:layer:penstock-plugin-guard:1"
    assert second.arn.endswith(":2")
    assert layers.publish("other", body(), "").number == 1


@mock_aws
def test_what_is_published_says_for_which_python_and_processor_it_is() -> None:
    import boto3  # noqa: PLC0415 - as an independent reader

    LambdaLayers(Endpoint("eu-central-1", None, "testing", "testing")).publish("guard", body(), "d" * 300)
    found = boto3.client("lambda", "eu-central-1").get_layer_version(LayerName="guard", VersionNumber=1)
    assert found["CompatibleRuntimes"] == ["python3.13"]
    assert found["CompatibleArchitectures"] == ["arm64"]
    assert found["Description"] == "d" * 256
    assert found["Content"]["CodeSha256"] == sha256_of(body())


class FakeClient:
    """Lambda, as it refuses or garbles."""

    def __init__(self, code: str | None = None) -> None:
        self.code = code

    def publish_layer_version(self, **_given: object) -> dict[str, object]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - only here

        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "arn:secret"}}, "PublishLayerVersion")
        return {"Content": {"CodeSha256": "other"}, "LayerVersionArn": "a", "Version": 1}


def refusal(monkeypatch: pytest.MonkeyPatch, code: str | None, kind: type[Exception]) -> str:
    monkeypatch.setattr(LambdaLayers, "_client", lambda _: FakeClient(code))
    with pytest.raises(kind) as caught:
        LambdaLayers().publish("guard", body(), "")
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("AccessDeniedException", "They need lambda:PublishLayerVersion"),
        ("CodeStorageExceededException", "raise the quota"),
        ("InvalidParameterValueException", "under 250 MB"),
        ("RequestEntityTooLargeException", "50 MB are the most"),
    ],
)
def test_what_an_operator_can_mend_is_said_in_our_words(
    monkeypatch: pytest.MonkeyPatch, code: str, remedy: str
) -> None:
    said = refusal(monkeypatch, code, ConfigurationError)
    assert remedy in said
    assert "arn:secret" not in said


def test_an_outage_is_a_failure_of_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did not succeed" in refusal(monkeypatch, "ServiceException", StorageError)


def test_what_was_stored_must_be_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "is not what was sent" in refusal(monkeypatch, None, ConfigurationError)
