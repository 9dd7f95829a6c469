"""Writes plugins/pii_redactor/plans.json anew, of the phonenumberslite that is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import phonenumbers

PLANS: Final = Path(__file__).resolve().parent.parent / "plugins" / "pii_redactor" / "plans.json"


def encoded() -> str:
    """Country code → pattern and lengths of its national numbers; a line each."""
    lines = [f"{json.dumps(str(code))}: {json.dumps(plan)}" for code, plan in sorted(_plans().items())]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _plans() -> dict[int, tuple[str, list[int]]]:
    found = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0])
        form = metadata.general_desc if metadata else None
        if form is None or form.national_number_pattern is None:
            raise LookupError(f"the library has no plan for +{code}")
        found[code] = (form.national_number_pattern, sorted(form.possible_length))
    return found


if __name__ == "__main__":
    PLANS.write_text(encoded(), encoding="utf-8")
