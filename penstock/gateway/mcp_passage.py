"""One HTTP request to `/mcp/{server}` on its way, in the order of its stages.

    address rules → early guardrails → `Origin` → resolve server + access grant
      → decode: each message, version, headers against body                              mcp_posted.py
      → session, for the key that opened it → rules: method, tool, arguments → rate
      → reserve = durable INTENT
      → GATE before_upstream, for each message → rules again, over what plugins changed  mcp_flight.py
      → the server                                                                       mcp_call.py
      → GATE after_upstream, for each message that comes back → the answer               mcp_answer.py

POST carries messages; GET opens a stream to listen on, or goes on with one; DELETE ends a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from typing_extensions import override

from penstock.denial import Denial
from penstock.dialects import Dialect, Match
from penstock.dialects.mcp import batch, headers, protocol
from penstock.dialects.mcp.content import ClientMessage, ServerMessage
from penstock.dialects.mcp.messages import Id
from penstock.errors import PenstockError, RequestError, UpstreamError
from penstock.gateway.mcp_answer import Answer
from penstock.gateway.mcp_call import McpCall, media_type, passed_headers, sent_headers
from penstock.gateway.mcp_exchange import BATCH, METHODS, said_method, said_tool
from penstock.gateway.mcp_flight import Flight, checked
from penstock.gateway.mcp_look import look
from penstock.gateway.mcp_parts import McpParts
from penstock.gateway.mcp_posted import Posted, check_method, read_posted
from penstock.gateway.mcp_streams import McpStreamCall, Until
from penstock.gateway.mcp_told import Told
from penstock.gateway.mcp_tools import check_arguments, check_call, needs_a_look, not_there
from penstock.gateway.mcp_way import McpWay
from penstock.gateway.passage import REQUEST_STAGE, RESERVE_S, Passage
from penstock.gateway.reply import Reply, refusal
from penstock.gateway.streaming import Streaming
from penstock.gateway.upstreaming import check_size
from penstock.governance.denied import Denied, deny
from penstock.governance.mcp_access import McpServer
from penstock.mcp.sealing import Sealer
from penstock.sdk.fields import AFTER
from penstock.upstream.mcp import HttpMethod
from penstock.upstream.stream import UpstreamStream

ORIGIN_STAGE: Final = "origin"
SESSION_NOT_FOUND: Final = "mcp_session_not_found"
# How long a stream to listen on is held: then it ends cleanly and the client comes back.
LISTEN_S: Final = 300.0
# What stands for a GET and a DELETE, which carry no message, to gates and evidence.
_LISTEN: Final = b'{"jsonrpc":"2.0","method":"listen"}'
_END: Final = b'{"jsonrpc":"2.0","method":"end"}'


class McpPassage(Passage):
    """One recognised caller's request to an MCP server."""

    @override
    def _served(self, match: Match) -> Reply | Streaming:
        self._dialect = match.route.dialect
        self.facts |= {"dialect": self._dialect.name, "route": match.route.template}
        body = self._admitted_body()
        if isinstance(body, Denied):
            return self._denied(self._dialect, body)
        self._mcp = self._served_here()
        if (denied := self._from_browser()) is not None:
            return self._denied(self._dialect, denied)
        server = self._resolved_server(match.parameters["server"])
        if isinstance(server, Denied):
            return self._denied(self._dialect, server)
        self._server = server
        if self._http.method == "POST":
            return self._post(body)
        return self._get() if self._http.method == "GET" else self._delete()

    def _served_here(self) -> McpParts:
        if self._parts.mcp is None:
            raise RequestError("This gateway serves no MCP servers.", code="unknown_route", status=404)
        return self._parts.mcp

    def _from_browser(self) -> Denied | None:
        """MCP, "Security & Endpoint": a page that was led here by DNS rebinding has its own `Origin`."""
        origin = self._http.headers.get("origin")
        if origin is None or origin in self._mcp.origins:
            return None
        return deny(
            ORIGIN_STAGE, "origin_not_allowed", 403, "Requests from pages of this origin are not allowed."
        )

    def _resolved_server(self, name: str) -> McpServer | Denied:
        account = self._account
        found = self._mcp.access.server(self._caller.principal, name)
        if isinstance(found, Denied):
            account.resource.mcp_server = account.digester.text("resource.mcp_server", name)
            return found
        account.passed("access")
        account.resource.mcp_server = self.facts["mcp_server"] = found.name
        return found

    # POST

    def _post(self, body: bytes) -> Reply | Streaming:
        posted = read_posted(self._http.headers, body)
        self._name(posted)
        try:
            denied = self._ruled(posted)
            return self._told(posted, denied) if denied else self._sent(posted)
        except RequestError as error:
            self._account.denied(REQUEST_STAGE, error.code)
            return self._told(posted, error)
        except PenstockError as error:
            return self._told(posted, error)

    def _name(self, posted: Posted) -> None:
        """What the record calls it. A batch calls one tool at most."""
        account, resource = self._account, self._account.resource
        tools = (said_tool(message, self._server, account) for message in posted.messages)
        resource.mcp_tool = next((tool for tool in tools if tool is not None), None)
        resource.mcp_method = (
            BATCH if posted.is_batch else said_method(posted.messages[0], self._server, account)
        )

    def _ruled(self, posted: Posted) -> Denied | None:
        """The controls, over all messages; what passes in a batch would have passed alone."""
        server, memory = self._server, self._mcp.memory
        return (
            checked(posted.messages, lambda message: check_method(message, server))
            or checked(posted.messages, lambda message: check_call(message, server, memory))
            or self._mcp.rate.take(self._caller.principal, server, len(posted.requests))
        )

    def _sent(self, posted: Posted) -> Reply | Streaming:
        session = {} if posted.is_stateless else self._session()
        places = headers.parameters(self._http.headers, posted.messages[0]) if posted.is_stateless else {}
        flight = self._flight(posted.messages)
        if (denial := flight.before()) is not None:
            return self._told(posted, denial)
        if flight.answer is not None:
            return self._answered(posted, flight, flight.answer)
        body = flight.body(self._parts.body_limit_bytes, is_batch=posted.is_batch)
        if denied := checked(flight.messages, lambda message: check_arguments(message, self._server)):
            return self._told(posted, denied)
        if denied := self._looked(posted, session):
            return self._told(posted, denied)
        first = flight.messages[0]
        repeated = headers.repeated(posted.version, first), headers.parameter_headers(places, first)
        call = self._call(first)
        stream = call.open("POST", sent_headers(flight.headers, *repeated, session), body, self._seconds())
        if stream.status < 300 and stream.is_event_stream and posted.requests:
            return self._streamed(posted, flight, self._answer(flight, posted.requests), call, stream)
        with call.accounted(stream):
            return self._back(posted, flight, stream)

    def _looked(self, posted: Posted, session: Mapping[str, str]) -> Denied | None:
        """A refusal when a tool that is called has turned out to be another than the approved one."""
        server, memory = self._server, self._mcp.memory
        for message in posted.messages:
            if needs_a_look(message, server, memory):
                call = McpCall(self._parts, self._mcp, self._account, server, protocol.LIST_TOOLS)
                look(call, server, memory, posted, session, self._seconds())
                if needs_a_look(message, server, memory):
                    return not_there()
                return check_call(message, server, memory)
        return None

    def _back(self, posted: Posted, flight: Flight, stream: UpstreamStream) -> Reply:
        answer = self._answer(flight, posted.requests)
        passed = self._passed_headers(stream, session=not posted.is_stateless)
        if stream.status == 202 or (stream.status < 300 and not answer.pending):
            if answer.pending:
                raise UpstreamError("The MCP server took a request and answers none.", outcome="malformed")
            return Reply(202, b"", "answered", headers=passed)
        if media_type(stream) != "application/json":
            return self._refused_by_server(stream, passed)
        return self._whole(posted, flight, answer, stream, passed)

    def _whole(
        self, posted: Posted, flight: Flight, answer: Answer, stream: UpstreamStream, passed: dict[str, str]
    ) -> Reply:
        body = stream.body()
        messages = answer.messages(body)
        try:
            left = [answer.passed(message) for message in messages]
        finally:  # the gate has run on those before one that answers nothing
            self._gated(flight)
        if (denial := next((each.denial for each in left if each.denial), None)) is not None:
            return self._told(posted, denial)
        answer.settle(messages)
        if answer.pending:
            raise UpstreamError("The MCP server left a request without an answer.", outcome="malformed")
        encoded = [each.message.encoded() for each in left]
        whole = batch.join(encoded) if batch.is_batch(body) else encoded[0]
        check_size(whole)
        if stream.status >= 300:
            return Reply(stream.status, whole, "failed", f"upstream_status_{stream.status}", passed)
        return Reply(200, whole, "answered", None, answer.headers | passed)

    def _streamed(
        self, posted: Posted, flight: Flight, answer: Answer, call: McpCall, stream: UpstreamStream
    ) -> Streaming:
        """A stream of events: until each request has its answer, or nobody listens any longer."""
        listening = any(message.method == protocol.LISTEN for message in posted.messages)
        way = self._way(Told(posted), flight, answer, is_stateless=posted.is_stateless, listening=listening)
        return self._stream_begun(
            way, flight, call, stream, session=not posted.is_stateless, listening=listening
        )

    def _stream_begun(
        self,
        way: McpWay,
        flight: Flight,
        call: McpCall,
        stream: UpstreamStream,
        *,
        session: bool,
        listening: bool,
    ) -> Streaming:
        self._account.stream = True
        exchange = flight.back(None)
        try:
            exchange.response_headers = self._passed_headers(stream, session=session)
        except UpstreamError as error:
            call.ended(stream, error.outcome)
            raise
        clock = self._parts.clock
        ends_at = clock() + min(self._seconds(), LISTEN_S) if listening else None
        source = Until(stream, lambda: way.is_done, clock, ends_at)
        streaming = Streaming(way, McpStreamCall(call, stream, source), exchange, self._account, clock)
        streaming.begin()
        return streaming

    def _answered(self, posted: Posted, flight: Flight, said: ServerMessage) -> Reply:
        """A plugin's own answer: it passes the gate after the upstream like a server's."""
        answer = self._answer(flight, posted.requests)
        passed = answer.passed(said)
        self._gated(flight)
        if passed.denial is not None:
            return self._told(posted, passed.denial)
        return Reply(200, passed.message.encoded(), "answered", headers=answer.headers)

    def _told(self, posted: Posted, why: Denied | Denial | PenstockError) -> Reply:
        if isinstance(why, Denied):
            self._account.controls.append(why.record)
            why = why.denial
        return refusal(Told(posted), why, self._account.request_id)

    # GET, DELETE

    def _get(self) -> Reply | Streaming:
        version = headers.version_of(self._http.headers, None)
        event = self._event_id()
        if version in protocol.STATELESS_VERSIONS or (event is None and not self._server.listen):
            words = "No stream to listen on is open here. Ask who runs the gateway, if you need one."
            denied = deny(ORIGIN_STAGE, "mcp_listen_not_allowed", 405, words, kind="invalid_request")
            return self._denied(self._dialect, denied)
        flight = self._beside(_LISTEN, "listen")
        if isinstance(flight, Reply):
            return flight
        resumed = {} if event is None else {protocol.EVENT_HEADER: event}
        said = {protocol.VERSION_HEADER: version} | resumed
        return self._asked("GET", flight, said)

    def _delete(self) -> Reply | Streaming:
        version = headers.version_of(self._http.headers, None)
        if protocol.SESSION_HEADER not in self._http.headers or version in protocol.STATELESS_VERSIONS:
            raise RequestError("There is no session to end.", code=SESSION_NOT_FOUND, status=404)
        flight = self._beside(_END, "end")
        if isinstance(flight, Reply):
            return flight
        return self._asked("DELETE", flight, {protocol.VERSION_HEADER: version})

    def _beside(self, stand_in: bytes, name: str) -> Flight | Reply:
        """INTENT and the gate for what carries no message."""
        self._account.resource.mcp_method = name
        if denied := self._mcp.rate.take(self._caller.principal, self._server):
            return self._denied(self._dialect, denied)
        self._session()
        flight = self._flight((ClientMessage.decode(stand_in),))
        denial = flight.before()
        return flight if denial is None else self._refused(self._dialect, denial)

    def _asked(self, method: HttpMethod, flight: Flight, said: Mapping[str, str]) -> Reply | Streaming:
        call = self._call(flight.messages[0])
        sent = sent_headers(flight.headers, said, self._session())
        stream = call.open(method, sent, None, self._seconds())
        if method == "GET" and stream.status < 300 and stream.is_event_stream:
            answer = self._answer(flight, None)
            way = self._way(self._dialect, flight, answer, is_stateless=False, listening=True)
            return self._stream_begun(way, flight, call, stream, session=True, listening=True)
        with call.accounted(stream):
            passed = self._passed_headers(stream, session=True)
            if stream.status >= 300 or method == "GET":
                return self._refused_by_server(stream, passed)
            return Reply(stream.status, b"", "answered", None, passed)

    # What the methods have in common

    def _flight(self, messages: tuple[ClientMessage, ...]) -> Flight:
        """INTENT, and the messages as the gates take them."""
        self._reserve()
        identity = self._parts.access.identity(self._caller.principal)
        return Flight(self._parts, self._account, self.overrides, self.facts, identity, messages)

    def _answer(self, flight: Flight, requests: Mapping[Id, ClientMessage] | None) -> Answer:
        return Answer(self._server, self._mcp.memory, self._account, flight.after, flight.back, requests)

    def _way(
        self, dialect: Dialect, flight: Flight, answer: Answer, *, is_stateless: bool, listening: bool
    ) -> McpWay:
        limit_bytes = self._server.target.max_response_bytes
        sealed = None if is_stateless else lambda value: self._sealer.seal("event", self._scope, value)
        return McpWay(dialect, answer, flight.after, sealed, limit_bytes, listening=listening)

    def _gated(self, flight: Flight) -> None:
        if (result := flight.after.result()) is not None:
            self._account.gate(AFTER, result)

    def _call(self, first: ClientMessage) -> McpCall:
        named = first.method if first.method in METHODS else "other"
        return McpCall(self._parts, self._mcp, self._account, self._server, named or "other")

    def _seconds(self) -> float:
        return self._left_s(RESERVE_S)

    @property
    def _sealer(self) -> Sealer:
        return Sealer(self._parts.digest_key().key)

    @property
    def _scope(self) -> tuple[str, ...]:
        """For whom ids are sealed."""
        principal = self._caller.principal
        return (self._server.name, principal.organisation, principal.api_key, principal.tenant or "")

    def _session(self) -> dict[str, str]:
        """The server's own session id. Raises RequestError for a session that this key has not opened."""
        token = self._http.headers.get(protocol.SESSION_HEADER)
        if token is None:
            return {}
        session = self._sealer.open("session", self._scope, token)
        if session is None:
            words = "There is no such session of this API key. Open a new one with `initialize`."
            raise RequestError(words, code=SESSION_NOT_FOUND, status=404)
        return {protocol.SESSION_HEADER: session}

    def _event_id(self) -> str | None:
        token = self._http.headers.get(protocol.EVENT_HEADER)
        if token is None:
            return None
        event = self._sealer.open("event", self._scope, token)
        if event is None:
            words = "There is no such event in a stream of this API key."
            raise RequestError(words, code="mcp_event_not_found", status=400)
        return event

    def _passed_headers(self, stream: UpstreamStream, *, session: bool) -> dict[str, str]:
        return passed_headers(stream, self._sealer, self._scope, session=session)

    def _refused_by_server(self, stream: UpstreamStream, passed: dict[str, str]) -> Reply:
        """A status without a message: its words, if it has any, stay here."""
        if stream.status < 300:
            raise UpstreamError("The MCP server answered with neither JSON nor events.", outcome="malformed")
        code = f"upstream_status_{stream.status}"
        denial = Denial(code, "The MCP server refused this request.", stream.status, "invalid_request")
        reply = refusal(self._dialect, denial, self._account.request_id)
        reply.outcome, reply.headers = "failed", reply.headers | passed
        return reply
