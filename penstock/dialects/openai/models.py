"""`GET /v1/models` and `GET /v1/models/{model}` as OpenAI answers them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from penstock.dialects.dialect import ListedModel, Rendered


def list_models(models: Sequence[ListedModel]) -> Rendered:
    """The models in the order given."""
    return _rendered({"object": "list", "data": [_model(model) for model in models]})


def show_model(model: ListedModel) -> Rendered:
    """One model."""
    return _rendered(_model(model))


def _model(model: ListedModel) -> dict[str, object]:
    return {"id": model.name, "object": "model", "created": model.created, "owned_by": model.owned_by}


def _rendered(body: object) -> Rendered:
    return Rendered(200, {"content-type": "application/json"}, json.dumps(body).encode())
