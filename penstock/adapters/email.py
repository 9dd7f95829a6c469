"""E-mail by Amazon SES (version 2 of its API), from one address, in the function's account and region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.failures import mapped
from penstock.errors import FieldNotGrantedError
from penstock.sdk.email import Message, checked_message, may_receive


class SesEmail:
    """`penstock.sdk.email.Email`. `sent` is told SES's id of each message that it has taken."""

    def __init__(
        self,
        clients: Clients,
        sender: str,
        granted: Sequence[str],
        sent: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._clients = clients
        self._sender = sender
        self._granted = granted
        self._sent = sent

    def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        message = checked_message(to, subject, text, html)
        if not all(may_receive(address, self._granted) for address in message.to):
            raise FieldNotGrantedError("email")
        with mapped("send an e-mail"):
            answer = self._clients.sesv2.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": list(message.to)},
                Content={"Simple": _content(message)},
            )
        self._sent(answer["MessageId"])


def _content(message: Message) -> Any:
    body = {"Text": _utf8(message.text)} | ({"Html": _utf8(message.html)} if message.html else {})
    return {"Subject": _utf8(message.subject), "Body": body}


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
