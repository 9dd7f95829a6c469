"""Every failure that Penstock knows. A denial is a value (`penstock.denial`), a failure is one of these.

    PenstockError                  code · status
    ├── RequestError               the caller's: bad JSON, wrong types, too large          4xx
    ├── UpstreamError              the provider's: down, slow, cut, lying                  502, 504
    ├── PluginError                a plugin's, as one of `FailureClass`                    503
    ├── StorageError               AWS's: a store, a queue, a secret did not answer        503
    ├── AccountingError            ours: a placement without its record                    500
    └── ConfigurationError         the operator's: gateway.toml, plugin.toml, grants       (never on the wire)

`str(error)` is safe to show to a caller: it never holds content, credentials or a foreign message.
Foreign exceptions are mapped at two seams only, `penstock.adapters` and `penstock.upstream`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class FailureClass(StrEnum):
    """Why a plugin failed, as the evidence says it (behaviour.md, section 7)."""

    EXCEPTION = "exception"
    TIMEOUT = "timeout"
    CONTRACT = "contract"
    IMPORT = "import"
    UNAVAILABLE = "unavailable"
    THROTTLED = "throttled"
    DENIED = "denied"
    CIRCUIT_OPEN = "circuit_open"


class PenstockError(Exception):
    """Root of the tree. `code` and the HTTP `status` are what a caller gets (`penstock.codes`)."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500


class RequestError(PenstockError):
    """What the caller sent cannot be served. Each refusal has its own code."""

    def __init__(self, message: str, *, code: str = "invalid_request_body", status: int = 400) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]  # the class default is for the tree; an instance may say more
        self.status = status  # type: ignore[misc]  # same

    @classmethod
    def too_large(cls, what: str, limit_bytes: int) -> RequestError:
        return cls(f"{what} is larger than {limit_bytes} bytes.", code="payload_too_large", status=413)


class NotJsonError(RequestError):
    """The body is no JSON. JSON-RPC has a code of its own for that; the others say what the tree says."""


class UpstreamError(PenstockError):
    """The upstream did not give an answer that can be passed on. `outcome` goes to the evidence."""

    code = "upstream_error"
    status = 502

    def __init__(self, message: str, *, outcome: str = "unreachable") -> None:
        super().__init__(message)
        self.outcome = outcome


class UpstreamTimeoutError(UpstreamError):
    """The upstream did not answer in time."""

    code = "upstream_timeout"
    status = 504

    def __init__(self, message: str) -> None:
        super().__init__(message, outcome="timeout")


class PluginError(PenstockError):
    """A plugin broke, or broke its contract. `detail` names fields and codes, never content."""

    code = "plugin_unavailable"
    status = 503

    def __init__(self, failure: FailureClass, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure


class FieldNotGrantedError(PluginError):
    """A plugin asked for a field, or a part of its context, that it was not granted."""

    def __init__(self, name: str) -> None:
        super().__init__(FailureClass.CONTRACT, f"{name} is not granted")
        self.field = name


class UndeliverableError(PluginError):
    """A background plugin knows that no later try will succeed: its message is a dead letter at once."""

    def __init__(self, detail: str) -> None:
        super().__init__(FailureClass.DENIED, detail)


class StorageError(PenstockError):
    """An AWS service did not do what it was asked; nothing may be assumed to be stored."""

    code = "evidence_unavailable"
    status = 503

    def __init__(self, operation: str) -> None:
        super().__init__(f"{operation} did not succeed")
        self.operation = operation


class WriteUnknownError(StorageError):
    """A write on a condition may have been done, or may be done yet: its answer was lost.

    It was sent once: a second time would find what others have made of the first.
    """

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.args = (f"{operation}: whether it was done is not known; read, and decide by what is there",)


class AccountingError(PenstockError):
    """A gate ended with other than one record per placement: the request fails and says so."""

    code = "evidence_incomplete"


class ConfigurationError(PenstockError):
    """Something an operator or a plugin author wrote cannot be used. Says where, what, and the remedy."""

    code = "configuration"

    def __init__(self, where: str, problem: str, remedy: str = "") -> None:
        super().__init__(f"{where}: {problem}" + (f" {remedy}" if remedy else ""))
        self.where = where
        self.problem = problem
        self.remedy = remedy
