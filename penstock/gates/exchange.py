"""What one request is to the gates: its bodies as fields, what travels beside them, and their digests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from penstock.content import Content
from penstock.errors import FailureClass, PluginError
from penstock.evidence.digests import Digester
from penstock.evidence.record import Changed, Saw
from penstock.sdk import fields
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, SpanEdit
from penstock.sdk.views import WRITE_ONLY, Projection, TextValues

REPLACED = "response (replaced)"
_IN_BODY = frozenset({"request.metadata", "request.parameters"})


@dataclass(slots=True)
class Exchange:
    """One request under way. Gates change it only by whole, checked decisions."""

    request_id: str
    facts: Mapping[str, str | None]
    """Scope dimension → name: organisation, team, user, api_key, tenant, model, dialect, route."""
    identity: Mapping[str, Any]
    request: Content
    digester: Digester
    request_headers: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    response: Content | None = None
    status: int | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    _seen: dict[tuple[str, ...], Saw] = field(default_factory=dict)
    _digests: dict[str, str | None] = field(default_factory=dict)

    def projected(self, reads: Sequence[str], writes: frozenset[str]) -> Projection:
        """The granted fields and no other. What may only be written is there, unreadable."""
        values = {name: self._value(name) for name in reads}
        for name in writes.difference(values):
            values[name] = WRITE_ONLY
        return Projection(values)

    def saw(self, reads: tuple[str, ...]) -> Saw:
        """What a placement that reads `reads` is handed, as the evidence says it."""
        known = self._seen.get(reads)
        if known is None:
            known = self._seen[reads] = self._count(reads)
        return known

    def applied(self, edits: Sequence[Edit], *, commit: bool) -> list[Changed]:
        """Apply all of `edits`, or with `commit=False` only say what they would change.

        Raises PluginError (`contract`) when one does not fit; then nothing has changed.
        """
        edits = [edit for edit in edits if edit]  # a pattern that found nothing edits nothing
        if not edits:
            return []
        after = replace(
            self,
            request_headers=dict(self.request_headers),
            tags=dict(self.tags),
            response_headers=dict(self.response_headers),
            notes=dict(self.notes),
            _seen={},
            _digests={},
        )
        for name, group in groupby(sorted(edits, key=lambda e: e.field), key=lambda e: e.field):
            after._edit(name, list(group))
        changed = [
            change for change in (self._change(after, name, edits) for name in _names(edits)) if change
        ]
        if commit and changed:
            self._become(after)
        return changed

    def respond(self, content: Content, *, commit: bool) -> list[Changed]:
        """Put `content` in the place of the response."""
        before, old = self.digest("response.text"), self.response
        self.response = content
        self._forget()
        after = self.digest("response.text")
        if not commit:
            self.response = old
            self._forget()
        return [Changed(REPLACED, 1, before, after)]

    def dropped(self, content: Content, part: str) -> None:
        """Take `content`, from which unseen parts were removed, as the `part`: request or response."""
        if part == "request":
            self.request = content
        else:
            self.response = content
        self._forget()

    def digest(self, name: str) -> str | None:
        """The digest of one field's present value; None when it is empty or not there."""
        if name not in self._digests:
            self._digests[name] = self._digest(name)
        return self._digests[name]

    def part(self, name: str) -> Content | None:
        """The body that carries the field `name`."""
        return self.request if name.startswith("request.") else self.response

    def _value(self, name: str) -> Any:
        known = _VALUES.get(name)
        if known is not None:
            return known(self)
        if ".headers." in name:
            headers = self.request_headers if name.startswith("request.") else self.response_headers
            return headers.get(name.split(".headers.", 1)[1])
        content = self.part(name)
        if name in _IN_BODY:
            return content.members(name) if content else {}
        return content.texts(name) if content else TextValues(())

    def _count(self, reads: tuple[str, ...]) -> Saw:
        texts = [text for name in reads if name in fields.CONTENT_FIELDS for text in self._strings(name)]
        digests = [digest for digest in map(self.digest, reads) if digest]
        whole = self.digester.texts("saw", digests) if digests else None
        return Saw(list(reads), len(texts), sum(map(len, texts)), whole)

    def _strings(self, name: str) -> tuple[str, ...]:
        content = self.part(name)
        return content.texts(name).texts if content else ()

    def _digest(self, name: str) -> str | None:
        if name in fields.CONTENT_FIELDS:
            texts = self._strings(name)
            if name in _IN_BODY:
                texts = (*texts, repr(self._value(name)))
            return self.digester.texts(name, texts) if texts else None
        if ".headers." in name or name in {"request.tags", "response.metadata"}:
            value = self._value(name)
            return self.digester.text(name, repr(value)) if value else None
        return None

    def _edit(self, name: str, edits: list[Edit]) -> None:
        beside = self._beside(name)
        if beside is None:
            self._edit_body(name, edits)
            return
        for edit in edits:
            if not isinstance(edit, MemberEdit):
                raise _unfit()
            if edit.value is REMOVED:
                beside.pop(edit.name, None)
            else:
                beside[edit.name] = str(edit.value)

    def _edit_body(self, name: str, edits: list[Edit]) -> None:
        content = self.part(name)
        if content is None:
            raise _unfit()
        try:
            edited = content.edited(edits)
        except ValueError:
            raise _unfit() from None
        if name.startswith("request."):
            self.request = edited
        else:
            self.response = edited

    def _beside(self, name: str) -> dict[str, str] | None:
        """The mapping beside the bodies that holds `name`; None for a field of a body."""
        if name.startswith("request.headers."):
            return self.request_headers
        if name.startswith("response.headers."):
            return self.response_headers
        return {"request.tags": self.tags, "response.metadata": self.notes}.get(name)

    def _change(self, after: Exchange, name: str, edits: Sequence[Edit]) -> Changed | None:
        before_digest, after_digest = self.digest(name), after.digest(name)
        if before_digest == after_digest:
            return None
        count = sum(_size(edit) for edit in edits if edit.field == name)
        return Changed(name, count, before_digest, after_digest)

    def _become(self, other: Exchange) -> None:
        self.request, self.response = other.request, other.response
        self.request_headers, self.tags = other.request_headers, other.tags
        self.response_headers, self.notes = other.response_headers, other.notes
        self._forget()

    def _forget(self) -> None:
        self._seen.clear()
        self._digests.clear()


_VALUES: Mapping[str, Callable[[Exchange], Any]] = {
    "identity": lambda x: x.identity,
    "decisions": lambda x: tuple(x.decisions),
    "request.model": lambda x: x.facts.get("model"),
    "request.route": lambda x: x.facts.get("route"),
    "request.mcp.method": lambda x: x.facts.get("mcp_method"),
    "request.mcp.tool": lambda x: x.facts.get("mcp_tool"),
    "request.tags": lambda x: x.tags,
    "response.status": lambda x: x.status,
    "response.usage": lambda x: x.usage,
    "response.metadata": lambda x: x.notes,
}


def _names(edits: Sequence[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.field for edit in edits))


def _size(edit: Edit) -> int:
    if isinstance(edit, SpanEdit):
        return sum(len(spans) for _, spans in edit.spans)
    return 1 if isinstance(edit, MemberEdit | AddText) else len(edit.texts)


def _unfit() -> PluginError:
    return PluginError(FailureClass.CONTRACT, "an edit does not fit what it edits")
