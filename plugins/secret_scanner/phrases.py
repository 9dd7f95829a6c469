"""Secrets that show by the words before them: blocks, URLs, headers, named values.

They are looked for where a word stands that always is there. As of `forms`, each is told by its first 256
characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .forms import Form
from .placeholders import is_basic, is_mixed, is_placeholder, is_random

# A key's line is 64 characters, of OpenSSH 70. Before the first stand no more than headers (RFC 1421,
# "Proc-Type"; RFC 9580, "Version"), which say 128 characters at most. The end may be missing.
_KEY = (
    r"(?s:.){0,128}?[A-Za-z0-9+/]{32}[A-Za-z0-9+/=\s\\]{0,16384}+"
    r"(?:-----END (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----)?"
)
_BLOCK = re.compile(rf"-----BEGIN (?:[A-Z0-9]{{1,16}} ){{0,3}}PRIVATE KEY(?: BLOCK)?-----{_KEY}")
# A key file as the console makes it, perhaps inside of another JSON text.
_ACCOUNT = re.compile(
    r'private_key\\{0,3}"\s{0,4}:\s{0,4}\\{0,3}"'
    r"(-----BEGIN (?:RSA )?PRIVATE KEY-----[\\nr\s]{0,12}[A-Za-z0-9+/]{32}[A-Za-z0-9+/=\s\\]{0,16384}+"
    r"(?:-----END (?:RSA )?PRIVATE KEY-----)?)"
)

_URL = re.compile(
    r"(?<=[A-Za-z0-9])://([^\s:/?#@\[\]\"'<>`\\]{0,64}:(?![0-9]{1,5}[,;])[^\s/?#@\"'`\\]{1,128}+)@(?=[^\s@])"
)

_AUTHORIZATION = r"(?i:authorization)[\\\"'\]\s:=,(]{1,12}"
_BEARER = re.compile(
    rf"{_AUTHORIZATION}(?i:bearer|token)\s{{1,4}}(?=[A-Za-z0-9._~+/=-]{{0,63}}[0-9])"
    r"([A-Za-z0-9._~+/=-]{16,4096}+)"
)
_BASIC = re.compile(rf"{_AUTHORIZATION}(?i:basic)\s{{1,4}}([A-Za-z0-9+/_-]{{8,200}}+={{0,2}})")

# An AWS secret access key has no form of its own (40 characters of base64): its name before it tells it.
_SECRET_KEY = re.compile(
    r"(?i:secret[ _-]?(?:access[ _-]?)?key)[^A-Za-z0-9/+]{1,12}(?:(?:is|was)[^A-Za-z0-9/+]{1,4})?"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
)
_SESSION_TOKEN = re.compile(r"(?i:session[ _-]?token)[^A-Za-z0-9/+]{1,12}([A-Za-z0-9/+]{100,4096}+={0,2})")

_NAMES = ("password", "passwd", "pwd", "secret", "token", "credential", "api", "access", "private")
_ASSIGNED = re.compile(
    r"(?i:passwords?|passwd|pwd|secret|token|credentials?|(?:api|access|private)[ _-]?key)[A-Za-z0-9_-]{0,16}"
    r"[\\\"'\]]{0,4}\s{0,4}(?:=>|:=|[:=]|is )\s{0,4}[\\\"'`(]{0,3}([^\s\"'`,;<>(){}\[\]\\]{8,128}+)"
)


def has_password(credentials: str) -> bool:
    """Whether `user:password` holds one. A user's own name is none: so examples are written."""
    user, _, password = credentials.partition(":")
    return password != user and not is_placeholder(password)


def _is_any(_value: str) -> bool:
    return True


def _phrase(
    rule: str, words: tuple[str, ...], pattern: re.Pattern[str], accepts: Callable[[str], bool], back: int = 0
) -> tuple[Form, ...]:
    return tuple(Form(rule, word, pattern, back, accepts) for word in words)


_HEADER_WORDS = ("uthorization", "UTHORIZATION")
PHRASE_FORMS: tuple[Form, ...] = (
    *_phrase("private_key", ("-----BEGIN ",), _BLOCK, _is_any),
    *_phrase("google_service_account", ("private_key",), _ACCOUNT, _is_any),
    *_phrase("url_password", ("://",), _URL, has_password),
    *_phrase("authorization_header", _HEADER_WORDS, _BEARER, _is_any, 1),
    *_phrase("authorization_header", _HEADER_WORDS, _BASIC, is_basic, 1),
    *_phrase("aws_secret_access_key", ("ecret", "ECRET"), _SECRET_KEY, is_mixed, 1),
    *_phrase("aws_secret_access_key", ("ession", "ESSION"), _SESSION_TOKEN, is_mixed, 1),
    *(
        form
        for word in _NAMES
        for form in _phrase("assigned_secret", (word, word.title(), word.upper()), _ASSIGNED, is_random)
    ),
)
