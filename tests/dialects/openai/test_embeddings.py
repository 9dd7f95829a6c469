from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.embedding_create_params import EmbeddingCreateParams

from penstock.dialects.openai import embeddings
from penstock.dialects.openai.embeddings import EmbeddingsRequest, EmbeddingsResponse, OpenAIEmbeddings
from penstock.errors import PluginError, RequestError, UpstreamError
from penstock.sdk.edits import REMOVED, AddText, MemberEdit, Replace, SpanEdit
from penstock.sdk.openai_paths import EMBEDDINGS
from tests.dialects.type_samples import samples

USER = "request.messages.user"
PARAMETERS = "request.parameters"
DIALECT = OpenAIEmbeddings()


def request(given: Any = "hi", **members: Any) -> EmbeddingsRequest:
    return DIALECT.decode_request(json.dumps({"model": "m", "input": given, **members}).encode())


def response(*vectors: Any, **members: Any) -> EmbeddingsResponse:
    data = [{"object": "embedding", "index": i, "embedding": each} for i, each in enumerate(vectors)]
    body = {"object": "list", "data": data, "model": "m", **members}
    return DIALECT.decode_response(json.dumps(body).encode())


@pytest.mark.parametrize(("given", "texts"), [("hi", ("hi",)), (["a", "b"], ("a", "b")), ([], ())])
def test_every_text_is_the_users(given: Any, texts: tuple[str, ...]) -> None:
    content = request(given)
    assert (content.texts(USER).texts, content.unseen, content.surface) == (texts, (), EMBEDDINGS)


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ([1, 2], [("input",)]),
        ([[1, 2], [3]], [("input", 0), ("input", 1)]),
        (["a", [3]], [("input", 1)]),
        ([[]], [("input", 0)]),
    ],
)
def test_tokens_in_place_of_a_text_are_opaque_and_cannot_be_taken_out(given: Any, places: Any) -> None:
    content = request(given)
    assert [(part.kind, part.at) for part in content.unseen] == [("opaque", at) for at in places]
    with pytest.raises(ValueError, match="cannot go on"):
        content.without(content.unseen)


def test_an_edit_changes_the_text_and_nothing_else() -> None:
    content = EmbeddingsRequest.decode(b'{ "input" : ["to jane", "x"], "model":"m", "dimensions": 12.0 }')
    edited = content.edited([SpanEdit(USER, ((0, (Replace(3, 7, "<name>"),)),))])
    assert edited.encoded() == b'{ "input" : ["to <name>", "x"], "model":"m", "dimensions": 12.0 }'
    assert content.edited([]).encoded() == content.encoded()


def test_parameters_are_all_but_the_model_and_the_input() -> None:
    content = request(user="u-1", dimensions=3)
    assert content.members(PARAMETERS) == {"user": "u-1", "dimensions": 3}
    assert content.texts(PARAMETERS).texts == ("u-1",)
    removed = content.edited([MemberEdit(PARAMETERS, "user", REMOVED)])
    assert "user" not in removed.tree
    assert "user" not in content.without_field(PARAMETERS).tree
    for name in ("model", "input", "INPUT"):
        with pytest.raises(ValueError, match="no parameter"):
            content.edited([MemberEdit(PARAMETERS, name, "x")])


def test_no_message_can_be_added_and_nothing_replaced() -> None:
    with pytest.raises(ValueError, match="no message"):
        request().edited([AddText(USER, "x")])
    with pytest.raises(ValueError, match="not replaced"):
        request().replaced("x")
    with pytest.raises(ValueError, match="vector"):
        response().replaced("x")
    with pytest.raises(ValueError, match="no members"):
        response().members("request.metadata")
    assert request().members("request.metadata") == {}


def test_only_the_model_differs_for_the_upstream() -> None:
    body = b'{"model": "m", "input":"\\u00e9"}'
    content = EmbeddingsRequest.decode(body)
    assert content.with_model("m", asks_usage=True) == body
    assert content.with_model("other") == b'{"model": "other", "input":"\\u00e9"}'
    assert (content.model, content.other_models) == ("m", ())
    assert (request(stream=True).streams, content.streams_usage) == (False, False)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ([], "a JSON object"),
        ({"input": "x"}, "the name of a model"),
        ({"model": "m", "MODEL": "x", "input": "x"}, "another spelling"),
        ({"model": "m"}, "input must be"),
        ({"model": "m", "input": None}, "input must be"),
        ({"model": "m", "input": {"a": 1}}, "input must be"),
        ({"model": "m", "input": [{"type": "text", "text": "canary"}]}, "input must be"),
        ({"model": "m", "input": [[1], ["canary"]]}, "input must be"),
        ({"model": "m", "input": [1, "canary"]}, "input must be"),
        ({"model": "m", "input": "x", "user": {}}, "user must be text"),
    ],
)
def test_what_is_no_such_request_is_refused_in_words(body: Any, words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        EmbeddingsRequest.decode(json.dumps(body).encode())
    assert "canary" not in str(caught.value)


def test_a_vector_is_no_text_in_numbers_or_in_base64() -> None:
    packed = base64.b64encode(struct.pack("<3f", 0.25, -1.0, 1e-3)).decode()
    content = response([0.25, -1.0, 12345678901234567], packed)
    assert (content.unseen, content.present) == ((), frozenset())


def test_what_is_no_vector_is_seen_to_be_none() -> None:
    kinds = [(part.kind, part.path) for part in response("to jane@example.com").unseen]
    assert kinds == [("unlisted", "data[*].embedding")]
    with pytest.raises(ValueError, match="cannot go on"):
        response("to jane@example.com").without(response("to jane@example.com").unseen)


def test_a_refusal_of_the_upstreams_has_words() -> None:
    content = DIALECT.decode_response(
        b'{"error":{"message":"jane","type":"invalid_request_error","code":null}}'
    )
    assert content.texts("response.text").texts == ("jane",)
    assert content.without_field("response.text").encoded().startswith(b'{"error":{"message":""')


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"data":NaN}'])
def test_an_answer_that_is_none_is_the_upstreams_failure(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        DIALECT.decode_response(body)


def test_tokens_are_counted() -> None:
    usage = response(usage={"prompt_tokens": 8, "total_tokens": 8}).usage()
    assert (usage.input_tokens, usage.output_tokens) == (8, 0)
    assert response(usage=None).usage().input_tokens == 0


def test_no_plugin_answers_with_a_vector_and_nothing_is_streamed() -> None:
    with pytest.raises(PluginError, match="no vector"):
        DIALECT.answer("x", request(), "0190", 1)
    for refused in (DIALECT.streaming, DIALECT.collecting, DIALECT.as_stream):
        with pytest.raises(RequestError, match="not streamed"):
            refused()


@pytest.mark.parametrize(
    ("kind", "decoded"),
    [(EmbeddingCreateParams, EmbeddingsRequest), (CreateEmbeddingResponse, EmbeddingsResponse)],
)
def test_every_string_of_openais_types_is_listed(kind: Any, decoded: Any) -> None:
    unlisted = {
        part.path
        for tree in samples(kind)
        for part in decoded.decode(json.dumps(tree).encode()).unseen
        if part.kind in {"unlisted", "key"}
    }
    assert unlisted == set()


def test_a_path_stands_in_a_table_once() -> None:
    for table in (list(embeddings.request_table()), list(embeddings.response_table())):
        known = [path for path, _rule in table]
        assert sorted(known) == sorted(set(known))
