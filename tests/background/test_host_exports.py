from __future__ import annotations

from dataclasses import replace

import pytest

from penstock.background.host import DeliveryFailedError
from penstock.sdk import Context, Evidence
from penstock.sdk.contract import Terms
from tests.background.fakes import PLACEMENT, Stage


def test_who_may_not_emit_leaves_no_object() -> None:
    def leaves(_: Evidence, ctx: Context) -> None:
        ctx.exports.put("a", b"1")

    stage = Stage(leaves)
    assert stage.deliver() is not None
    assert stage.exports.kept == {"a": b"1"}
    stage.placement = replace(PLACEMENT, terms=Terms(effects=frozenset({"record"})))
    stage.restart()
    with pytest.raises(DeliveryFailedError):
        stage.deliver(2)
    assert [record.refused for record in stage.records()] == [[], ["exports"]]
