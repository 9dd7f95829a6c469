from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from penstock.configuration.compile import compile_file
from penstock.configuration.reading import parse_gateway_file
from penstock.errors import ConfigurationError, FailureClass
from penstock.sdk.testing import Harness, harness
from tests import tree
from tests.plugins.dlp_http.peers import TOKEN, Analyzer, Dlp, Inspector, OwnFormat, Rotated
from tests.plugins.every_door import DEPLOYMENT, folder_of, stanza

URL = "https://dlp.example.com/v1/inspect"
MAIL = "alice" + "@corp.test"
CARD = "4111 1111 " + "1111 1111"


def run_with(dlp: httpx.BaseTransport, *tokens: str, **config: Any) -> Harness:
    secrets = Rotated(*(tokens or (TOKEN,)))
    run = harness(folder_of("dlp-http"), {"url": URL, **config}, secrets=secrets, transport=dlp)
    run._plugin.sleep = lambda _: None  # type: ignore[attr-defined]  # the plugin's own
    return run


def passes_nothing(result: Any) -> bool:
    """Whether the plugin failed, so that `on_error` stops the request."""
    return bool(result.failure) and result.failure.failure is FailureClass.EXCEPTION


def test_all_texts_of_a_prompt_go_in_one_request_and_come_back_masked() -> None:
    dlp = OwnFormat()
    result = run_with(dlp).before(user=[f"I am {MAIL}", "hello"], system="Be kind.", assistant=f"Card {CARD}")
    assert result.action == "transform"
    assert result.texts("request.messages.user") == ("I am <email>", "hello")
    assert result.texts("request.messages.assistant") == ("Card <card>",)
    assert result.recorded == {"segments": 4, "requests": 1, "masked": 2}
    assert result.deliveries == (("dlp.example.com", 200),)
    (asked,) = dlp.asked
    assert (asked["version"], asked["direction"]) == (1, "request")
    assert [segment["id"] for segment in asked["segments"]] == ["0", "1", "2", "3"]


def test_the_dlp_is_told_texts_and_nothing_else_of_the_request() -> None:
    dlp = OwnFormat()
    run_with(dlp).before(
        user="hello", identity={"api_key": "key-canary", "tenant": "tenant-canary"}, model="model-canary"
    )
    (call,) = dlp.calls
    assert b"canary" not in call.content
    assert {"authorization", "content-type", "x-request-id"} <= set(call.headers)
    assert json.loads(call.content)["segments"] == [{"id": "0", "text": "hello"}]


def test_an_answer_is_judged_in_its_own_direction() -> None:
    dlp = OwnFormat()
    result = run_with(dlp).after(text=f"Ask {MAIL}", reasoning="Hm.", tool_calls=["x"], mcp_result=[MAIL])
    assert result.texts("response.text") == ("Ask <email>",)
    assert result.texts("response.mcp.result") == ("<email>",)
    assert dlp.asked[0]["direction"] == "response"


def test_one_text_that_must_not_pass_stops_all() -> None:
    result = run_with(OwnFormat()).before(user=["hello", f"top secret of {MAIL}"])
    assert (result.action, result.reason) == ("block", "sensitive_data")


def test_what_would_be_masked_is_stopped_where_the_operator_says_so() -> None:
    result = run_with(OwnFormat(), on_mask="block").before(user=f"I am {MAIL}")
    assert (result.action, result.reason) == ("block", "sensitive_data")


def test_members_are_judged_as_deep_as_they_go_and_long_numbers_too() -> None:
    dlp = OwnFormat()
    number = int(CARD.replace(" ", ""))
    result = run_with(dlp).before(
        metadata={"who": {"mails": [MAIL, "none"]}, "card": number, "count": 3},
        parameters={"stop": [MAIL], "seed": number, "temperature": 0.5},
    )
    metadata = result.members("request.metadata")
    assert list(metadata["who"]["mails"]) == ["<email>", "none"]
    assert (metadata["card"], metadata["count"]) == ("<card>", 3)
    assert result.members("request.parameters")["seed"] == number, "the API's own number"
    assert list(result.members("request.parameters")["stop"]) == ["<email>"]


def test_a_text_that_is_said_often_is_sent_once() -> None:
    dlp = OwnFormat()
    result = run_with(dlp).before(user=[MAIL, "  ", MAIL], assistant=MAIL)
    assert [len(asked["segments"]) for asked in dlp.asked] == [1]
    assert result.texts("request.messages.user") == ("<email>", "  ", "<email>")
    assert result.texts("request.messages.assistant") == ("<email>",)


def test_nothing_is_asked_about_nothing() -> None:
    dlp = OwnFormat()
    result = run_with(dlp).before(user=["", " "])
    assert (result.action, dlp.calls) == ("record", [])


def test_fields_that_are_not_granted_are_not_sent() -> None:
    dlp = OwnFormat()
    secrets = {"token": TOKEN}
    run = harness(
        folder_of("dlp-http"), {"url": URL}, secrets=secrets, transport=dlp, without=["request.tools"]
    )
    tool = {"type": "function", "function": {"name": "f", "description": "tool-canary"}}
    assert run.before(user="hello", tools=[tool]).failure is None
    assert b"canary" not in dlp.calls[0].content


def test_more_than_fits_goes_in_several_requests() -> None:
    dlp = OwnFormat()
    texts = [f"{number} " + "x" * 500 for number in range(10)] + [MAIL]
    result = run_with(dlp, batch_bytes=2_048, max_requests=8).before(user=texts)
    assert [len(asked["segments"]) for asked in dlp.asked] == [3, 3, 3, 2]
    assert all(len(call.content) < 2_300 for call in dlp.calls)
    assert result.texts("request.messages.user")[-1] == "<email>"
    assert result.recorded["requests"] == 4
    few = OwnFormat()
    run_with(few, batch_segments=4).before(user=texts)
    assert [len(asked["segments"]) for asked in few.asked] == [4, 4, 3]


@pytest.mark.parametrize("texts", [["x" * 1_000_000], [f"{n} " + "x" * 1_000 for n in range(20)]])
def test_more_than_can_be_asked_about_is_stopped_before_anything_is_sent(texts: list[str]) -> None:
    dlp = OwnFormat()
    result = run_with(dlp, batch_bytes=2_048).before(user=texts)
    assert (result.action, result.reason, dlp.calls) == ("block", "too_much_text", [])


def test_a_long_text_goes_alone_and_whole() -> None:
    dlp = OwnFormat()
    result = run_with(dlp).before(user=["hello", "x" * 400_000 + MAIL])
    assert [len(asked["segments"]) for asked in dlp.asked] == [1, 1]
    assert result.texts("request.messages.user")[1].endswith("<email>")


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("half open"),
        httpx.Response(301, headers={"location": "https://elsewhere.example.net/"}),
        httpx.Response(307, headers={"location": "https://elsewhere.example.net/"}),
        httpx.Response(400),
        httpx.Response(404),
        httpx.Response(413),
        httpx.Response(422),
        httpx.Response(500),
        httpx.Response(502),
        httpx.Response(204),
        httpx.Response(202, json={"segments": [{"id": "0", "verdict": "allow"}]}),
        httpx.Response(429),
        httpx.Response(429, headers={"retry-after": "60"}),
        httpx.Response(503, headers={"retry-after": "soon"}),
    ],
    ids=lambda one: str(getattr(one, "status_code", type(one).__name__)),
)
def test_a_dlp_that_does_not_say_lets_nothing_pass_and_is_asked_once(trouble: Any) -> None:
    dlp = OwnFormat(trouble)
    result = run_with(dlp).before(user="hello")
    assert passes_nothing(result)
    assert len(dlp.calls) == 1
    assert "hello" not in str(result.error)


def test_a_connection_that_had_gone_is_made_anew_once() -> None:
    dlp = OwnFormat(httpx.RemoteProtocolError("Server disconnected without sending a response."))
    result = run_with(dlp).before(user="hello")
    assert (result.failure, len(dlp.calls)) == (None, 2)
    assert result.recorded["requests"] == 2
    down = OwnFormat(*[httpx.ConnectError("refused")] * 5)
    assert passes_nothing(run_with(down).before(user="hello"))
    assert len(down.calls) == 2


def test_a_busy_dlp_that_names_a_short_time_is_asked_once_more() -> None:
    dlp = OwnFormat(httpx.Response(429, headers={"retry-after": "1"}))
    assert run_with(dlp).before(user="hello").failure is None
    assert len(dlp.calls) == 2
    late = OwnFormat(httpx.Response(429, headers={"retry-after": "3"}))
    assert passes_nothing(run_with(late).before(user="hello")), "the deadline of 3 s would be over"
    assert len(late.calls) == 1


def test_a_token_that_expired_is_read_anew_once() -> None:
    dlp = OwnFormat()
    assert run_with(dlp, "expired", TOKEN).before(user="hello").failure is None
    assert [call.headers["authorization"] for call in dlp.calls] == ["Bearer expired", f"Bearer {TOKEN}"]
    refused = OwnFormat()
    assert passes_nothing(run_with(refused, "expired", "expired too").before(user="hello"))
    assert len(refused.calls) == 2


def test_a_token_may_go_in_another_header() -> None:
    dlp = OwnFormat(httpx.Response(200, json={"segments": [{"id": "0", "verdict": "allow"}]}))
    assert run_with(dlp, header="x-api-key").before(user="hello").failure is None
    assert dlp.calls[0].headers["x-api-key"] == TOKEN
    assert "authorization" not in dlp.calls[0].headers


def test_presidio_finds_in_one_request_what_becomes_one_mask_where_findings_overlap() -> None:
    dlp = Analyzer()
    result = run_with(dlp, format="presidio").before(user=[f"I am {MAIL}, {CARD}", "hello"])
    assert result.texts("request.messages.user") == ("I am <email_address>, <credit_card>", "hello")
    assert dlp.asked == [
        {"text": [f"I am {MAIL}, {CARD}", "hello"], "language": "en", "score_threshold": 0.5}
    ]


def test_kinds_have_their_own_actions() -> None:
    actions = {"CREDIT_CARD": "block", "EMAIL_ADDRESS": "allow"}
    run = run_with(Analyzer(), format="presidio", actions=actions, kinds=["CREDIT_CARD", "EMAIL_ADDRESS"])
    assert run.before(user=CARD).reason == "sensitive_data"
    assert run.before(user=MAIL).action == "emit"


def test_a_presidio_that_takes_no_lists_lets_nothing_pass() -> None:
    assert passes_nothing(
        run_with(Analyzer(takes_lists=False), format="presidio").before(user=["hello", "you"])
    )


def test_google_is_sent_a_table_and_its_findings_are_of_rows() -> None:
    dlp = Inspector()
    kinds = ["EMAIL_ADDRESS", "CREDIT_CARD_NUMBER"]
    result = run_with(dlp, format="google", kinds=kinds).before(
        user=[f"{MAIL} it is", "hello", f"\U0001f469 {CARD} and {MAIL}"]
    )
    assert result.texts("request.messages.user") == (
        "<email_address> it is",
        "hello",
        "\U0001f469 <credit_card_number> and <email_address>",
    )
    (asked,) = dlp.asked
    assert asked["inspectConfig"]["infoTypes"] == [{"name": kind} for kind in kinds]
    assert asked["inspectConfig"]["includeQuote"] is False


def test_google_that_tells_not_all_that_it_found_lets_nothing_pass() -> None:
    dlp = Inspector()
    dlp.most_findings = 2
    run = run_with(dlp, format="google")
    assert run.before(user=[MAIL, MAIL + "!"]).failure is None
    assert passes_nothing(run.before(user=" ".join([MAIL] * 3)))


def test_google_without_findings_says_nothing_at_all() -> None:
    dlp = Inspector()
    assert run_with(dlp, format="google").before(user="hello").action == "emit"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "url"),
        ({"url": "ftp://dlp.example.com"}, "url"),
        ({"url": "https://user:pw@dlp.example.com/"}, "url"),
        ({"url": URL, "max_requests": 11}, "max_requests"),
        ({"url": URL, "batch_bytes": 2_000_000}, "batch_bytes"),
        ({"url": URL, "actions": {"A": "block"}}, "actions"),
        ({"url": URL, "format": "google", "language": "en"}, "language"),
        ({"url": URL, "format": "presidio", "least_likelihood": "LIKELY"}, "least_likelihood"),
        ({"url": URL, "format": "other"}, "format"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(folder_of("dlp-http"), config)


def test_a_url_to_a_host_that_is_not_granted_is_refused_with_the_line_to_add() -> None:
    written = (DEPLOYMENT + stanza("dlp-http")).replace(URL, "https://elsewhere.example.net/v1/inspect")
    with pytest.raises(ConfigurationError, match=r'hosts = \["elsewhere\.example\.net:443"\]'):
        compile_file(parse_gateway_file(written.encode(), tree.ROOT / "gateway.toml"))


def test_it_never_runs_in_the_gateway_s_process() -> None:
    written = DEPLOYMENT + stanza("dlp-http").replace("order = 20", 'host = "in_process"')
    with pytest.raises(ConfigurationError, match="does not run in the gateway's process"):
        compile_file(parse_gateway_file(written.encode(), tree.ROOT / "gateway.toml"))


def test_the_fakes_are_strict() -> None:
    """What a fake lets pass, a test cannot see: a wrong token and an unknown language are refused."""
    kinds: list[Dlp] = [OwnFormat(), Analyzer(), Inspector()]
    assert all(passes_nothing(run_with(dlp, "wrong").before(user="hello")) for dlp in kinds)
    assert passes_nothing(run_with(Analyzer(), format="presidio", language="de").before(user="hello"))
