from __future__ import annotations

import json

from anthropic.types import ModelInfo

from penstock.dialects.anthropic.models import list_models, show_model
from penstock.dialects.dialect import ListedModel

MODELS = (ListedModel("claude-opus-4-6", 1762430000, "anthropic"), ListedModel("org/local", 0, "vllm"))


def test_a_list_of_models_is_one_page_as_anthropic_sends_it() -> None:
    status, headers, body = list_models(MODELS)
    listed = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert [ModelInfo.model_validate(entry).id for entry in listed["data"]] == [
        "claude-opus-4-6",
        "org/local",
    ]
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (
        False,
        "claude-opus-4-6",
        "org/local",
    )


def test_a_key_without_models_gets_an_empty_page() -> None:
    assert json.loads(list_models(()).body) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }


def test_one_model_is_its_entry_in_the_list() -> None:
    assert json.loads(show_model(MODELS[1]).body) == {
        "type": "model",
        "id": "org/local",
        "display_name": "org/local",
        "created_at": "1970-01-01T00:00:00Z",
        "lifecycle": "active",
    }
