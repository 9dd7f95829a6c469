"""`GET /v1/models` and `GET /v1/models/{model}` as Anthropic answers them: one page, and no more of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from penstock.dialects.dialect import ListedModel, Rendered


def list_models(models: Sequence[ListedModel]) -> Rendered:
    """The models in the order given."""
    data = [_model(model) for model in models]
    ends = {"first_id": models[0].name, "last_id": models[-1].name} if models else {}
    return _rendered({"data": data, "has_more": False, "first_id": None, "last_id": None, **ends})


def show_model(model: ListedModel) -> Rendered:
    """One model."""
    return _rendered(_model(model))


def _model(model: ListedModel) -> dict[str, object]:
    created = datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    known = {"type": "model", "id": model.name, "display_name": model.name, "created_at": created}
    return {**known, "lifecycle": "active"}  # what may be called is not retired


def _rendered(body: object) -> Rendered:
    return Rendered(200, {"content-type": "application/json"}, json.dumps(body).encode())
