from __future__ import annotations

import pytest

from penstock.background.host import MARGIN_S
from penstock.sdk import Context, Evidence
from tests.background.fakes import HOST, Stage
from tests.evidence.ports import CrashError, Trap

OVER_MS = round((60.0 + MARGIN_S) * 1000)  # after this the invocation that `deliver` stands for has ended


def export(evidence: Evidence, ctx: Context) -> None:
    ctx.deliver(f"https://{HOST}/", evidence.request_id.encode())


@pytest.mark.parametrize("first", [False, True])
def test_at_most_once_a_record_and_what_amends_it_are_two_deliveries(first: bool) -> None:
    stage = Stage(export).at_most_once()
    assert stage.deliver(1, amends=first) is not None
    assert stage.deliver(2, amends=not first) is not None
    assert [stage.deliver(number, amends=amends) for number in (3, 4) for amends in (True, False)] == [
        None
    ] * 4
    assert stage.plugin.calls == 2


def test_at_most_once_an_amendment_is_not_done_because_its_record_was() -> None:
    stage = Stage(export).at_most_once()
    assert stage.deliver(1) is not None
    stage.objects.trap = Trap(0)  # the environment ends between the call and its record
    with pytest.raises(CrashError):
        stage.deliver(2, amends=True)
    stage.objects.trap = Trap()
    stage.restart()
    stage.now_ms += OVER_MS
    record = stage.deliver(3, amends=True)
    assert record is not None
    assert (record.action, record.reason) == ("fail", "delivery_unknown")
