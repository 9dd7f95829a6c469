from __future__ import annotations

import gzip
import tracemalloc

import pytest

from penstock.governance.denied import Denied
from penstock.governance.guardrails import check_address, unpack

LIMIT = 1000


def code(answer: bytes | Denied | None) -> tuple[int, str]:
    assert isinstance(answer, Denied)
    assert answer.record.code == answer.denial.code
    return answer.denial.status, answer.denial.code


@pytest.mark.parametrize(
    ("source", "networks"),
    [
        ("203.0.113.9", ()),
        ("10.1.2.3", ("192.168.0.0/16", "10.0.0.0/8")),
        ("2001:db8::1", ("2001:db8::/32",)),
        ("10.0.0.1", ("10.0.0.1",)),
    ],
)
def test_an_address_inside_is_admitted(source: str, networks: tuple[str, ...]) -> None:
    assert check_address(source, networks) is None


@pytest.mark.parametrize("source", ["203.0.113.9", "", "localhost", "10.0.0.1, 10.0.0.2", "::ffff:0"])
def test_an_address_outside_or_unreadable_is_refused(source: str) -> None:
    assert code(check_address(source, ("10.0.0.0/8",))) == (403, "address_not_allowed")


def test_a_body_up_to_the_limit_passes_as_it_is() -> None:
    assert unpack({}, b"x" * LIMIT, LIMIT) == b"x" * LIMIT
    assert unpack({"content-encoding": "identity"}, b"x", LIMIT) == b"x"
    answer = unpack({}, b"x" * (LIMIT + 1), LIMIT)
    assert code(answer) == (413, "payload_too_large")
    assert isinstance(answer, Denied)
    assert answer.record.limit == LIMIT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip"])
def test_gzip_is_opened_up_to_the_limit(encoding: str) -> None:
    headers = {"content-encoding": encoding}
    assert unpack(headers, gzip.compress(b"x" * LIMIT), LIMIT) == b"x" * LIMIT
    assert code(unpack(headers, gzip.compress(b"x" * (LIMIT + 1)), LIMIT)) == (413, "payload_too_large")


def test_a_bomb_is_refused_without_being_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    tracemalloc.start()
    answer = unpack({"content-encoding": "gzip"}, bomb, 1_000_000)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert code(answer) == (413, "payload_too_large")
    assert peak_bytes < 10_000_000


@pytest.mark.parametrize(
    "body",
    [b"", b"plain", gzip.compress(b"x" * 500)[:-5], gzip.compress(b"x") + b"more", gzip.compress(b"x") * 2],
    ids=["nothing", "no gzip", "cut off", "more after it", "two of them"],  # a gzip's bytes hold the time
)
def test_what_is_not_exactly_one_gzip_is_refused(body: bytes) -> None:
    assert code(unpack({"content-encoding": "gzip"}, body, LIMIT)) == (400, "invalid_request_body")


@pytest.mark.parametrize("encoding", ["br", "deflate", "zstd", "gzip, gzip"])
def test_another_encoding_is_refused_by_name(encoding: str) -> None:
    answer = unpack({"content-encoding": encoding}, b"x", LIMIT)
    assert code(answer) == (415, "unsupported_content_encoding")
