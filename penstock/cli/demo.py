"""`penstock demo`: the local gateway, four requests, the evidence of each and where it was delivered."""

from __future__ import annotations

import argparse
import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    import openai

    from penstock.dev.gateway import LocalGateway
    from penstock.evidence.reading import RequestEvidence

CHAT = "/v1/chat/completions"
# A folder of its own, thrown away each time: a `penstock dev` may run beside it.
FOLDER = Path(".penstock") / "demo"
EVIDENCE_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Step:
    """One request, and what it is to show.

    `secrets`: what must neither leave nor come back; `code`: why it is blocked; `says`: of a request that
    streams, what the upstream is to say, a letter at a time.
    """

    title: str
    prompt: str
    secrets: tuple[str, ...] = ()
    code: str | None = None
    says: str | None = None


# The mail address and the card number are those of documentation (RFC 2606; the networks' test numbers); the
# key is made up.
STEPS = (
    Step("A question is answered", "What is a penstock?"),
    Step(
        "Personal data never leaves",
        "Write to jane.doe@example.com that her card 4111 1111 1111 1111 was charged.",
        secrets=("jane.doe@example.com", "4111 1111 1111 1111"),
    ),
    Step(
        "An answer is masked while it streams, letter by letter",
        "Whose card was charged?",
        secrets=("jane.doe@example.com", "4111 1111 1111 1111"),
        says="The card 4111 1111 1111 1111 of jane.doe@example.com was charged. Anything else?",
    ),
    Step(
        "A secret key is stopped",
        "Why does AKIAZ3MSJV4WWX5TDRGQ not work?",
        secrets=("AKIAZ3MSJV4WWX5TDRGQ",),
        code="pii-redactor.secret_key",
    ),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the client got: a text, or an error's code and message."""

    request_id: str
    text: str
    code: str | None = None


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("demo", help="show the gateway with four requests", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help=f"state and logs (default: {FOLDER})")


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration; 0 when all went as it should. Raises ConfigurationError."""
    from penstock.dev.console import telling
    from penstock.dev.gateway import LocalGateway
    from penstock.dev.options import Options

    options = Options(port=0, folder=arguments.folder, fresh=True, keep=False, warm=1, maximum=2)
    with LocalGateway(options, tell=telling()) as gateway, _client(gateway) as client:
        problems = [problem for step in STEPS for problem in _show(step, client, gateway)]
    for problem in problems:
        print(f"This is not as it should be: {problem}")
    return 1 if problems else 0


def _client(gateway: LocalGateway) -> openai.OpenAI:
    try:
        import openai
    except ImportError as error:
        remedy = "Install the package openai, or run `make demo`."
        raise ConfigurationError("penstock demo", "needs the OpenAI client.", remedy) from error
    return openai.OpenAI(
        base_url=f"{gateway.address}/v1", api_key=gateway.prepared.api_key, max_retries=0, timeout=60
    )


def _show(step: Step, client: openai.OpenAI, gateway: LocalGateway) -> Iterator[str]:
    """Ask, print question, answer, what left and the evidence; yield what is not as it should be."""
    from penstock.cli.evidence_tables import print_evidence

    answer, left = _ask(client, step, gateway.prepared.models[0]), _left(gateway)
    print(f"\n{step.title}\n{'=' * len(step.title)}")
    print(f"asked     {step.prompt}\nleft      {left or 'nothing'}")
    if step.says:
        print(f"came      {' '.join(step.says)}")
    print(f"answered  {answer.text}\n")
    yield from _problems(step, answer, left)
    evidence = _evidence(gateway, answer.request_id)
    if evidence is None:
        yield f"there is no evidence of {answer.request_id}"
        return
    print_evidence(evidence)
    if not any(sent.status == 204 for record in evidence.deliveries for sent in record.deliveries):
        yield f"the evidence of {answer.request_id} was not delivered to its receiver"


def _ask(client: openai.OpenAI, step: Step, model: str) -> Answer:
    import openai

    try:
        return _streamed(client, step, model) if step.says else _whole(client, step, model)
    except openai.APIStatusError as error:
        text = f"{error.status_code} {error.code}: {error.message}"
        return Answer(error.response.headers.get("x-request-id", ""), text, error.code)


def _whole(client: openai.OpenAI, step: Step, model: str) -> Answer:
    response = client.chat.completions.with_raw_response.create(
        model=model, messages=[{"role": "user", "content": step.prompt}]
    )
    completion = response.parse()
    return Answer(response.headers.get("x-request-id", ""), completion.choices[0].message.content or "")


def _streamed(client: openai.OpenAI, step: Step, model: str) -> Answer:
    """The echo upstream is told what to say in words that no guard of the request masks (`text64`)."""
    said = base64.b64encode((step.says or "").encode()).decode()
    response = client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": "user", "content": step.prompt}],
        metadata={"echo": f"split=1; text64={said}"},
        stream=True,
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in response.parse() if chunk.choices]
    return Answer(response.headers.get("x-request-id", ""), "".join(pieces))


def _left(gateway: LocalGateway) -> str:
    """The prompts that the upstream has received since this was last asked."""
    import httpx

    seen = httpx.get(f"{gateway.echo_url}/_seen").json()["requests"]
    httpx.delete(f"{gateway.echo_url}/_seen")
    bodies = [json.loads(base64.b64decode(request["body"])) for request in seen if request["path"] == CHAT]
    return " ".join(message["content"] for body in bodies for message in body["messages"])


def _problems(step: Step, answer: Answer, left: str) -> Iterator[str]:
    if answer.code != step.code:
        yield f"{step.title!r} was answered with {answer.code or 'an answer'}"
    if (step.code is None) != bool(left):
        yield f"{step.title!r} was {'' if left else 'not '}passed on"
    if any(secret in left for secret in step.secrets):
        yield f"{step.title!r} let something out"
    if any(secret in answer.text for secret in step.secrets):
        yield f"{step.title!r} let something in"


def _evidence(gateway: LocalGateway, request_id: str) -> RequestEvidence | None:
    """The evidence, which the recorder stores a moment after the answer, with its delivery a moment later."""
    from penstock.adapters.objects import S3Objects
    from penstock.evidence.reading import EvidenceReader

    reader = EvidenceReader(S3Objects(gateway.clients, gateway.prepared.resources.evidence_bucket))
    give_up_at = time.monotonic() + EVIDENCE_WITHIN_S
    while True:
        found = reader.find(request_id)
        if (found and found.terminal and found.deliveries) or time.monotonic() > give_up_at:
            return found
        time.sleep(0.1)
