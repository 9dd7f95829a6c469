"""A body as fields: what a dialect makes of raw JSON, and what the gates work on.

The gates know no dialect and the dialects know no gate; both know this seam. One implementation per
dialect, one in memory for tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from penstock.sdk.edits import Edit
from penstock.sdk.views import TextValues


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something text-bearing that no field carries.

    `kind` is `image`, `audio`, `file`, `video`, `opaque` (sealed data), `unlisted` (at a path that no table
    lists), `key` (the name of a member that is no identifier) or `body` (all of one that no dialect reads).
    `path` is free of content: names that the tables do not know stand as `?`. `at` is where it is in the
    parsed body; it never leaves the process.
    """

    path: str
    kind: str
    at: tuple[str | int, ...]


class Content(Protocol):
    """One request's or response's body. Immutable: an edit gives a new one."""

    @property
    def surface(self) -> str:
        """Dialect and route, as `openai:chat.completions`."""

    @property
    def unseen(self) -> tuple[Unseen, ...]:
        """All that is text-bearing and in no field, in order. Costs as much as there is of it."""

    @property
    def unseen_kinds(self) -> Mapping[str, int]:
        """How many of `unseen` are of each kind; describes none of them."""

    def some_unseen(self, most: int) -> tuple[Unseen, ...]:
        """The first `most` of each kind of `unseen`, in order; describes no others."""

    @property
    def present(self) -> frozenset[str]:
        """The content fields (`fields.CONTENT_FIELDS`) that carry at least one non-empty string."""

    def texts(self, field: str) -> TextValues:
        """The texts of a field, in order; of `request.metadata` and `request.parameters`, their strings."""

    def members(self, field: str) -> Mapping[str, Any]:
        """The members of `request.metadata` or `request.parameters`: parsed JSON, not to be changed."""

    def edited(self, edits: Sequence[Edit]) -> Content:
        """The body with `edits` applied, all or none; each means the body as it is before any of them.

        Raises ValueError when one does not fit, or two claim the same characters.
        """

    def without(self, unseen: Sequence[Unseen]) -> Content:
        """The body without these parts. Raises ValueError when one cannot be taken out."""

    def without_field(self, field: str) -> Content:
        """The body without every string of `field`. Raises ValueError when the dialect cannot."""

    def replaced(self, text: str) -> Content:
        """A response that says `text` instead, in the same shape. Raises ValueError on a request."""

    def encoded(self) -> bytes:
        """The bytes to send: the ones that came, when nothing was edited."""
