"""Whether all that a stream said is in the response that was put together of it.

A guard that looks at the response has not seen what is missing there: a text that another kind of value took
the place of, one that stood where no client looks for it. A stream that said such things must not leave as it
came. What passes under every guard is no loss: numbers, and strings that say nothing (`openai.paths`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from penstock.dialects.openai import paths
from penstock.dialects.openai.stream_paths import chunk_matcher

_LONG_NUMBER: Final = 10**7  # from here on a number is a text (`penstock.dialects.paths`)
# They are in no response.
_TOKENS: Final = ("object", "obfuscation")
_LISTS: Final = ("tool_calls", "reasoning_details")
_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
_OF_DETAIL: Final = ("text", "summary")
_NUMBERS: Final = (int, float, bool)


def says(value: Any) -> bool:
    """Whether anything could be read in `value`, wherever it stands."""
    if type(value) is dict or type(value) is list:
        return bool(value)
    if type(value) is int or type(value) is float:
        return not -_LONG_NUMBER < value < _LONG_NUMBER
    return type(value) is str and value != ""


def is_token(value: Any) -> bool:
    """Whether `value` is a string that passes where nothing is said."""
    return type(value) is str and paths.PATTERNS["token"].fullmatch(value) is not None


def is_said(name: str, value: Any, *, of_choice: bool) -> bool:
    """Whether a guard would see anything in a chunk's member `name`, or in one of its choices'."""
    found = chunk_matcher().classify({"choices": [{name: value}]} if of_choice else {name: value})
    texts = (text for each in found.fields.values() for text in each.values)
    return bool(found.hidden or found.repeated or any(texts))


def is_off(tree: Mapping[str, Any]) -> bool:
    """Whether a chunk says anything where nobody looks for it, or numbers a choice or call as nobody does."""
    listed = tree.get("choices")
    tokens = (tree[name] for name in _TOKENS if name in tree)
    if _is_no_list(listed) or any(says(value) and not is_token(value) for value in tokens):
        return True
    return any(_is_off_choice(choice) for choice in _elements(listed))


def is_number(index: Any) -> bool:
    """Whether `index` numbers a choice or call in the one way in which everybody reads it; or not at all."""
    return index is None or (type(index) is int and index >= 0)


def is_ambiguous(tree: Mapping[str, Any]) -> bool:
    """Whether clients string the texts of a chunk together in more than one way.

    One reads a choice's number 1.0 as 1, the next as another; one adds the number 4111 to a text, as digits.
    """
    return any(
        not is_number(choice.get("index")) or _is_ambiguous_delta(choice)
        for choice in _elements(tree.get("choices"))
        if type(choice) is dict
    )


def _is_ambiguous_delta(choice: Mapping[str, Any]) -> bool:
    delta = choice.get("delta")
    if type(delta) is not dict:
        return False
    texts = (choice.get("text"), *(delta[name] for name in _TEXTS if name in delta))
    details = (each for each in _elements(delta.get("reasoning_details")) if type(each) is dict)
    return any(type(text) in _NUMBERS for text in texts) or any(
        not is_number(each.get("index"))
        or any(type(value) in _NUMBERS for value in map(each.get, _OF_DETAIL))
        for each in details
    )


def _is_off_choice(choice: Any) -> bool:
    if type(choice) is not dict:
        return says(choice)
    delta = choice.get("delta")
    if not is_number(choice.get("index")) or says(choice.get("message")):
        return True
    if type(delta) is not dict:
        return says(delta)
    return _is_off_content(delta.get("content")) or _are_off_calls(delta)


def _is_off_content(content: Any) -> bool:
    if type(content) is list:
        return any(type(part) is not dict and says(part) for part in content)
    return type(content) is not str and content is not None


def _are_off_calls(delta: Mapping[str, Any]) -> bool:
    legacy = delta.get("function_call")
    if type(legacy) is not dict and says(legacy):
        return True
    return any(_is_no_list(delta.get(name)) or _are_off(delta.get(name)) for name in _LISTS)


def _are_off(fragments: Any) -> bool:
    return any(
        not is_number(each.get("index")) if type(each) is dict else says(each)
        for each in _elements(fragments)
    )


def _is_no_list(value: Any) -> bool:
    return type(value) is not list and says(value)


def _elements(value: Any) -> Iterator[Any]:
    yield from value if type(value) is list else ()
