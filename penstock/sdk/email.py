"""How a plugin sends e-mail: from the address that the deployment gave it, to whom it was granted.

ctx.email.send(["soc@acme.example"], "Three blocks in an hour", "See the dashboard.")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Final, NamedTuple, Protocol

EMAIL: Final = "email"
"""What the evidence of a delivery names as its host."""

MAX_RECIPIENTS: Final = 50  # Amazon SES: of one message
MAX_SUBJECT_CHARS: Final = 200  # a line of a header has 998 (RFC 5322); what people read is shorter
MAX_BODY_BYTES: Final = 262_144  # a report; what is larger belongs behind a link
# What RFC 5321 lets every server take, without quotes: nothing in it can start another header or recipient.
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


class Message(NamedTuple):
    """One e-mail as it leaves."""

    to: tuple[str, ...]
    subject: str
    text: str
    html: str | None = None


class Email(Protocol):
    """Raises StorageError when the service does not take it now, UndeliverableError when it never will, and
    FieldNotGrantedError for other recipients.
    """

    def send(self, to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
        """One message; returns when the service has taken it. Raises ValueError beyond the bounds."""


def checked_message(to: Sequence[str], subject: str, text: str, html: str | None = None) -> Message:
    """A message within the bounds. Raises ValueError, which repeats nothing of it."""
    if isinstance(to, str) or not 1 <= len(to) <= MAX_RECIPIENTS:
        raise ValueError(f"an e-mail has a list of 1 to {MAX_RECIPIENTS} recipients")
    if not all(type(address) is str and _ADDRESS.fullmatch(address) for address in to):
        raise ValueError("a recipient is an address as name@host.example, and nothing besides")
    if not subject or len(subject) > MAX_SUBJECT_CHARS or _CONTROL.search(subject):
        raise ValueError(f"a subject is one line of 1 to {MAX_SUBJECT_CHARS} characters")
    if len(text.encode()) + len((html or "").encode()) > MAX_BODY_BYTES:
        raise ValueError(f"an e-mail has at most {MAX_BODY_BYTES} bytes of text")
    return Message(tuple(dict.fromkeys(to)), subject, text, html)


def may_receive(address: str, granted: Iterable[str]) -> bool:
    """Whether a grant names `address`: exactly, or by `*` for what stands before the `@`.

    A domain is compared without regard to case, as mail is delivered; a name before it is not.
    """
    name, _, domain = address.rpartition("@")
    for pattern in granted:
        before, _, host = pattern.rpartition("@")
        if domain.lower() == host.lower() and fnmatchcase(name, before):
            return True
    return False
