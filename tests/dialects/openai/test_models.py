from __future__ import annotations

import json

from openai.types import Model

from penstock.dialects.dialect import ListedModel
from penstock.dialects.openai.models import list_models, show_model

MODELS = (ListedModel("gpt-4o", 1762430000, "openai"), ListedModel("org/local", 0, "vllm"))


def test_a_list_of_models_is_as_openai_sends_it() -> None:
    status, headers, body = list_models(MODELS)
    listed = json.loads(body)
    assert (status, headers["content-type"], listed["object"]) == (200, "application/json", "list")
    assert [Model.model_validate(entry).id for entry in listed["data"]] == ["gpt-4o", "org/local"]


def test_one_model_is_its_entry_in_the_list() -> None:
    assert json.loads(show_model(MODELS[1]).body) == {
        "id": "org/local",
        "object": "model",
        "created": 0,
        "owned_by": "vllm",
    }
