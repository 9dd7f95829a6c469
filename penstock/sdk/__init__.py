"""All that a plugin author imports.

    from penstock.sdk import Block, Context, Decision, Plugin, Request, Transform

`penstock.sdk.testing` runs a plugin without a gateway.
"""

from penstock.errors import UndeliverableError
from penstock.sdk.context import Context
from penstock.sdk.decisions import Allow, Block, Decision, Respond, Transform
from penstock.sdk.edits import AddText, Edit, MemberEdit, Replace, Span, SpanEdit, TextEdit
from penstock.sdk.plugin import Plugin, PluginConfig
from penstock.sdk.views import Evidence, Members, Request, Response, Texts, Tool, Tools

__all__ = [
    "AddText",
    "Allow",
    "Block",
    "Context",
    "Decision",
    "Edit",
    "Evidence",
    "MemberEdit",
    "Members",
    "Plugin",
    "PluginConfig",
    "Replace",
    "Request",
    "Respond",
    "Response",
    "Span",
    "SpanEdit",
    "TextEdit",
    "Texts",
    "Tool",
    "Tools",
    "Transform",
    "UndeliverableError",
]
