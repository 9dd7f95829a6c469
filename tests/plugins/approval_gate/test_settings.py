"""The settings: a channel that can reach everybody, and bounds."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import ConfigurationError
from penstock.sdk.testing import harness
from tests.plugins.approval_gate.stage import BY_EMAIL, BY_WEBHOOK, FOLDER


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({**BY_EMAIL, "approvers": {"anna": ""}}, "needs an e-mail address"),
        ({**BY_EMAIL, "approvers": {}}, "approvers"),
        ({**BY_EMAIL, "approvers": {"anna b": "a@b.co"}}, "approvers"),
        ({**BY_EMAIL, "url": "https://x.example/"}, "`url` goes with"),
        ({**BY_WEBHOOK, "url": None}, "`url` goes with"),
        ({**BY_EMAIL, "lifetime_s": 59}, "lifetime_s"),
        ({**BY_EMAIL, "uses": 0}, "uses"),
        ({**BY_EMAIL, "answer_within_s": 604_801}, "answer_within_s"),
    ],
)
def test_what_could_reach_nobody_or_last_for_ever_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        harness(FOLDER, config)
