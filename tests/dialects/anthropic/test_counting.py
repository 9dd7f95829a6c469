from __future__ import annotations

import json

from anthropic.types import MessageTokensCount

from penstock.dialects.anthropic.counting import AnthropicCount, CountRequest, CountResponse
from penstock.evidence.record import Usage
from penstock.sdk.views import Texts

DIALECT = AnthropicCount()
BODY = b'{"model":"m","messages":[{"role":"user","content":"How many, Jane?"}],"stream":true}'


def test_a_request_for_a_count_passes_the_gates_like_any_other() -> None:
    request = DIALECT.decode_request(BODY)
    assert request.encoded() is BODY
    edit = Texts("request.messages.user", request.texts("request.messages.user").texts).sub("Jane", "<name>")
    edited = request.edited([edit])
    assert edited.encoded() == BODY.replace(b"Jane", b"<name>")
    assert isinstance(edited, CountRequest)
    assert not edited.streams


def test_a_count_is_a_number_that_no_gate_sees_and_costs_nothing() -> None:
    body = b'{ "input_tokens" : 2095 }'
    response = DIALECT.decode_response(body)
    assert (response.present, response.unseen, response.usage()) == (frozenset(), (), Usage())
    assert response.encoded() is body
    assert response.replaced("x") is response


def test_an_upstreams_refusal_to_count_is_a_text_as_any_other() -> None:
    refused = {"type": "error", "error": {"type": "invalid_request_error", "message": "No, Jane."}}
    response = DIALECT.decode_response(json.dumps(refused).encode())
    assert response.texts("response.text").texts == ("No, Jane.",)


def test_what_a_plugin_answers_instead_has_no_tokens_to_count() -> None:
    made = DIALECT.answer("No.", DIALECT.decode_request(BODY), "0190", 0)
    assert isinstance(made, CountResponse)
    assert MessageTokensCount.model_validate_json(made.encoded()).input_tokens == 0
