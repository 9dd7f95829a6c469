"""Keys of cloud and model providers, private key blocks, and JSON Web Tokens, by their published forms.

Forms: each provider's documentation; lengths compared with GitHub's list of supported secret scanning
patterns and the rules of gitleaks (MIT). A form is found by its fixed part, its anchor, and that only in
words long enough for a key: one pattern looks for all anchors at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from penstock.sdk import Span

from .outline import Outline

_WORD = "A-Za-z0-9_-"
# A token begins where a word does, after an escape that was not decoded ("\n"), or after %20 and the like.
_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_END = r"(?![A-Za-z0-9])"
_GITLAB = ("glpat", "gldt", "glrt", "glcbt", "glptt", "glft", "glimt", "glagent", "gloas", "glsoat", "glffct")
_OPENAI_LIKE = ("proj", "svcacct", "admin", "None", "ant", "or", "lf")


class Form(NamedTuple):
    """One published form: text that is always in it, how far before that it begins, and all of it."""

    anchor: str
    source: str
    max_width: int
    back: int = 0

    @property
    def pattern(self) -> re.Pattern[str]:
        """Made when its anchor first stands in a text: most never do, and all take a thirtieth of a start."""
        return _compiled(self.source)


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)


def _form(
    anchor: str, rest: str, max_rest: int, *, before: str = "", back: int = 0, begin: str = _BEGIN
) -> Form:
    return Form(anchor, f"{begin}{before}{re.escape(anchor)}{rest}", back + len(anchor) + max_rest, back)


KEY_FORMS: tuple[Form, ...] = (
    # AWS: IAM User Guide, "IAM identifiers", unique ID prefixes of access keys.
    *(_form(prefix, rf"[A-Z0-9]{{16}}{_END}", 16) for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
    # AWS Bedrock API keys: Bedrock User Guide, "API keys".
    _form("ABSK", r"[A-Za-z0-9+/]{109,269}+={0,2}", 271),
    _form("bedrock-api-key-", r"[A-Za-z0-9+/=_-]{40,2048}+", 2048),
    # GitHub Docs, "About authentication to GitHub", token formats.
    *(_form(f"gh{kind}_", r"[A-Za-z0-9]{36,255}+", 255) for kind in "pousr"),
    _form("github_pat_", r"[A-Za-z0-9_]{22,255}+", 255),
    # GitLab Docs, "Token overview", token prefixes.
    *(_form(f"{prefix}-", r"[A-Za-z0-9_.=-]{20,300}+", 300) for prefix in _GITLAB),
    # Slack API docs, "Token types"; incoming webhooks.
    *(_form(f"xox{kind}-", r"[A-Za-z0-9-]{10,255}+", 255) for kind in "abcdeoprs"),
    _form("xapp-", r"[A-Za-z0-9-]{20,255}+", 255),
    _form("hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9/_-]{20,128}+", 138),
    # OpenAI, Anthropic and those who speak their dialects.
    *(_form(f"sk-{kind}-", rf"[{_WORD}]{{20,255}}+", 255) for kind in _OPENAI_LIKE),
    _form("sk-", rf"[A-Za-z0-9]{{20}}T3BlbkFJ[A-Za-z0-9]{{20}}{_END}", 48),
    _form("sk-", rf"(?=[A-Za-z]{{0,64}}[0-9])[A-Za-z0-9]{{32,128}}+(?![{_WORD}])", 128),
    _form("gsk_", r"[A-Za-z0-9]{40,64}+", 64),
    _form("xai-", r"[A-Za-z0-9]{64,128}+", 128),
    _form("pplx-", r"[A-Za-z0-9]{40,64}+", 64),
    _form("hf_", rf"[A-Za-z0-9]{{34,40}}+{_END}", 40),
    _form("r8_", rf"[A-Za-z0-9]{{37,40}}+{_END}", 40),
    # Google Cloud: API keys, OAuth client secrets, access and refresh tokens.
    _form("AIza", rf"[{_WORD}]{{35}}{_END}", 35),
    _form("GOCSPX-", rf"[{_WORD}]{{28}}{_END}", 28),
    _form("ya29.", rf"[.{_WORD}]{{20,2048}}+", 2048),
    _form("1//0", rf"[{_WORD}]{{40,255}}+", 255),
    # Stripe Docs, "API keys"; webhook signing secrets, also those of Standard Webhooks.
    *(
        _form(f"{kind}_{mode}_", r"[A-Za-z0-9]{10,255}+", 255)
        for kind in ("sk", "rk")
        for mode in ("live", "test")
    ),
    _form("whsec_", r"[A-Za-z0-9+/]{24,128}+={0,2}", 130),
    # Azure: storage keys, shared access signatures, Entra ID secrets, annotated keys ("JQQJ99", "AZDO").
    _form("AccountKey=", r"[A-Za-z0-9+/]{40,128}+={0,2}", 130),
    _form("SharedAccessKey=", r"[A-Za-z0-9+/]{40,128}+={0,2}", 130),
    _form("sig=", r"[A-Za-z0-9%+/]{40,128}+={0,2}", 130, begin=r"(?<=[?&;])"),
    _form("Q~", r"[A-Za-z0-9_~.-]{31,34}+", 34, before=r"[A-Za-z0-9_~.]{3}[0-9]", back=4),
    _form("JQQJ99", rf"[A-Za-z0-9]{{26}}{_END}", 26, before=r"[A-Za-z0-9]{52}", back=52),
    _form("AZDO", rf"[A-Za-z0-9]{{4}}{_END}", 4, before=r"[A-Za-z0-9]{76}", back=76),
    # Penstock's own API keys, 32 bytes in base64url; Stripe's publishable keys have another length.
    _form("pk_", rf"[{_WORD}]{{43}}(?![{_WORD}])", 43),
    # Others that a prompt meets often; each form as its provider documents it.
    _form("npm_", rf"[A-Za-z0-9]{{36}}{_END}", 36),
    _form("pypi-AgE", rf"[{_WORD}]{{50,1024}}+", 1024),
    _form("dckr_pat_", rf"[{_WORD}]{{20,64}}+", 64),
    _form("SG.", rf"[{_WORD}]{{22}}\.[{_WORD}]{{43}}{_END}", 66),
    *(_form(f"do{kind}_v1_", rf"[a-f0-9]{{64}}{_END}", 64) for kind in "opr"),
    _form("hvs.", rf"[{_WORD}]{{24,300}}+", 300),
    _form("dapi", rf"[a-f0-9]{{32}}(?:-[0-9])?{_END}", 34),
    *(_form(f"shp{kind}_", rf"[a-fA-F0-9]{{32}}{_END}", 32) for kind in ("at", "ca", "pa", "ss")),
)

_AWS_KEY_IDS = ("AKIA", "ASIA")


def _common_stem(words: list[str]) -> str:
    first, last = min(words), max(words)
    size = next(
        (n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first)
    )
    return first[:size]


def _any_of(words: Iterable[str]) -> str:
    """A pattern of all the words, written as a tree: one decision at each character."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[0], []).append(word)
    branches = []
    for group in groups.values():
        stem = _common_stem(group)
        rests = [word[len(stem) :] for word in group]
        branches.append(re.escape(stem) + (_any_of(rests) if all(rests) else ""))
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _heads(anchors: Iterable[str]) -> list[str]:
    """The anchors with which no other begins: `sk-` stands for `sk-proj-` too."""
    every = sorted(set(anchors))
    return [word for word in every if not any(word != other and word.startswith(other) for other in every)]


_HEADS = _heads(form.anchor for form in KEY_FORMS)
_ANCHORS = re.compile(_any_of(_HEADS))
_FORMS_AT: Mapping[str, tuple[Form, ...]] = MappingProxyType(
    {head: tuple(form for form in KEY_FORMS if form.anchor.startswith(head)) for head in _HEADS}
)

# RFC 7515 (JWS: header.payload.signature) and RFC 7516 (JWE: five parts). A header is JSON: it begins `{"`.
_PART = r"[A-Za-z0-9_-]"
JWT_FORM = _form(
    "eyJ",
    rf"{_PART}{{5,2048}}+\.(?:eyJ{_PART}{{2,16384}}+\.{_PART}{{0,2048}}+"
    rf"|{_PART}{{0,1024}}+\.{_PART}{{1,64}}+\.{_PART}{{1,16384}}+\.{_PART}{{8,128}}+)",
    2048 + 16384 + 2048 + 5,
)

# An AWS secret access key has no form of its own (40 characters of base64): its name before it tells it.
_SECRET_NAME = re.compile(
    r"secret[ _-]?(?:access[ _-]?)?key[^A-Za-z0-9/+]{1,12}(?:(?:is|was)[^A-Za-z0-9/+]{1,4})?"
    r"([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])",
    re.IGNORECASE,
)
_SESSION_TOKEN = re.compile(
    r"session[ _-]?token[^A-Za-z0-9/+]{1,12}([A-Za-z0-9/+]{100,4096}+={0,2})", re.IGNORECASE
)
_LONE_SECRET = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
_MIN_SECRET_CHARS = 40
_MAX_NAME_CHARS = 64  # of `secret access key`, of what stands between it and the secret, and some more
_NEAR_CHARS = 120  # an access key id and its secret stand in the same two lines of a file or a table row

# RFC 7468 and RFC 4880, section 6.2. The block may lack its end, and hold "\n" that was not decoded.
_BLOCK_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,16} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BLOCK_END = re.compile(r"-----END [A-Z0-9 ]{0,48}PRIVATE KEY(?: BLOCK)?-----")
_BLOCK_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,]{0,16384}+")
_MAX_BLOCK_CHARS = 16_384  # an RSA key of 16,384 bits has 12,700 characters

# What may still become a token at the end of a text: its parts so far, of whichever kind.
_OPEN_JWT = re.compile(
    rf"{_BEGIN}{re.escape(JWT_FORM.anchor)}{_PART}{{0,2048}}+(?:\.{_PART}{{0,16384}}+){{0,4}}\Z"
)
_TOKEN_BACKWARDS = re.compile(r"[A-Za-z0-9_.-]*+")

MAX_KEY_WIDTH = _MAX_BLOCK_CHARS + 128
MAX_JWT_WIDTH = JWT_FORM.max_width


def find_keys(text: str, outline: Outline | None = None) -> Iterator[Span]:
    """Every provider key and private key block in `text`; spans may overlap."""
    if "PRIVATE KEY" in text:
        yield from _blocks(text)
    for stretch in (outline or Outline(text)).token_stretches():
        yield from _anchored(text, stretch)
        if stretch.end - stretch.start >= _MIN_SECRET_CHARS:
            yield from _named_secrets(text, stretch)


def find_jwts(text: str) -> Iterator[Span]:
    """Every signed or encrypted JSON Web Token in `text`."""
    at = text.find(JWT_FORM.anchor)
    while at >= 0:
        found = JWT_FORM.pattern.match(text, at)
        if found:
            yield Span(*found.span())
        at = text.find(JWT_FORM.anchor, found.end() if found else at + 1)


def open_block(text: str) -> int | None:
    """Where a private key block begins whose end may still come; None for none."""
    at = 0
    while "PRIVATE KEY" in text and (begin := _BLOCK_BEGIN.search(text, at)):
        last = begin.end() + _MAX_BLOCK_CHARS
        end = _BLOCK_END.search(text, begin.end(), last)
        if end is None and len(text) < last:
            return begin.start()
        at = end.end() if end else begin.end()
    return None


def open_jwt(text: str) -> int | None:
    """Where a token begins that may go on behind the end of `text`; None for none."""
    run = _TOKEN_BACKWARDS.match(text[::-1]) if JWT_FORM.anchor in text else None
    found = _OPEN_JWT.search(text, len(text) - run.end()) if run else None
    return found.start() if found else None


def _anchored(text: str, stretch: Span) -> Iterator[Span]:
    """Every key in one stretch of token characters, and the AWS secrets that stand near one."""
    next_at: dict[Form, int] = {}  # inside a find of a form, the same form is not looked for again
    anchor = _ANCHORS.search(text, *stretch)
    while anchor:
        at = anchor.start()
        for form in _FORMS_AT[anchor[0]]:
            start = at - form.back
            found = form.pattern.match(text, start) if start >= 0 and at >= next_at.get(form, 0) else None
            if found:
                yield Span(*found.span())
                next_at[form] = found.end()
                if form.anchor in _AWS_KEY_IDS:
                    yield from _aws_secrets(text, found)
        anchor = _ANCHORS.search(text, at + 1, stretch.end)


def _aws_secrets(text: str, key_id: re.Match[str]) -> Iterator[Span]:
    near = _LONE_SECRET.finditer(text, max(0, key_id.start() - _NEAR_CHARS), key_id.end() + _NEAR_CHARS)
    yield from (Span(*found.span()) for found in near if _is_mixed(found[0]))


def _named_secrets(text: str, stretch: Span) -> Iterator[Span]:
    """AWS secrets and session tokens in a stretch, by the names before them."""
    before = max(0, stretch.start - _MAX_NAME_CHARS)
    for pattern in (_SECRET_NAME, _SESSION_TOKEN):
        for found in pattern.finditer(text, before, stretch.end):
            yield Span(*found.span(1))


def _is_mixed(token: str) -> bool:
    """Whether it can be 240 random bits: a digest in hex has one case only."""
    return (
        any(c.islower() for c in token)
        and any(c.isupper() for c in token)
        and any(c.isdigit() for c in token)
    )


def _blocks(text: str) -> Iterator[Span]:
    at = 0
    while begin := _BLOCK_BEGIN.search(text, at):
        end = _BLOCK_END.search(text, begin.end(), begin.end() + _MAX_BLOCK_CHARS)
        body = end or _BLOCK_BODY.match(text, begin.end())
        at = body.end() if body else begin.end()
        yield Span(begin.start(), at)
