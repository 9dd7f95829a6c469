"""Wire formats: raw JSON as fields and back, errors in the client's shape. A path chooses the dialect."""

from penstock.dialects.dialect import (
    Dialect,
    ListedModel,
    Match,
    Rendered,
    RequestContent,
    ResponseContent,
    Route,
)
from penstock.dialects.routes import DEFAULT, DIALECTS, ROUTES, dialect_for, import_streams, spoken

__all__ = [
    "DEFAULT",
    "DIALECTS",
    "ROUTES",
    "Dialect",
    "ListedModel",
    "Match",
    "Rendered",
    "RequestContent",
    "ResponseContent",
    "Route",
    "dialect_for",
    "import_streams",
    "spoken",
]
