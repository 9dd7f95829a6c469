"""The tree of errors: drawn as it is, each with a code and a status, and no message that tells too much."""

from __future__ import annotations

import inspect

import pytest

from penstock import errors
from penstock.errors import (
    ConfigurationError,
    FailureClass,
    FieldNotGrantedError,
    PenstockError,
    PluginError,
    RequestError,
    UpstreamError,
    UpstreamTimeoutError,
)

TREE = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, PenstockError)]


def test_the_drawing_shows_every_branch_of_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for kind in TREE:
        if kind is PenstockError or kind.__base__ is PenstockError:
            assert kind.__name__ in drawn, f"{kind.__name__} is not drawn"


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_a_code_and_a_status_of_failure(kind: type[PenstockError]) -> None:
    assert kind.code.isidentifier()
    assert 400 <= kind.status <= 599


def test_a_refusal_has_a_code_of_its_own_and_leaves_the_class_alone() -> None:
    error = RequestError("No.", code="model_not_found", status=404)
    assert (error.code, error.status, str(error)) == ("model_not_found", 404, "No.")
    assert (RequestError("No.").code, RequestError("No.").status) == ("invalid_request_body", 400)
    large = RequestError.too_large("The body", 10)
    assert (large.code, large.status, str(large)) == (
        "payload_too_large",
        413,
        "The body is larger than 10 bytes.",
    )


def test_an_upstreams_failure_says_how_it_failed() -> None:
    assert UpstreamError("Gone.").outcome == "unreachable"
    assert UpstreamError("Gone.", outcome="cut").outcome == "cut"
    late = UpstreamTimeoutError("Late.")
    assert (late.outcome, late.status, late.code) == ("timeout", 504, "upstream_timeout")


def test_a_plugins_failure_has_its_class_and_a_refused_field_its_name() -> None:
    assert PluginError(FailureClass.THROTTLED, "busy").failure == "throttled"
    refused = FieldNotGrantedError("request.model")
    assert (refused.failure, refused.field, str(refused)) == (
        FailureClass.CONTRACT,
        "request.model",
        "request.model is not granted",
    )


def test_a_configuration_error_says_where_what_and_the_remedy() -> None:
    error = ConfigurationError("gateway.toml", "key `x` is not known.", "Did you mean `y`?")
    assert str(error) == "gateway.toml: key `x` is not known. Did you mean `y`?"
    assert str(ConfigurationError("gateway.toml", "is empty.")) == "gateway.toml: is empty."


def test_the_classes_of_failure_are_those_of_the_evidence() -> None:
    words = {
        "exception",
        "timeout",
        "contract",
        "import",
        "unavailable",
        "throttled",
        "denied",
        "circuit_open",
    }
    assert {str(failure) for failure in FailureClass} == words
