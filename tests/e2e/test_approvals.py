"""Approval before sensitive use, end to end: unmodified clients, Step Functions, e-mail, and the page."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI

from penstock.dev.gateway import LocalGateway
from tests.e2e.conftest import EvidenceReader, taken_mail
from tests.e2e.stub import StubProvider
from tests.gateway.world import COMPLETION

MODEL, PLUGIN = "stub-sensitive", "approval-gate"
WITHIN_S = 60.0


class Form(HTMLParser):
    """The hidden fields and the buttons of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.choices: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input":
            self.fields[str(given["name"])] = str(given["value"])
        if tag == "button":
            self.choices.append(str(given["value"]))


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    """Who opens the link: no key of the gateway's."""
    with httpx.Client(trust_env=False, timeout=60) as plain:
        yield plain


def refused(client: OpenAI, words: str, **more: Any) -> openai.PermissionDeniedError:
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": words}], **more)
    return caught.value


def of(error: openai.PermissionDeniedError) -> str:
    """The reference that the client shows."""
    assert error.code == "approval_required"
    assert isinstance(error.body, dict)
    return str(error.body["reference"])


def links(gateway: LocalGateway, reference: str) -> dict[str, str]:
    """By approver, of the e-mails about this request, once both have come."""
    ends = time.monotonic() + WITHIN_S
    while True:
        bodies = [str(message["body"]) for message in taken_mail(gateway.aws_url)]
        urls = [re.findall(r"http://\S+", body)[0] for body in bodies if reference in body]
        if len(urls) >= 2 or time.monotonic() > ends:
            assert len(urls) == 2, f"{len(urls)} e-mails"
            return {re.findall(r"[?&]to=(\w+)", url)[0]: url for url in urls}
        time.sleep(0.2)


def decide(browser: httpx.Client, link: str, choice: str) -> httpx.Response:
    page = Form(browser.get(link).raise_for_status().text)
    assert page.choices == ["approve", "deny"]
    return browser.post(link, data={**page.fields, "decision": choice})


def eventually(client: OpenAI, words: str) -> Any:
    """The answer, once the run has settled; what comes before is `approval_required` alone."""
    ends = time.monotonic() + WITHIN_S
    while True:
        try:
            return client.chat.completions.with_raw_response.create(
                model=MODEL, messages=[{"role": "user", "content": words}]
            )
        except openai.PermissionDeniedError as error:
            if error.code != "approval_required" or time.monotonic() > ends:
                raise
        time.sleep(0.2)


def test_a_request_waits_for_a_person_and_passes_once_when_it_is_approved(
    gateway: LocalGateway,
    client: OpenAI,
    stub: StubProvider,
    browser: httpx.Client,
    evidence: EvidenceReader,
) -> None:
    stub.answer = lambda _: (200, json.dumps(COMPLETION).encode())
    words, before = "Tell me the sensitive thing.", len(stub.seen)
    asked = refused(client, words)
    reference = of(asked)
    assert of(refused(client, words)) == reference
    assert len(stub.seen) == before
    urls = links(gateway, reference)
    assert browser.head(urls["anna"]).status_code == 200
    page = browser.get(urls["anna"])
    assert MODEL in page.text
    assert "acme" in page.text
    assert "sensitive thing" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert of(refused(client, words)) == reference  # looking has decided nothing
    assert "You approved" in decide(browser, urls["anna"], "approve").text
    again = browser.get(urls["bob"]).text
    assert "approved this" in again
    assert "<form" not in again
    passed = eventually(client, words)
    assert passed.parse().choices[0].message.content == "Hello there."
    assert of(refused(client, words)) == reference  # once
    (record,) = evidence.of(passed.headers["x-request-id"])
    (placement,) = [each for each in record["placements"] if each["plugin"] == PLUGIN]
    assert placement["recorded"] == {"approval": "approved", "uses_left": 0}
    first = str(asked.response.headers["x-request-id"])
    (record,) = evidence.of(first)
    (placement,) = [each for each in record["placements"] if each["plugin"] == PLUGIN]
    assert (placement["action"], placement["reference"]) == ("block", reference)
    told = {each["step"]: each for each in evidence.of(first, "delivery", count=3, within_s=WITHIN_S)}
    assert told["tell"]["recorded"] == {"approvers_told": 2, "approvers_untold": 0}
    assert told["settle"]["recorded"] == {"approval": "approved"}
    assert told["decide"]["outcome"] == "approved"
    assert told["decide"]["approver"].startswith("hmac:")
    assert "anna" not in json.dumps([record, *told.values()])


def test_a_denied_request_stays_refused_and_another_body_asks_anew(
    gateway: LocalGateway, client: OpenAI, browser: httpx.Client
) -> None:
    words = "Tell me what nobody may know."
    reference = of(refused(client, words))
    assert "You denied" in decide(browser, links(gateway, reference)["bob"], "deny").text
    with pytest.raises(openai.PermissionDeniedError) as caught:
        eventually(client, words)
    assert caught.value.code == "approval-gate.approval_denied"
    assert of(refused(client, words + "!")) != reference


def test_a_stream_and_another_dialects_client_are_told_the_reference_too(
    client: OpenAI, claude: Anthropic
) -> None:
    assert of(refused(client, "Tell me piece by piece.", stream=True))
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        claude.messages.create(
            model=MODEL, max_tokens=9, messages=[{"role": "user", "content": "Tell me as well."}]
        )
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["error"]["details"] == {"error_code": "approval_required"}
    assert re.fullmatch("[a-z2-7]{26}", body["error"]["reference"])


def test_a_forged_link_opens_nothing(gateway: LocalGateway, client: OpenAI, browser: httpx.Client) -> None:
    reference = of(refused(client, "Tell me under a forged link."))
    link = links(gateway, reference)["anna"]
    assert browser.get(link.replace("to=anna", "to=bob")).status_code == 403
    assert browser.get(link.partition("?")[0]).status_code == 404
    assert browser.post(link, data={"decision": "approve"}).status_code == 400
    assert of(refused(client, "Tell me under a forged link.")) == reference
