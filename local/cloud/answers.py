"""What came back from a handler, and what Google calls it (``google.rpc.Status``)."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from local.cloud.wire import Document

_RPC_CODES = {
    400: (3, "INVALID_ARGUMENT"),
    401: (16, "UNAUTHENTICATED"),
    403: (7, "PERMISSION_DENIED"),
    404: (5, "NOT_FOUND"),
    409: (10, "ABORTED"),
    429: (8, "RESOURCE_EXHAUSTED"),
    499: (1, "CANCELLED"),
    500: (13, "INTERNAL"),
    501: (12, "UNIMPLEMENTED"),
    503: (14, "UNAVAILABLE"),
    504: (4, "DEADLINE_EXCEEDED"),
}
_DEADLINE, _NO_CONNECTION = 504, 503


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one attempt: an HTTP status, or None with the reason why none came; ``retry_after`` in seconds."""

    status: int | None
    reason: str
    retry_after: float | None = None
    timed_out: bool = False

    @property
    def is_success(self) -> bool:
        """Whether the handler took the work."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def asks_to_slow_down(self) -> bool:
        """Whether Cloud Tasks slows the whole queue because of it."""
        return self.status in {429, 503}

    def to_rpc_status(self) -> Document:
        """Return it as ``google.rpc.Status``; success is the empty one."""
        if self.is_success:
            return {}
        stand_in = _DEADLINE if self.timed_out else _NO_CONNECTION
        code, name = _RPC_CODES.get(self.status or stand_in, (2, "UNKNOWN"))
        return {"code": code, "message": f"{name}({code}): {self.reason}"}


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds to wait of a ``Retry-After`` (seconds or HTTP date); None when absent or unreadable."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except ValueError:
        return None
