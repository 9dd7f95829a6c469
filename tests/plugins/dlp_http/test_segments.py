from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.dlp_http.segments import Limits, TooMuchError, batches

LIMITS = Limits(batch_bytes=10, batch_segments=3, requests=4, most_bytes=20)


@given(sizes_bytes=st.lists(st.integers(1, 22), max_size=16))
def test_every_text_is_in_one_batch_in_order_and_no_batch_is_larger_than_it_may_be(
    sizes_bytes: list[int],
) -> None:
    texts = [str(number) for number in range(len(sizes_bytes))]
    try:
        made = batches(texts, sizes_bytes, LIMITS)
    except TooMuchError:
        assert max(sizes_bytes) > LIMITS.most_bytes or sum(sizes_bytes) > 10 or len(texts) > 12
        return
    assert [text for batch in made for text in batch] == texts
    assert len(made) <= LIMITS.requests
    for batch in made:
        total_bytes = sum(sizes_bytes[int(text)] for text in batch)
        assert 0 < len(batch) <= LIMITS.batch_segments
        assert total_bytes <= LIMITS.batch_bytes or len(batch) == 1


def test_one_long_text_goes_alone_and_a_longer_one_not_at_all() -> None:
    assert batches(["a", "b", "c"], [5, 20, 5], LIMITS) == [["a"], ["b"], ["c"]]
    with pytest.raises(TooMuchError):
        batches(["a"], [21], LIMITS)
