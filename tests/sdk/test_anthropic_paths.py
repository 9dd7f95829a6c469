"""The same fields as chat completions have, so that a plugin meets both with one grant."""

from __future__ import annotations

from penstock.sdk.anthropic_paths import MESSAGES, PATHS
from penstock.sdk.fields import CHAT, CONTENT_FIELDS, FIELDS


def test_messages_carry_every_field_that_chat_completions_carry() -> None:
    assert {name for name, entry in FIELDS.items() if CHAT in entry.paths} == set(PATHS)
    assert all(FIELDS[name].paths[MESSAGES] == paths for name, paths in PATHS.items())


def test_a_path_is_in_one_field_of_a_body_only() -> None:
    for part in ("request.", "response."):
        paths = [path for name in PATHS if name.startswith(part) for path in PATHS[name]]
        assert sorted(paths) == sorted(set(paths))


def test_only_fields_of_content_have_paths_here() -> None:
    assert set(PATHS) <= CONTENT_FIELDS
