from __future__ import annotations

import pytest

from penstock.errors import UndeliverableError
from penstock.sdk.delivery import Answer
from plugins.siem_export.acknowledgement import ack_id, ack_url, is_indexed, pauses
from tests.plugins.exporting import Time


@pytest.mark.parametrize("end", ["", "/event"])
def test_the_question_goes_to_the_collector_that_took_the_event(end: str) -> None:
    url = f"https://splunk.example.com:8088/services/collector{end}"
    assert ack_url(url, "c-1") == "https://splunk.example.com:8088/services/collector/ack?channel=c-1"


def test_a_number_is_read_and_nothing_else_is_one() -> None:
    assert ack_id(Answer(200, body=b'{"text":"Success","code":0,"ackId":0}')) == 0
    for wrong in (b"", b"[]", b"{}", b'{"ackId":true}', b'{"ackId":-1}', b"[" * 5_000, b'{"ackId":1e400}'):
        with pytest.raises(UndeliverableError, match="ackId"):
            ack_id(Answer(200, body=wrong))


def test_only_true_is_indexed() -> None:
    assert is_indexed(Answer(200, body=b'{"acks":{"7":true}}'), 7)
    for wrong in (
        b'{"acks":{"7":false}}',
        b'{"acks":{"8":true}}',
        b'{"acks":{"7":1}}',
        b'{"acks":[7]}',
        b"x",
    ):
        assert not is_indexed(Answer(200, body=wrong), 7)
    assert not is_indexed(Answer(503), 7)
    with pytest.raises(UndeliverableError, match="acknowledge = false"):
        is_indexed(Answer(400), 7)


@pytest.mark.parametrize(
    ("wait_s", "expected"),
    [(20, [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]), (0.7, [0.25]), (0.2, []), (-3, [])],
)
def test_pauses_double_up_to_a_bound_and_end_in_time(wait_s: float, expected: list[float]) -> None:
    time = Time()
    for pause_s in pauses(wait_s, time):
        time.sleep(pause_s)
    assert time.slept == expected
    assert time.now_s <= max(0, wait_s)
