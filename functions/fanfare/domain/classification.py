"""What FCM's answer means: one total table from (HTTP status, error details) to an outcome and a fate of the target.

| answer | code | message | target |
|---|---|---|---|
| 200 with a name | | sent | leave |
| 404 with FcmError UNREGISTERED | UNREGISTERED | failed | retire: the install is gone |
| 403 with FcmError SENDER_ID_MISMATCH | SENDER_ID_MISMATCH | failed | retire: it belongs to another project |
| any other error of FCM | its FcmError code, else its status | failed | leave |
| anything that is not FCM's error shape | HTTP_<status> | failed | leave |
| no answer | NO_ANSWER | failed | leave |

A bare 404 or 403 says that *our* project, path or permission is wrong: it condemns no target.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fanfare.domain.device import InactiveReason
from fanfare.domain.outcome import Outcome

_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_RETIRING = {
    (404, "UNREGISTERED"): InactiveReason.UNREGISTERED,
    (403, "SENDER_ID_MISMATCH"): InactiveReason.SENDER_ID_MISMATCH,
}
NO_ANSWER = "NO_ANSWER"


@dataclass(frozen=True, slots=True)
class Answer:
    """FCM's answer to one message as it came off the wire; `status` is 0 where there was none."""

    status: int
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means. `detail` is the message id where sent, else the error code; `retire` the reason to retire the target."""

    outcome: Outcome
    detail: str
    http_status: int
    retire: InactiveReason | None = None


def classify(answer: Answer) -> Verdict:
    """Classify any answer whatever; never raises."""
    if answer.status == 0:
        return Verdict(Outcome.FAILED, NO_ANSWER, 0)
    content = _parse_object(answer.body)
    name = content.get("name")
    if answer.status == 200 and isinstance(name, str):
        return Verdict(Outcome.SENT, name, 200)
    fcm_code, status = _error_codes(content)
    code = fcm_code or status or f"HTTP_{answer.status}"
    return Verdict(Outcome.FAILED, code, answer.status, _RETIRING.get((answer.status, fcm_code)))


def _error_codes(content: Mapping[str, Any]) -> tuple[str, str]:
    error = content.get("error")
    if not isinstance(error, dict):
        return "", ""
    status = error.get("status")
    details = error.get("details")
    fcm_code = _fcm_error_code(details) if isinstance(details, list) else ""
    return fcm_code, status if isinstance(status, str) else ""


def _fcm_error_code(details: Iterable[Any]) -> str:
    for detail in details:
        if isinstance(detail, dict) and detail.get("@type") == _FCM_ERROR and isinstance(detail.get("errorCode"), str):
            return str(detail["errorCode"])
    return ""


def _parse_object(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
