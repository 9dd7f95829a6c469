"""What one request is to the gates: its bodies as fields, what travels beside them, and their digests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any

from penstock.content import Content
from penstock.errors import FailureClass, PluginError
from penstock.evidence.digests import Digester
from penstock.evidence.record import Changed, Saw
from penstock.gates.started import Started
from penstock.sdk import fields
from penstock.sdk.edits import REMOVED, AddText, Edit, MemberEdit, SpanEdit
from penstock.sdk.views import WRITE_ONLY, Projection, TextValues

# API Gateway carries 10,240 bytes of headers in all (its quotas); notes and others share them.
MAX_HEADER_CHARS = 4_000

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
    started: Started = field(default_factory=Started)
    """What the gate before the upstream has started, and nobody has waited for yet."""
    said: Callable[[], bytes] | None = None
    """The bytes that a repetition of the request has again; None: those of the body, as it came."""
    _came: Content = field(init=False)
    _seen: dict[tuple[str, ...], Saw] = field(default_factory=dict)
    _digests: dict[str, tuple[str | tuple[str, ...], str]] = field(default_factory=dict)
    """Field → what it said when it was last hashed, and the digest, which holds while it says that."""
    _plain: dict[tuple[str, ...], Content] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._came = self.request

    def reference(self, plugin: str) -> str:
        """What `plugin` may call this request by, also when it is repeated. Hashes the body as it came."""
        said = self.said() if self.said is not None else self._came.encoded()
        return self.digester.reference(plugin, self.facts, said)

    def projected(self, reads: Sequence[str], writes: frozenset[str], plugin: str = "") -> Projection:
        """The granted fields and no other. What may only be written is there, unreadable."""
        values = {name: read(self) for name, read in _readers(tuple(reads))}
        if fields.REFERENCE in values:
            values[fields.REFERENCE] = self.reference(plugin)
        if writes:
            for name in writes.difference(values):
                values[name] = WRITE_ONLY
        return Projection(values)

    def is_plain_to(self, reads: tuple[str, ...], content: Content) -> bool:
        """Whether `content` has been found to hold nothing that a guard which reads `reads` cannot see."""
        return self._plain.get(reads) is content

    def remember_plain(self, reads: tuple[str, ...], content: Content) -> None:
        """As `is_plain_to` will say; of the last content that was found so."""
        self._plain[reads] = content

    def beside(self, response: Content) -> Exchange:
        """The same request with another response, for a part of one. What is changed there stays there."""
        return replace(self, response=response, _seen={}, _digests=dict(self._digests))

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
        before, names = self._state(), _names(edits)
        digests = {name: self.digest(name) for name in names}
        changed: list[Changed] = []
        try:
            for name, group in groupby(sorted(edits, key=lambda e: e.field), key=lambda e: e.field):
                self._edit(name, list(group))
            self._bound_headers()
            changed += (
                Changed(name, edit_count(name, edits), digests[name], after)
                for name in names
                if (after := self.digest(name)) != digests[name]
            )
        finally:
            if not (commit and changed):
                self._return_to(before)
        if commit:
            self._seen.clear()
        return changed

    def _bound_headers(self) -> None:
        for headers in (self.request_headers, self.response_headers, self.notes):
            if headers and sum(len(name) + len(value) for name, value in headers.items()) > MAX_HEADER_CHARS:
                raise _unfit()

    def respond(self, content: Content, *, commit: bool) -> list[Changed]:
        """Put `content` in the place of the response."""
        before, old = self.digest("response.text"), self.response
        self.response = content
        after = self.digest("response.text")
        if commit:
            self._seen.clear()
        else:
            self.response = old
        return [Changed(REPLACED, 1, before, after)]

    def dropped(self, content: Content, part: str) -> None:
        """Take `content`, from which unseen parts were removed, as the `part`: request or response."""
        if part == "request":
            self.request = content
        else:
            self.response = content
        self._seen.clear()

    def digest(self, name: str) -> str | None:
        """The digest of one field's present value; None when it is empty or not there."""
        return self._digested(name, self._says(name))

    def _digested(self, name: str, says: str | tuple[str, ...]) -> str | None:
        """`digest` of a field of which `_says` gives `says`."""
        if not says:
            return None
        known = self._digests.get(name)
        # To compare 2 KB of texts takes 0.3 µs, to hash them 10.
        if known is None or known[0] != says:
            make = self.digester.text if isinstance(says, str) else self.digester.texts
            known = self._digests[name] = (says, make(name, says))  # type: ignore[arg-type]  # each gets its own
        return known[1]

    def part(self, name: str) -> Content | None:
        """The body that carries the field `name`."""
        return self.request if name.startswith("request.") else self.response

    def _count(self, reads: tuple[str, ...]) -> Saw:
        segments = chars = 0
        digests: list[str] = []
        for name in reads:
            says = self._says(name)
            if name in fields.CONTENT_FIELDS:
                texts = self._strings(name) if name in _IN_BODY else says
                segments += len(texts)
                chars += sum(map(len, texts))
            digest = self._digested(name, says)
            if digest:
                digests.append(digest)
        whole = self.digester.texts("saw", digests) if digests else None
        return Saw(list(reads), segments, chars, whole)

    def _strings(self, name: str) -> tuple[str, ...]:
        content = self.part(name)
        return content.texts(name).texts if content else ()

    def _says(self, name: str) -> str | tuple[str, ...]:
        """What a field's digest is made of: its texts, or what stands beside the bodies; else empty."""
        if name in fields.CONTENT_FIELDS:
            texts = self._strings(name)
            return (*texts, repr(_reader(name)(self))) if name in _IN_BODY else texts
        if ".headers." in name or name in {"request.tags", "response.metadata"}:
            value = _reader(name)(self)
            return repr(value) if value else ""
        return ""

    def _edit(self, name: str, edits: list[Edit]) -> None:
        place = _beside(name)
        if place is None:
            self._edit_body(name, edits)
            return
        beside: dict[str, str] = dict(getattr(self, place))  # earlier views keep the one that they show
        for edit in edits:
            if not isinstance(edit, MemberEdit):
                raise _unfit()
            if edit.value is REMOVED:
                beside.pop(edit.name, None)
            else:
                beside[edit.name] = str(edit.value)
        setattr(self, place, beside)

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

    def _state(self) -> tuple[Any, ...]:
        return (*_EDITED(self), dict(self._digests))

    def _return_to(self, state: tuple[Any, ...]) -> None:
        for name, value in zip(_EDITABLE, state, strict=True):
            setattr(self, name, value)


# All that an edit can put something else in the place of; the mappings themselves never change.
_EDITABLE = ("request", "response", "request_headers", "tags", "response_headers", "notes", "_digests")
_EDITED = attrgetter(*_EDITABLE[:-1])

_VALUES: Mapping[str, Callable[[Exchange], Any]] = {
    "identity": lambda x: x.identity,
    "decisions": lambda x: tuple(x.decisions),
    "request.model": lambda x: x.facts.get("model"),
    "request.route": lambda x: x.facts.get("route"),
    fields.REFERENCE: lambda _: None,  # each plugin has its own: `projected`
    "request.mcp.server": lambda x: x.facts.get("mcp_server"),
    "request.mcp.method": lambda x: x.facts.get("mcp_method"),
    "request.mcp.tool": lambda x: x.facts.get("mcp_tool"),
    "request.tags": lambda x: x.tags,
    "response.status": lambda x: x.status,
    "response.usage": lambda x: x.usage,
    "response.metadata": lambda x: x.notes,
}


@cache  # one for each placement at most
def _readers(reads: tuple[str, ...]) -> tuple[tuple[str, Callable[[Exchange], Any]], ...]:
    """Each field with what gets its value."""
    return tuple((name, _reader(name)) for name in reads)


@cache  # one for each field that a placement reads: configuration bounds them
def _reader(name: str) -> Callable[[Exchange], Any]:
    """Gets the value of one field: looked up once, where every view would do it anew."""
    known = _VALUES.get(name)
    if known is not None:
        return known
    in_request = name.startswith("request.")
    if ".headers." in name:
        header = name.split(".headers.", 1)[1]
        return lambda x: (x.request_headers if in_request else x.response_headers).get(header)
    if name in _IN_BODY:
        return lambda x: x.request.members(name)
    if in_request:
        return lambda x: x.request.texts(name)
    return lambda x: x.response.texts(name) if x.response else TextValues(())


def _beside(name: str) -> str | None:
    """Which mapping beside the bodies holds the field `name`; None for a field of a body."""
    if name.startswith("request.headers."):
        return "request_headers"
    if name.startswith("response.headers."):
        return "response_headers"
    return {"request.tags": "tags", "response.metadata": "notes"}.get(name)


def _names(edits: Sequence[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.field for edit in edits))


def edit_count(name: str, edits: Sequence[Edit]) -> int:
    """How many replacements and members of the field `name` there are in `edits`."""
    return sum(_size(edit) for edit in edits if edit.field == name)


def _size(edit: Edit) -> int:
    if isinstance(edit, SpanEdit):
        return sum(len(spans) for _, spans in edit.spans)
    return 1 if isinstance(edit, MemberEdit | AddText) else len(edit.texts)


def _unfit() -> PluginError:
    return PluginError(FailureClass.CONTRACT, "an edit does not fit what it edits")
