from __future__ import annotations

from penstock.dialects.field_docs import field_tables
from penstock.sdk.fields import FIELDS


def test_every_field_and_every_path_of_the_code_is_in_the_docs() -> None:
    docs = field_tables()
    for entry in FIELDS.values():
        assert f"| `{entry.name}` | {entry.summary} |" in docs
        for surface, paths in entry.paths.items():
            assert f"## Where they are: `{surface}`\n" in docs
            for path in paths:
                assert f"`{path}`".replace("|", "\\|") in docs


def test_what_stands_outside_of_every_field_is_in_the_docs() -> None:
    docs = field_tables()
    for path in (
        "messages[*].content[*].image_url.url",
        "choices[*].finish_reason",
        "prompt_logprobs[*].*.decoded_token",
        "content[type=redacted_thinking].data",
    ):
        assert f"`{path}`" in docs


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    cells = 0
    for line in field_tables().splitlines():
        found = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not cells or not found or found == cells
        cells = found
