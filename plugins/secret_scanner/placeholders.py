"""What stands in documentation where a secret would: no find.

Told by the first characters of a value alone, because a stream shows no more of one before it has to leave.
"""

from __future__ import annotations

import base64
import math
import re
from collections import Counter

_WORDS = frozenset(
    {"password", "passwd", "pass", "pw", "pwd", "secret", "token", "changeme", "change_me", "example"}
    | {"placeholder", "redacted", "hidden", "removed", "dummy"}
)
# `${DB_PASSWORD}`, `$DB_PASSWORD`, `{password}`, `<password>`, `[redacted]`, `%(password)s`, `your-password`.
_TEMPLATE = re.compile(
    r"\$\{.*|\$[A-Z_][A-Z0-9_]*|\{.*|<.*|\[.*|%\(.*|%[A-Z_]+%"
    r"|(?i:your|my)[_.-]?(?i:(?:db|api|access|secret)[_.-]?)?(?i:password|passwd|pass|pw|secret|token|key).*"
)
_LOOKED_AT_CHARS = 32
_MIXED_CHARS = 100
_MIN_DISTINCT = 5  # 16 random hex digits have fewer once in a million
_MIN_BITS_PER_CHAR = 3.0


def is_placeholder(value: str) -> bool:
    """Whether a password is none: a word, a template, or one sign again and again (`****`)."""
    return value.casefold() in _WORDS or len(set(value)) < 3 or _TEMPLATE.fullmatch(value) is not None


def is_varied(value: str) -> bool:
    """Whether the end of a token's first characters is more than a few signs, as `xxxxxxxx` is."""
    return len(set(value[:_LOOKED_AT_CHARS][-16:])) >= _MIN_DISTINCT


def is_mixed(value: str) -> bool:
    """Whether it can be random bits in base64: a digest in hex has one case only. AWS's examples are none."""
    first = value[:_MIXED_CHARS]
    kinds = (str.islower, str.isupper, str.isdigit)
    return all(any(kind(char) for char in first) for kind in kinds) and not first.endswith("EXAMPLEKEY")


def is_basic(value: str) -> bool:
    """Whether it is a user and a password, as Basic authentication sends them (RFC 7617)."""
    bare = value.rstrip("=").replace("-", "+").replace("_", "/")
    whole = bare[: len(bare) - (len(bare) % 4 == 1)]
    decoded = base64.b64decode(whole + "=" * (-len(whole) % 4))
    user, colon, password = decoded.decode("latin-1").partition(":")
    return bool(colon) and bool(password) and password != user and not is_placeholder(password)


def is_random(value: str) -> bool:
    """Whether a value has letters, digits and the entropy of something made by chance."""
    has_both = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    if not has_both or "://" in value or is_placeholder(value):
        return False
    return _entropy(value) >= _MIN_BITS_PER_CHAR


def _entropy(value: str) -> float:
    """Bits per character, by how often each occurs."""
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
