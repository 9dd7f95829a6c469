from __future__ import annotations

from pathlib import Path

import pytest

from penstock.sdk.testing import Harness, harness

FOLDER = Path("examples/card_guard")


@pytest.fixture(scope="module")
def run() -> Harness:
    return harness(FOLDER)


def test_a_card_stops_the_request(run: Harness) -> None:
    result = run.before(user="my card is 4242 4242 4242 4242")
    assert (result.action, result.reason) == ("block", "card_number")


def test_an_address_is_masked_on_the_way_out_and_back(run: Harness) -> None:
    assert run.before(user="I am a@b.co").texts("request.messages.user") == ("I am <email>",)
    assert run.after(text=["Write to a@b.co", "x"]).texts("response.text") == ("Write to <email>", "x")


def test_anything_else_passes(run: Harness) -> None:
    assert run.before(user="order 4242 4242 4242 4241").action == "allow"


def test_it_fits_on_the_readme_s_first_screen() -> None:
    lines = (FOLDER / "card_guard.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line]) <= 15
