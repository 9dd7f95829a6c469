"""A small library: tools of every kind that MCP has, a resource, a prompt, completions."""

from __future__ import annotations

import asyncio
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve, Sample
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    CreateMessageResult,
    PromptReference,
    ResourceTemplateReference,
    SamplingMessage,
    TextContent,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

BOOKS = {
    "1": ("Middlemarch", "George Eliot"),
    "2": ("The Left Hand of Darkness", "Ursula K. Le Guin"),
    "3": ("Der Prozess", "Franz Kafka"),
}


class Book(BaseModel):
    """One book of the catalogue."""

    number: str
    title: str
    author: str


class Reader(BaseModel):
    """Who wants to borrow."""

    name: str = Field(description="Your name")


def search(words: str) -> str:
    """Finds books by words of their titles or authors."""
    found = [
        f"{number}: {title}" for number, (title, author) in BOOKS.items() if words in f"{title} {author}"
    ]
    return "\n".join(found) or f"No book is called {words}."


def book(number: str) -> Book:
    """One book, as structured data."""
    if number not in BOOKS:
        raise ToolError("There is no book with this number.")
    title, author = BOOKS[number]
    return Book(number=number, title=title, author=author)


async def stocktake(shelves: int, ctx: Context[None, None]) -> str:
    """Counts all shelves, and says how far it is."""
    for shelf in range(shelves):
        await ctx.report_progress(shelf + 1, shelves, f"shelf {shelf + 1}")
        await asyncio.sleep(0.02)
    return f"{shelves} shelves counted"


async def _reader() -> Elicit[Reader]:
    return Elicit("Who are you?", Reader)


async def borrow(number: str, reader: Annotated[ElicitationResult[Reader], Resolve(_reader)]) -> str:
    """Lends a book to the user, after asking for a name."""
    if not isinstance(reader, AcceptedElicitation):
        return "Nothing was lent."
    return f"Book {number} is lent to {reader.data.name}."


async def _summary(number: str) -> Sample:
    asked = f"Say in one sentence what {BOOKS[number][0]} is about."
    message = SamplingMessage(role="user", content=TextContent(type="text", text=asked))
    return Sample([message], max_tokens=100)


async def summarise(number: str, said: Annotated[CreateMessageResult, Resolve(_summary)]) -> str:
    """Lets the client's own model say what a book is about."""
    del number
    text = said.content.text if isinstance(said.content, TextContent) else "nothing"
    return f"The model says: {text}"


def discard(number: str) -> str:
    """Takes a book out of the catalogue for good."""
    return f"Book {number} is gone."


async def complete(
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    """Titles that begin with what has been typed."""
    del ref, context
    titles = [title for title, _ in BOOKS.values() if title.startswith(argument.value)]
    return Completion(values=titles, total=len(titles), has_more=False)


def add_to(server: MCPServer[None]) -> None:
    """All of it. `open_annex` and `rewrite` change the list of tools while the server runs."""
    server.tool(annotations=ToolAnnotations(read_only_hint=True))(search)
    server.tool(annotations=ToolAnnotations(read_only_hint=True))(book)
    for tool in (stocktake, borrow, summarise):
        server.tool()(tool)
    server.tool(annotations=ToolAnnotations(destructive_hint=True))(discard)
    server.resource("library://rules", mime_type="text/plain")(rules)
    server.resource("library://books/{number}", mime_type="text/plain")(text_of)
    server.prompt()(recommend)
    server.completion()(complete)  # type: ignore[no-untyped-call]  # the decorator has no types
    _add_changes(server)


def rules() -> str:
    """The rules of the house."""
    return "Silence. Three weeks. No dogs. Questions: desk@library.example"


def text_of(number: str) -> str:
    """A book's first words."""
    return f"{BOOKS[number][0]}, by {BOOKS[number][1]}"


def recommend(mood: str) -> str:
    """Asks for a book that fits a mood."""
    return f"Recommend a book to somebody who feels {mood}."


def annex(words: str) -> str:
    """Finds books in the annex."""
    return f"Nothing in the annex is called {words}."


def _add_changes(server: MCPServer[None]) -> None:
    async def open_annex(ctx: Context[None, None]) -> str:
        """Opens the annex: from then on there is one tool more."""
        server.add_tool(annex)
        await _tell(ctx)
        return "The annex is open."

    async def rewrite(description: str, ctx: Context[None, None]) -> str:
        """Gives `search` another description, as a server may whenever it likes."""
        server.remove_tool("search")
        server.add_tool(search, description=description)
        await _tell(ctx)
        return "Rewritten."

    server.tool()(open_annex)
    server.tool()(rewrite)


async def _tell(ctx: Context[None, None]) -> None:
    """To listeners of either kind of version."""
    await ctx.notify_tools_changed()
    await ctx.session.send_tool_list_changed()
