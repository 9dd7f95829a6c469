"""What all stanzas of gateway.toml have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Stanza(BaseModel):
    """An unknown key is refused, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
