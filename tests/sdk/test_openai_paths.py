"""The same fields as chat completions have, so that a plugin meets both with one grant."""

from __future__ import annotations

import pytest

from penstock.sdk.fields import CHAT, CONTENT_FIELDS, FIELDS
from penstock.sdk.openai_paths import ECHOED, EMBEDDINGS, EMBEDDINGS_PATHS, RESPONSES, RESPONSES_PATHS

BOTH = pytest.mark.parametrize(
    ("surface", "paths"), [(RESPONSES, RESPONSES_PATHS), (EMBEDDINGS, EMBEDDINGS_PATHS)]
)


def test_responses_carry_every_field_that_chat_completions_carry() -> None:
    assert {name for name, entry in FIELDS.items() if CHAT in entry.paths} == set(RESPONSES_PATHS)


@BOTH
def test_the_table_of_fields_has_these_paths(surface: str, paths: dict[str, tuple[str, ...]]) -> None:
    assert all(FIELDS[name].paths[surface] == listed for name, listed in paths.items())
    assert set(paths) <= CONTENT_FIELDS


@BOTH
def test_a_path_is_in_one_field_of_a_body_only(surface: str, paths: dict[str, tuple[str, ...]]) -> None:
    del surface
    for part in ("request.", "response."):
        listed = [path for name in paths if name.startswith(part) for path in paths[name]]
        assert sorted(listed) == sorted(set(listed))


def test_what_an_answer_repeats_of_its_request_is_text_of_the_answer_unless_it_is_the_requests() -> None:
    texts = RESPONSES_PATHS["response.text"]
    assert all(any(path.startswith(name) for path in texts) for name in ECHOED)
