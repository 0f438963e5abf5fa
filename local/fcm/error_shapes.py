"""The parts that FCM's error bodies are made of: Google's envelope and the details that stand in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure"
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
HELP = "type.googleapis.com/google.rpc.Help"


@dataclass(frozen=True, slots=True)
class FcmAnswer:
    """An error as FCM answers it: HTTP status, body (JSON value or HTML text) and the code that statistics use."""

    status: int
    code: str
    body: dict[str, object] | str


def error(status: int, canonical: str, message: str, details: Sequence[dict[str, object]] = ()) -> FcmAnswer:
    """Build Google's error envelope; the statistics' code is FcmError's, else google.rpc's canonical one."""
    content: dict[str, object] = {"code": status, "message": message, "status": canonical}
    if details:
        content["details"] = list(details)
    codes = [str(detail["errorCode"]) for detail in details if detail["@type"] == FCM_ERROR]
    return FcmAnswer(status, codes[0] if codes else canonical, {"error": content})


def fcm_error(code: str) -> dict[str, object]:
    """Build FCM's own detail, the one that names an ErrorCode of the API reference."""
    return {"@type": FCM_ERROR, "errorCode": code}


def bad_request(violations: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Build the detail that names the wrong fields, from (field, description); an empty field is left out."""
    rows = [{"field": field, "description": text} if field else {"description": text} for field, text in violations]
    return {"@type": BAD_REQUEST, "fieldViolations": rows}


def invalid_argument(violations: Sequence[tuple[str, str]]) -> FcmAnswer:
    """Build the 400 of FCM's own rules: FcmError and BadRequest; the first description is the message."""
    details = [fcm_error("INVALID_ARGUMENT"), bad_request(violations)]
    return error(400, "INVALID_ARGUMENT", violations[0][1], details)


def unparsable(violations: Sequence[tuple[str, str]]) -> FcmAnswer:
    """Build the 400 of Google's JSON front end (unknown name, wrong type, malformed): BadRequest alone."""
    return error(400, "INVALID_ARGUMENT", "\n".join(text for _, text in violations), [bad_request(violations)])


def too_big(platform: str) -> FcmAnswer:
    """Build the 400 of an oversized payload: BadRequest without a field, then FcmError, as users quote it."""
    details: list[dict[str, object]] = [{"@type": BAD_REQUEST}, fcm_error("INVALID_ARGUMENT")]
    return error(400, "INVALID_ARGUMENT", f"{platform} message is too big", details)
