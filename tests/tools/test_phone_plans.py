from __future__ import annotations

import json

import phonenumbers

from tools import phone_plans


def test_the_plans_are_those_of_the_library_that_is_locked() -> None:
    said = "the library has other plans now: run `.venv/bin/python -m tools.phone_plans`"
    assert phone_plans.PLANS.read_text(encoding="utf-8") == phone_plans.encoded(), said


def test_every_country_code_has_its_plan() -> None:
    plans = json.loads(phone_plans.encoded())
    assert set(plans) == {str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE}
    assert all(lengths for _, lengths in plans.values())
