from __future__ import annotations

import json

import pytest

from plugins.dlp_http.asking import MAX_BODY_BYTES
from plugins.dlp_http.service import encoded
from plugins.dlp_http.settings import SEGMENT_BYTES, DlpConfig

URL = "https://dlp.example.com/"
KINDS = [f"A_KIND_OF_SOMETHING_WITH_A_LONG_NAME_{number:03}_{'X' * 20}" for number in range(150)]


@pytest.mark.parametrize("given", [{}, {"format": "presidio"}, {"format": "google"}])
@pytest.mark.parametrize("count", [1, 500])
def test_no_request_is_larger_than_may_leave_however_its_texts_are_told(
    given: dict[str, str], count: int
) -> None:
    more = {"kinds": KINDS} if given else {}
    config = DlpConfig.model_validate({"url": URL, **given, **more})
    room_bytes = (config.limits.most_bytes if count == 1 else config.batch_bytes) // count - SEGMENT_BYTES
    texts = [f"{number:03}" + '"' * ((room_bytes - 5) // 2) for number in range(count)]
    assert sum(len(encoded(text)) + SEGMENT_BYTES for text in texts) <= config.limits.most_bytes
    body = config.service.body(texts, "request")
    assert len(body) <= MAX_BODY_BYTES
    assert json.loads(body)
