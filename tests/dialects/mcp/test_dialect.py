"""What MCP has in common with the other dialects, and what not."""

from __future__ import annotations

import pytest

from penstock.dialects.dialect import Dialect
from penstock.dialects.mcp.dialect import Mcp
from penstock.errors import RequestError

DIALECT: Dialect = Mcp()


def test_it_has_a_name_and_words_for_errors() -> None:
    assert DIALECT.name == "mcp"
    assert DIALECT.render(RequestError("No."), "r").status == 400


@pytest.mark.parametrize("method", ["decode_request", "decode_response", "list_models", "show_model"])
def test_it_has_no_models(method: str) -> None:
    with pytest.raises(RequestError, match="no models"):
        getattr(DIALECT, method)(b"")
