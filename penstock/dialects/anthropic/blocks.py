"""What is true of blocks in a message, wherever they are: seals, and results that belong to a use.

A block with a seal (thinking with its signature) is what the provider sealed or nothing: it goes whole when
one of its texts is edited (docs/adr/0007-anthropic.md). And a use of a tool without its result, or a result
without its use, is refused by the API: when one is taken out, the other goes too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from penstock.dialects.splicing import Drop, Path

_SEALS: Final = ("signature", "encrypted_content")


class Blocks(NamedTuple):
    """The blocks of one message, and where the list of them is."""

    at: Path
    blocks: list[dict[str, Any]]


def in_request(tree: Mapping[str, Any]) -> Iterator[Blocks]:
    """The blocks of every message that has a list of them."""
    for index, message in enumerate(tree["messages"]):
        if type(message.get("content")) is list:
            yield Blocks(("messages", index, "content"), message["content"])


def in_response(tree: Mapping[str, Any]) -> Iterator[Blocks]:
    """The answer's blocks."""
    content = tree.get("content")
    if type(content) is list:
        yield Blocks(("content",), [block if type(block) is dict else {} for block in content])


def block_at(at: Path) -> Path | None:
    """The place of the block in which `at` is; None when it is in none."""
    size = 4 if at[0] == "messages" else 2
    if len(at) < size or at[size - 2] != "content" or not isinstance(at[size - 1], int):
        return None
    return at[:size]


def unit_of(tree: Any, at: Path) -> Path:
    """What goes when the string at `at` is taken out: of a result that is no list, the whole block.

    Of a list inside of such a result, as the files that code wrote, only the entry.
    """
    block = block_at(at)
    if block is None or at[len(block) : len(block) + 1] != ("content",):
        return at
    is_entry = at[len(block) + 1 : len(block) + 2] == ("content",) and isinstance(
        (*at, "")[len(block) + 2], int
    )
    return block if type(find(tree, block)["content"]) is dict and not is_entry else at


def find(tree: Any, at: Path) -> Any:
    """What is at `at`."""
    for step in at:
        tree = tree[step]
    return tree


def is_sealed(block: Mapping[str, Any]) -> bool:
    """Whether a changed text in `block` would make it a forgery."""
    return any(type(block.get(name)) is str and block[name] for name in _SEALS)


def sealed(tree: Any, places: Iterable[Path]) -> list[Path]:
    """The sealed blocks in which `places` are, each once."""
    blocks = dict.fromkeys(block_at(at) for at in places)
    return [at for at in blocks if at is not None and is_sealed(find(tree, at))]


def left_alone(before: Iterable[Blocks], after: Iterable[Blocks]) -> list[Path]:
    """The blocks in `after` whose use or result was in `before` and is gone."""
    had_uses, had_results = _identities(before)
    listed = list(after)
    uses, results = _identities(listed)
    both = had_uses & had_results
    return [
        (*at, index)
        for at, blocks in listed
        for index, block in enumerate(blocks)
        if (_used(block) in both - results) or (_answered(block) in both - uses)
    ]


def _identities(listed: Iterable[Blocks]) -> tuple[set[str], set[str]]:
    blocks = [block for each in listed for block in each.blocks]
    uses = {used for block in blocks if (used := _used(block)) is not None}
    return uses, {answered for block in blocks if (answered := _answered(block)) is not None}


def _used(block: Mapping[str, Any]) -> str | None:
    identity = block.get("id") if str(block.get("type")).endswith("tool_use") else None
    return identity if type(identity) is str else None


def _answered(block: Mapping[str, Any]) -> str | None:
    identity = block.get("tool_use_id")
    return identity if type(identity) is str else None


def without_blocks(tree: Any, gone: Iterable[Path]) -> list[Drop]:
    """What drops the blocks at `gone`; a message of a request goes with the last of its blocks.

    Raises ValueError when no message would be left.
    """
    by_list: dict[Path, list[Path]] = {}
    for at in gone:
        by_list.setdefault(at[:-1], []).append(at)
    drops: list[Drop] = []
    for blocks, places in by_list.items():
        is_all = blocks[0] == "messages" and len(places) == len(find(tree, blocks))
        drops += [Drop(blocks[:-1])] if is_all else map(Drop, places)
    _require_messages(tree, drops)
    return drops


def tidying(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Drop]:
    """What else goes from a request that has lost parts: blocks left alone, and messages without any.

    Raises ValueError when no message would be left.
    """
    alone = left_alone(in_request(before), in_request(after))
    drops: list[Drop] = []
    for index, (old, new) in enumerate(zip(before["messages"], after["messages"], strict=True)):
        places = [at for at in alone if at[1] == index]
        has_nothing = len(new.get("content") or ()) == len(places)
        drops += [Drop(("messages", index))] if has_nothing and old.get("content") else map(Drop, places)
    _require_messages(after, drops)
    return drops


def _require_messages(tree: Mapping[str, Any], drops: list[Drop]) -> None:
    messages = [drop for drop in drops if len(drop.path) == 2 and drop.path[0] == "messages"]
    if messages and len(messages) == len(tree["messages"]):
        raise ValueError("the body cannot go on without any message")
