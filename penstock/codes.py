"""Every error code that the gateway itself gives a caller: when, and what the caller does about it.

`docs/errors.md` is made of this, and a test holds it against the source. A plugin's block has a code of the
plugin's own, `<plugin>.<reason>`; what API Gateway answers when no function can is in
`penstock.front`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class ErrorCode(NamedTuple):
    """One code. `statuses`: HTTP statuses that it comes with."""

    code: str
    statuses: tuple[int, ...]
    when: str
    remedy: str


ERROR_CODES: Final = (
    ErrorCode(
        "invalid_request_body",
        (400,),
        "The body is no JSON, not what the route takes, or not the gzip that it is said to be.",
        "Correct the request; the message names the place.",
    ),
    ErrorCode(
        "tenant_required",
        (400,),
        "The key serves several tenants and none is named.",
        "Name one of them in `x-penstock-tenant`.",
    ),
    ErrorCode(
        "model_not_found",
        (400, 404),
        "No model has this name; 404 when it was asked for by `GET /v1/models/{model}`.",
        "Take a name that `GET /v1/models` lists.",
    ),
    ErrorCode(
        "mcp_header_mismatch",
        (400,),
        "MCP: a header says other than the body, or repeats nothing of it.",
        "Update the client: it must send what the version demands.",
    ),
    ErrorCode(
        "mcp_meta_missing",
        (400,),
        "MCP 2026-07-28: `_meta` does not say the version or the client's capabilities.",
        "Update the client, or speak an older version.",
    ),
    ErrorCode(
        "mcp_version_not_supported",
        (400,),
        "MCP: the version is none of those that `data.supported` lists.",
        "Speak one of these.",
    ),
    ErrorCode(
        "mcp_batch_not_allowed",
        (400,),
        "MCP: the version has no batches, or this one is more than one record could tell.",
        "Send each message in a POST of its own.",
    ),
    ErrorCode(
        "mcp_event_not_found",
        (400,),
        "MCP: `Last-Event-ID` is of no stream of this key.",
        "Send the request anew.",
    ),
    ErrorCode(
        "unauthorized",
        (401,),
        "No key, an unknown one, or two that differ.",
        "Send one key, as `Authorization: Bearer …` or as `x-api-key`.",
    ),
    ErrorCode("api_key_revoked", (401,), "The key was revoked.", "Ask the operator for another key."),
    ErrorCode("api_key_expired", (401,), "The key's time is over.", "Ask the operator for another key."),
    ErrorCode(
        "address_not_allowed",
        (403,),
        "The request comes from outside the networks of gateway, organisation or key.",
        "Send it from inside, or ask the operator.",
    ),
    ErrorCode(
        "tenant_not_allowed", (403,), "The key may not act for the tenant.", "Name one of the key's tenants."
    ),
    ErrorCode(
        "model_not_allowed",
        (403,),
        "The key has no grant for the model, or for one to turn to instead.",
        "Ask the operator for a grant, or take another model.",
    ),
    ErrorCode(
        "route_not_allowed",
        (403,),
        "The path is one that the operator has opened, and the key has no grant for it.",
        "Ask the operator for a grant.",
    ),
    ErrorCode(
        "approval_required",
        (403,),
        "Somebody has to approve this request first, and has been asked; `reference` names it.",
        "Send the same request again, with the same key and the same body, when it is approved.",
    ),
    ErrorCode(
        "uninspectable_content",
        (403,),
        "A plugin that must see the content cannot see a part of it.",
        "Leave out the part that the message names.",
    ),
    ErrorCode(
        "origin_not_allowed",
        (403,),
        "MCP: the request comes from a page whose `Origin` is not configured.",
        "Ask the operator to add it to `[deployment.mcp]`.",
    ),
    ErrorCode(
        "mcp_not_allowed",
        (403,),
        "The key has no grant for the MCP server; or a request makes its provider call MCP servers.",
        "Ask the operator for a grant; call MCP servers at `/mcp/<server>` ([MCP](mcp.md)).",
    ),
    ErrorCode(
        "mcp_tool_not_allowed",
        (403,),
        "MCP: the tool is not there, or not for this key. In a session it comes with status 200.",
        "Call a tool that `tools/list` shows.",
    ),
    ErrorCode(
        "mcp_tool_changed",
        (403,),
        "MCP: the tool is not what was approved. In a session it comes with status 200.",
        "Ask the operator to look at it: `penstock mcp diff`.",
    ),
    ErrorCode(
        "mcp_arguments_not_allowed",
        (403,),
        "MCP: the arguments do not fit the operator's rules. It comes as the tool's own error.",
        "Call it with others; the message names the place.",
    ),
    ErrorCode("unknown_route", (404,), "The gateway has no such route.", "Check the client's base URL."),
    ErrorCode("mcp_server_not_found", (404,), "No MCP server has this name.", "Check the client's URL."),
    ErrorCode(
        "mcp_session_not_found",
        (404,),
        "MCP: the session is not one that this key has opened.",
        "Open a new one with `initialize`, as clients do by themselves.",
    ),
    ErrorCode(
        "mcp_method_not_allowed",
        (404,),
        "MCP: nobody knows the method, or it is not open. In a session it comes with status 200.",
        "Ask the operator to add it to `methods`.",
    ),
    ErrorCode(
        "mcp_listen_not_allowed",
        (405,),
        "MCP: streams to listen on are not open.",
        "Go without; clients do by themselves.",
    ),
    ErrorCode(
        "not_acceptable",
        (406,),
        "MCP: the client does not take both JSON and events.",
        "Send both in `Accept`.",
    ),
    ErrorCode(
        "payload_too_large", (413,), "The body is over the limit, before or after unpacking.", "Send less."
    ),
    ErrorCode(
        "unsupported_content_encoding",
        (415,),
        "The body is packed otherwise than by gzip.",
        "Use gzip or none.",
    ),
    ErrorCode(
        "unsupported_media_type", (415,), "MCP: the body is not said to be JSON.", "Send `Content-Type`."
    ),
    ErrorCode(
        "mcp_rate_exceeded",
        (429,),
        "MCP: the key makes more requests a minute than the operator lets pass. In a session: status 200.",
        "Wait as long as `Retry-After` says.",
    ),
    ErrorCode(
        "internal_error",
        (500,),
        "A fault of the gateway's.",
        "Tell the operator the request id.",
    ),
    ErrorCode(
        "evidence_incomplete",
        (500,),
        "A placement left no record, so nothing was passed on.",
        "Tell the operator the request id.",
    ),
    ErrorCode(
        "upstream_error",
        (502,),
        "The provider cannot be reached, broke off, or did not answer as it must.",
        "Try again, unless `x-should-retry: false` says that it may be paid twice.",
    ),
    ErrorCode(
        "evidence_unavailable",
        (503,),
        "A store that the gateway needs does not answer. Nothing is served without evidence.",
        "Try again, unless `x-should-retry: false` says that it may be paid twice.",
    ),
    ErrorCode(
        "plugin_unavailable",
        (503,),
        "A plugin that must check the request could not, and `on_error` is `block`.",
        "Try again later, unless `x-should-retry: false`; if it stays, tell the operator the request id.",
    ),
    ErrorCode(
        "upstream_timeout",
        (504,),
        "The provider did not answer in time.",
        "Ask for less, or try again if it may be paid twice.",
    ),
)
