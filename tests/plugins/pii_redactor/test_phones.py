from __future__ import annotations

import subprocess
import sys
from functools import cache

import phonenumbers
import pytest

from plugins.pii_redactor.phones import MAX_WIDTH, phone_finder

# Regions whose numbering plan gives an example that is written as people write it.
REGIONS = (
    "US",
    "CA",
    "GB",
    "DE",
    "FR",
    "ES",
    "IT",
    "NL",
    "PL",
    "SE",
    "CH",
    "AT",
    "BE",
    "JP",
    "KR",
    "IN",
    "BR",
    "AU",
    "ZA",
)

find = cache(phone_finder)


def written(number: phonenumbers.PhoneNumber | None, form: int) -> str:
    assert number is not None, "the region has no example"
    return phonenumbers.format_number(number, form)


def phones(text: str, region: str = "") -> list[str]:
    return [text[start:end] for start, end in find(region)(text)]


@pytest.mark.parametrize("region", sorted(phonenumbers.SUPPORTED_REGIONS))
@pytest.mark.parametrize(
    "form", [phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.INTERNATIONAL]
)
def test_every_country_s_example_is_found_in_international_notation(region: str, form: int) -> None:
    number = written(phonenumbers.example_number(region), form)
    assert number in phones(f"on {number}, then")


@pytest.mark.parametrize("region", REGIONS)
def test_national_numbers_are_found_where_the_region_is_given(region: str) -> None:
    form = phonenumbers.PhoneNumberFormat.NATIONAL
    kind = phonenumbers.PhoneNumberType.MOBILE
    number = written(phonenumbers.example_number_for_type(region, kind), form)
    assert phones(f"call {number}, then", region) == [number]
    assert phones(f"on {number}, then") == []


def test_a_number_without_groups_needs_a_word_before_it() -> None:
    assert phones("order 2125550143", "US") == []
    assert phones("call me: 2125550143", "US") == ["2125550143"]


def test_a_number_is_no_wider_than_it_says() -> None:
    assert MAX_WIDTH == 77
    assert phones("+" + "    ".join("491511234567")) == ["+" + "    ".join("491511234567")]
    assert phones("+" + "     ".join("491511234567")) == []


def test_the_library_is_loaded_when_a_finder_for_a_region_is_made_and_not_before() -> None:
    code = (
        "import sys; from plugins.pii_redactor.phones import phone_finder; phone_finder(''); "
        "assert 'phonenumbers' not in sys.modules; "
        "phone_finder('DE'); "
        "import phonenumbers; regions = phonenumbers.PhoneMetadata._region_available; "
        "assert regions and not any(regions.values()), 'a plan is left to be loaded under a deadline'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_in_a_table_are_no_phone_numbers() -> None:
    assert phones("6412 345 678 9523 4567 12 212 555 0143 77", "US") == []
    assert phones("212 555 0143, 646 555 0143", "US") == ["212 555 0143", "646 555 0143"]
