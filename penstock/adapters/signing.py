"""Requests to providers in AWS, signed with the role that this function runs under (Signature Version 4).

Source: IAM User Guide, "Create a signed AWS API request". botocore does the signing, and finds and renews the
credentials. Signed are the method, the whole URL, the body by its digest, and the headers that AWS looks at;
others stay unsigned, so that whatever stands between may add to them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from typing import Any, Final, Protocol

from penstock.adapters.failures import mapped

_SIGNED: Final = frozenset({"content-type", "host"})


class Signer(Protocol):
    """The seam."""

    def sign(
        self, service: str, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """The headers that a request needs besides; names in lower case. `url` and `body` exactly as sent.

        Raises StorageError when credentials cannot be renewed, ConfigurationError when there are none.
        """


class RoleSigner:
    """Signs as whoever the environment says: in Lambda, the function's role. Importing botocore waits."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._lock = threading.Lock()

    def sign(
        self, service: str, region: str, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        given = {name: value for name, value in headers.items() if name.lower() in _SIGNED}
        given["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
        request = AWSRequest(method, url, headers=given, data=body)
        with mapped("sign a request to a provider"):
            SigV4Auth(self._frozen(), service, region).add_auth(request)
        signed = {name.lower(): str(value) for name, value in request.headers.items()}
        return {name: value for name, value in signed.items() if name not in _SIGNED}

    def _frozen(self) -> Any:
        """The credentials of now: botocore renews them before they expire."""
        from botocore.exceptions import NoCredentialsError
        from botocore.session import Session

        with self._lock:
            self._credentials = self._credentials or Session().get_credentials()
        if self._credentials is None:
            raise NoCredentialsError
        return self._credentials.get_frozen_credentials()
