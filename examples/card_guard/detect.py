"""What card_guard looks for. The built-in pii-redactor looks harder; this is short enough to read."""

import re

# 320 characters at most: as many as the window in plugin.toml.
EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,3}")
CARD = re.compile(r"\b[0-9](?:[ -]?[0-9]){12,18}\b")


def has_card(text: str) -> bool:
    """Whether some number in `text` has a card's length and check digit."""
    return any(luhn([int(char) for char in found[0] if char.isdigit()]) for found in CARD.finditer(text))


def luhn(digits: list[int]) -> bool:
    """The check digit of ISO/IEC 7812-1."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
