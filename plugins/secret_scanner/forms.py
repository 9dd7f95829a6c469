"""Tokens with a form of their own: a fixed part, and characters without a blank.

    ghp_0123…            `anchor` ghp_, and `pattern` matched where it stands

Widths: a form is told by its first 256 characters and reported as far as it has come, whatever its length
(docs/adr/0005-windows.md); a test computes that from every pattern. Where a vendor names a length the form
has it, else it has a least and a greatest one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from .placeholders import is_varied

_WORD = "A-Za-z0-9_-"
_ESCAPED = r"(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})"
# A token begins where a word does, after an escape that was not decoded ("\n"), or after %20 and the like.
BEGIN = rf"(?:(?<![A-Za-z0-9])|{_ESCAPED})"
# One without a narrow bound begins where its run of characters does: each run is then read once.
RUN_BEGIN = rf"(?:(?<![A-Za-z0-9._-])|{_ESCAPED})"
END = r"(?![A-Za-z0-9])"
_GITLAB = ("glpat", "gloas", "gldt", "glrt", "glrtr", "glcbt", "glptt", "glft", "glimt", "glagent", "glwt")
_GITLAB_MORE = ("glsoat", "glffct")
_PART = "[A-Za-z0-9_-]"


class Form(NamedTuple):
    """One form: `pattern` begins `back` characters before its `anchor`; its group 1, or all, is the value."""

    rule: str
    anchor: str
    pattern: re.Pattern[str]
    back: int = 0
    accepts: Callable[[str], bool] = is_varied


def _form(rule: str, anchor: str, rest: str, *, begin: str = BEGIN) -> Form:
    return Form(rule, anchor, re.compile(f"{begin}{re.escape(anchor)}{rest}"))


KEY_FORMS: tuple[Form, ...] = (
    # Unique ID prefixes; ids of AWS's own documentation end in EXAMPLE.
    *(
        _form("aws_access_key_id", prefix, rf"(?![A-Z0-9]{{9}}EXAMPLE)[A-Z0-9]{{16}}{END}")
        for prefix in ("AKIA", "ASIA")
    ),
    _form("aws_bedrock_key", "ABSK", r"[A-Za-z0-9+/]{100,269}+={0,2}"),
    _form("aws_bedrock_key", "bedrock-api-key-", r"[A-Za-z0-9+/=_-]{40,4096}+", begin=RUN_BEGIN),
    _form("google_api_key", "AIza", rf"[{_WORD}]{{35}}{END}"),
    _form("google_oauth", "GOCSPX-", rf"[{_WORD}]{{28}}{END}"),
    _form("google_oauth", "ya29.", rf"[.{_WORD}]{{20,2048}}+", begin=RUN_BEGIN),
    _form("azure_storage", "AccountKey=", r"([A-Za-z0-9+/]{40,128}+={0,2})"),
    _form("azure_storage", "SharedAccessKey=", r"([A-Za-z0-9+/]{40,128}+={0,2})"),
    _form("azure_storage", "sig=", r"([A-Za-z0-9%+/]{40,128}+={0,2})", begin=r"(?<=[?&;])"),
    *(_form("github", f"gh{kind}_", r"[A-Za-z0-9]{36,255}+") for kind in "pousr"),
    _form("github", "github_pat_", r"[A-Za-z0-9_]{22,255}+"),
    # The newer ones have parts by dots ("routable" tokens); an instance may put its own prefix before it.
    *(_form("gitlab", f"{prefix}-", r"[A-Za-z0-9_.=-]{20,300}+") for prefix in (*_GITLAB, *_GITLAB_MORE)),
    _form("gitlab", "GR1348941", rf"[{_WORD}]{{20,64}}+"),
    _form("npm", "npm_", rf"[A-Za-z0-9]{{36}}{END}"),
    # A macaroon, whose first bytes name PyPI or TestPyPI.
    _form("pypi", "pypi-AgE", rf"[{_WORD}]{{50,1024}}+"),
    *(_form("docker_hub", f"dckr_{kind}_", rf"[{_WORD}]{{20,64}}+") for kind in ("pat", "oat")),
    # "Prepare for token strings up to 255 characters long."
    *(_form("slack", f"xox{kind}-", r"[A-Za-z0-9-]{16,255}+") for kind in "abceoprs"),
    _form("slack", "xoxe.xox", r"[bp]-[A-Za-z0-9-]{16,255}+"),
    _form("slack", "xapp-", r"[A-Za-z0-9-]{20,255}+"),
    _form("slack_webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/([A-Za-z0-9/_-]{20,128}+)"),
    *(
        _form("stripe", f"{kind}_{mode}_", r"[A-Za-z0-9]{16,255}+")
        for kind in ("sk", "rk")
        for mode in ("live", "test")
    ),
    _form("stripe", "whsec_", r"[A-Za-z0-9+/]{24,128}+={0,2}"),
    _form("anthropic", "sk-ant-", rf"[{_WORD}]{{20,255}}+"),
    *(
        _form("openai", f"sk-{kind}-", rf"[{_WORD}]{{20,255}}+")
        for kind in ("proj", "svcacct", "service", "admin", "None")
    ),
    _form("openai", "sk-", rf"[A-Za-z0-9]{{20}}T3BlbkFJ[A-Za-z0-9]{{20}}{END}"),
    # Older ones, and those of providers that speak OpenAI's dialect: letters and digits alone.
    _form("openai", "sk-", rf"(?=[A-Za-z]{{0,64}}[0-9])[A-Za-z0-9]{{32,128}}+(?![{_WORD}])"),
    _form("huggingface", "hf_", rf"[A-Za-z0-9]{{34,40}}+{END}"),
    # 32 bytes in base64url; Stripe's publishable keys (pk_live_…) are no secrets, and longer or shorter.
    _form("penstock", "pk_", rf"[{_WORD}]{{43}}(?![{_WORD}])"),
    _form("twilio", "SK", rf"[0-9a-f]{{32}}{END}"),
    _form("sendgrid", "SG.", rf"[{_WORD}]{{22}}\.[{_WORD}]{{43}}{END}"),
    # Header and payload are JSON objects, so each begins `{"`. Without a signature it is a token too.
    _form(
        "jwt",
        "eyJ",
        rf"{_PART}{{8,2048}}+\.eyJ{_PART}{{8,16384}}+(?:\.{_PART}{{0,2048}}+)?",
        begin=RUN_BEGIN,
    ),
    # Encrypted: header, key, vector, text, tag.
    _form(
        "jwt",
        "eyJ",
        rf"{_PART}{{8,2048}}+\.{_PART}{{0,1024}}+\.{_PART}{{1,64}}+\.{_PART}{{1,16384}}+\.{_PART}{{8,128}}+",
        begin=RUN_BEGIN,
    ),
)

# What may still become a JSON Web Token at the end of a text. A signed one shows with its payload; an
# encrypted one with the last of its parts.
OPEN_JWT = re.compile(
    rf"{RUN_BEGIN}eyJ{_PART}{{0,2048}}+"
    rf"(?:\.{_PART}{{0,1024}}+(?:\.{_PART}{{0,64}}+(?:\.{_PART}{{0,16384}}+(?:\.{_PART}{{0,8}}+)?)?)?)?\Z"
)
