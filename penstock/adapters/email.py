"""E-mail by Amazon SES (version 2 of its API), from one address, in the function's account and region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from penstock.adapters.clients import Clients
from penstock.adapters.failures import error_code, mapped
from penstock.errors import FieldNotGrantedError, UndeliverableError
from penstock.sdk.email import Message, checked_message, may_receive

# What SES says of a message or a sender that it will not take later either (its API reference, SendEmail).
FOR_GOOD = frozenset({"BadRequestException", "MailFromDomainNotVerifiedException", "MessageRejected"})


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
            answer = self._asked(message)
        self._sent(answer["MessageId"])

    def _asked(self, message: Message) -> Any:
        from botocore.exceptions import ClientError

        try:
            return self._clients.sesv2.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": list(message.to)},
                Content={"Simple": _content(message)},
            )
        except ClientError as error:
            if error_code(error) not in FOR_GOOD:
                raise
            raise UndeliverableError(
                f"Amazon SES will not take it ({error_code(error)}): verify the sender, or its domain, in "
                "this account and region, and leave SES's sandbox"
            ) from error


def _content(message: Message) -> Any:
    body = {"Text": _utf8(message.text)} | ({"Html": _utf8(message.html)} if message.html else {})
    return {"Subject": _utf8(message.subject), "Body": body}


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
