"""The seam at which the exceptions of httpx, and of what is under it, become ours.

cannot connect, cannot resolve, TLS            UpstreamError         unreachable
no answer, or no more of it, in time           UpstreamTimeoutError  timeout
ended early, or other than its length says     UpstreamError         cut
a redirect                                     UpstreamError         redirect
larger than allowed, or undecodable            UpstreamError         too_large, malformed
a status that no client knows                  UpstreamError         malformed
a key that no header can carry                 UpstreamError         no_credentials
a URL or header that cannot be sent            UpstreamError         unsendable
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpcore
import httpx

from penstock.errors import UpstreamError, UpstreamTimeoutError

_TIMEOUTS = (httpx.TimeoutException, httpcore.TimeoutException)
_CUTS = (
    httpx.RemoteProtocolError,
    httpx.ReadError,
    httpx.WriteError,
    httpcore.RemoteProtocolError,
    httpcore.ReadError,
)


@contextmanager
def mapped() -> Iterator[None]:
    """Send a request, or read of its answer. Raises UpstreamError."""
    try:
        yield
    except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
        # Without the cause, whose words repeat the header or the URL.
        raise UpstreamError(
            "The request to the upstream cannot be sent: its URL or a header is malformed.",
            outcome="unsendable",
        ) from None
    except _TIMEOUTS as error:
        raise UpstreamTimeoutError("The upstream did not answer in time.") from error
    except _CUTS as error:
        raise cut() from error
    except httpx.HTTPError as error:
        raise UpstreamError("The upstream cannot be reached.") from error


def check_status(response: httpx.Response) -> None:
    if response.is_redirect:
        raise UpstreamError("The upstream answered with a redirect.", outcome="redirect")
    if not 200 <= response.status_code <= 599:  # RFC 9110, section 15: no other final status exists
        raise UpstreamError("The upstream answered with a status that does not exist.", outcome="malformed")


def cut() -> UpstreamError:
    return UpstreamError("The upstream ended the connection early.", outcome="cut")


def malformed() -> UpstreamError:
    return UpstreamError(
        "The upstream's answer is encoded in a way that cannot be read.", outcome="malformed"
    )


def too_large(max_bytes: int) -> UpstreamError:
    return UpstreamError(f"The upstream's answer is larger than {max_bytes} bytes.", outcome="too_large")
