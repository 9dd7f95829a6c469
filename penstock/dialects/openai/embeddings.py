"""`POST /v1/embeddings`: texts in, vectors out.

A vector is no text: numbers say nothing, and neither does base64, in which OpenAI's clients ask for them. The
input may be numbers too, the tokens of a text: no guard can read those, so they count as `opaque`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final, NoReturn

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects.dialect import ListedModel, Rendered
from penstock.dialects.json_content import Change
from penstock.dialects.model_content import ModelRequest, ModelResponse, NamedMembers
from penstock.dialects.openai import errors, headers, members, models
from penstock.dialects.openai.chat import counted
from penstock.dialects.openai.paths import PATTERNS
from penstock.dialects.paths import Classified, Here, Matcher, Rule
from penstock.dialects.removing import How, Removals
from penstock.dialects.splicing import Drop, Path, Splice
from penstock.errors import FailureClass, PenstockError, PluginError, RequestError
from penstock.evidence.record import Usage
from penstock.sdk.edits import AddText, MemberEdit
from penstock.sdk.fields import FIELDS
from penstock.sdk.openai_paths import EMBEDDINGS
from penstock.sdk.views import TextValues

_TOKENS: Final = ("encoding_format", "input_type", "truncate", "service_tier")
_ANSWER_TOKENS: Final = ("object", "data[*].object", "id", "error.type", "error.code", "error.param")
_VECTOR: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")
# A vector belongs to the input at its place: none can go without its input.
_REMOVALS: Final[tuple[tuple[str, How], ...]] = (
    *((name, "never") for name in ("model", "input", "data")),
    ("error.message", "blank"),
)


class EmbeddingsRequest(ModelRequest):
    """A request for the vectors of texts."""

    __slots__ = ()

    @staticmethod
    @override
    def check(tree: Any) -> dict[str, Any]:
        return _checked(tree)

    @property
    @override
    def surface(self) -> str:
        return EMBEDDINGS

    @property
    @override
    def named(self) -> NamedMembers:
        return members

    @property
    @override
    def other_models(self) -> tuple[str, ...]:
        """None: what a vector of another model says, nobody could compare."""
        return ()

    @property
    @override
    def streams(self) -> bool:
        """Vectors are not streamed, whatever the request says."""
        return False

    @property
    @override
    def classified(self) -> Classified:
        if self._classified is None:
            found = self.matcher().classify(self.tree)
            found.hidden += [("opaque", here) for here in _token_arrays(self.tree["input"])]
            self._classified = found
        return self._classified

    @override
    def matcher(self) -> Matcher:
        return _request_matcher()

    @override
    def removals(self) -> Removals:
        return Removals(_REMOVALS)

    @override
    def text_values(self, field: str) -> TextValues:
        """Without tools, which this API has not: whatever stands there is checked by nobody."""
        return super(ModelRequest, self).text_values(field)

    @override
    def members(self, field: str) -> Mapping[str, Any]:
        if field == "request.metadata":  # this API has none
            return {}
        found = super().members(field)
        return {name: found[name] for name in found if name != "input"}

    @override
    def member_splices(self, field: str, edits: Sequence[MemberEdit]) -> list[Splice]:
        if field != "request.parameters" or any(str(edit.name).casefold() == "input" for edit in edits):
            raise ValueError("an edit names a member that is no parameter")
        return super().member_splices(field, edits)

    @override
    def added(self, edits: Sequence[AddText]) -> list[Splice]:
        raise ValueError("no message can be added to a request for vectors")

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return []

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        if field == "request.parameters":
            return [Drop((name,)) for name in dict.fromkeys(at[0] for at in places)]
        return self.removals().plan(self.tree, places)


class EmbeddingsResponse(ModelResponse):
    """Vectors, or an upstream's refusal."""

    __slots__ = ()

    @property
    @override
    def surface(self) -> str:
        return EMBEDDINGS

    def usage(self) -> Usage:
        """Tokens as the upstream counted them; what it did not say, or said wrongly, is 0."""
        usage = self.tree.get("usage")
        return counted(usage if type(usage) is dict else {})

    @override
    def matcher(self) -> Matcher:
        return _response_matcher()

    @override
    def removals(self) -> Removals:
        return Removals(_REMOVALS)

    @override
    def consequences(self, changes: Sequence[Change]) -> list[Splice]:
        return []

    @override
    def replaced(self, text: str) -> EmbeddingsResponse:
        raise ValueError("no text stands for a vector")

    @override
    def field_removal(self, field: str, places: list[Path]) -> list[Splice]:
        return self.removals().plan(self.tree, places)


class OpenAIEmbeddings:
    """The OpenAI dialect where it asks for vectors. Implements `penstock.dialects.dialect.Dialect`."""

    name = "openai"
    id_headers = ("x-request-id",)

    def decode_request(self, body: bytes) -> EmbeddingsRequest:
        return EmbeddingsRequest.decode(body)

    def decode_response(self, body: bytes) -> EmbeddingsResponse:
        return EmbeddingsResponse.decode(body)

    def streaming(self, *_: object, **__: object) -> NoReturn:
        raise _no_stream()

    def collecting(self, *_: object, **__: object) -> NoReturn:
        raise _no_stream()

    def as_stream(self, *_: object, **__: object) -> NoReturn:
        raise _no_stream()

    def answer(self, *_: object, **__: object) -> NoReturn:
        """Raises PluginError: no text stands for a vector. Configuration places nobody here who responds."""
        raise PluginError(FailureClass.CONTRACT, "A plugin answered with a text, which is no vector.")

    def render(self, refusal: Denial | PenstockError, request_id: str) -> Rendered:
        return errors.render(refusal, request_id)

    def forwarded_headers(self, sent: Mapping[str, str]) -> dict[str, str]:
        return headers.forwarded_headers(sent)

    def list_models(self, listed: Sequence[ListedModel]) -> Rendered:
        return models.list_models(listed)

    def show_model(self, model: ListedModel) -> Rendered:
        return models.show_model(model)


def request_table() -> Iterator[tuple[str, Rule]]:
    """Every path of a request that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in _TOKENS)
    yield "model", Rule("structural", "model")
    yield from _fields("request.")


def response_table() -> Iterator[tuple[str, Rule]]:
    """Every path of an answer that is known, with what is there."""
    yield from ((path, Rule("structural", "token")) for path in _ANSWER_TOKENS)
    yield "model", Rule("structural", "model")
    yield "data[*].embedding", Rule("structural", "vector")
    yield from _fields("response.")


def _fields(part: str) -> Iterator[tuple[str, Rule]]:
    for entry in FIELDS.values():
        if entry.name.startswith(part):
            yield from ((path, Rule("field", entry.name)) for path in entry.paths.get(EMBEDDINGS, ()))


@cache
def _request_matcher() -> Matcher:
    return Matcher(request_table(), PATTERNS, guards_numbers=True)


@cache
def _response_matcher() -> Matcher:
    return Matcher(response_table(), {**PATTERNS, "vector": _VECTOR})


def _token_arrays(given: Any) -> Iterator[Here]:
    """Where tokens stand in place of a text: one such array, or several."""
    if type(given) is not list:
        return
    if any(type(each) is int for each in given):
        yield (None, "input")
        return
    yield from (((None, "input"), index) for index, each in enumerate(given) if type(each) is list)


def _checked(tree: Any) -> dict[str, Any]:
    if type(tree) is not dict:
        raise RequestError("The body must be a JSON object.")
    if type(tree.get("model")) is not str or not tree["model"]:
        raise RequestError("model must be the name of a model.")
    if any(name.casefold() == "model" and name != "model" for name in tree):
        raise RequestError("A member is called model in another spelling; write model, once.")
    given = tree.get("input")
    if type(given) is not str and not (type(given) is list and _are_inputs(given)):
        raise RequestError(
            "input must be a text, a list of texts, a list of tokens, or a list of such lists."
        )
    if type(tree.get("user", "")) not in {str, type(None)}:
        raise RequestError("user must be text.")
    return tree


def _are_inputs(given: list[Any]) -> bool:
    """Texts, lists of tokens, or tokens; the upstream judges which of these go together."""
    kinds = {type(each) for each in given}
    if kinds <= {int}:
        return True
    lists = (each for each in given if type(each) is list)
    return kinds <= {str, list} and all(type(token) is int for each in lists for token in each)


def _no_stream() -> RequestError:
    return RequestError("Vectors are not streamed.")
