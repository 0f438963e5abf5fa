"""The bodies FCM answers errors with, each by the name that a fault rule and a test call it.

Shapes as FCM's users see them: the error reference of the HTTP v1 API, google.rpc's error details, and answers quoted in
public issue reports. `FcmError` and `BadRequest` decide what a sender may conclude, so their presence and order are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from local.fcm.error_shapes import (
    ERROR_INFO,
    HELP,
    QUOTA_FAILURE,
    FcmAnswer,
    error,
    fcm_error,
    invalid_argument,
    too_big,
    unparsable,
)

INVALID_TOKEN_MESSAGE = "The registration token is not a valid FCM registration token"  # noqa: S105 - a message, not a secret
LOGIN_HINT = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class ErrorName(StrEnum):
    """Every error that can be asked for by name."""

    UNREGISTERED = "UNREGISTERED"
    INVALID_ARGUMENT_TOKEN = "INVALID_ARGUMENT_TOKEN"  # noqa: S105 - a name
    INVALID_ARGUMENT_PAYLOAD = "INVALID_ARGUMENT_PAYLOAD"
    UNKNOWN_FIELD = "UNKNOWN_FIELD"
    MESSAGE_TOO_BIG = "MESSAGE_TOO_BIG"
    SENDER_ID_MISMATCH = "SENDER_ID_MISMATCH"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    THIRD_PARTY_AUTH_ERROR = "THIRD_PARTY_AUTH_ERROR"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CREDENTIALS_MISSING = "CREDENTIALS_MISSING"
    QUOTA_EXCEEDED_MESSAGE_RATE = "QUOTA_EXCEEDED_MESSAGE_RATE"
    QUOTA_EXCEEDED_DEVICE_RATE = "QUOTA_EXCEEDED_DEVICE_RATE"
    QUOTA_EXCEEDED_TOPIC_RATE = "QUOTA_EXCEEDED_TOPIC_RATE"
    RATE_LIMIT_EXCEEDED = "RATE_LIMIT_EXCEEDED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    BAD_GATEWAY = "BAD_GATEWAY"
    GATEWAY_TIMEOUT = "GATEWAY_TIMEOUT"
    NOT_FOUND_NO_FCM_ERROR = "NOT_FOUND_NO_FCM_ERROR"


def named_error(name: ErrorName, project: str = "demo-project") -> FcmAnswer:
    """Return the error of that name as FCM answers it for the project."""
    return _BUILDERS[name](project)


def _simple(status: int, canonical: str, message: str, code: str | None = None) -> Callable[[str], FcmAnswer]:
    return lambda _project: error(status, canonical, message, [fcm_error(code)] if code else ())


def _quota(subject: str, text: str) -> Callable[[str], FcmAnswer]:
    def build(project: str) -> FcmAnswer:
        violation = {"subject": subject.format(project=project), "description": text}
        details: list[dict[str, object]] = [{"@type": QUOTA_FAILURE, "violations": [violation]}, fcm_error("QUOTA_EXCEEDED")]
        return error(429, "RESOURCE_EXHAUSTED", text, details)

    return build


def _rate_limit(project: str) -> FcmAnswer:
    metadata = {
        "service": "fcm.googleapis.com",
        "consumer": f"projects/{project}",
        "quota_metric": "fcm.googleapis.com/send_requests",
        "quota_limit": "SendsPerMinutePerProject",
        "quota_limit_value": "600000",
        "quota_unit": "1/min/{project}",
        "quota_location": "global",
    }
    message = (
        "Quota exceeded for quota metric 'Send requests' and limit 'Send requests per minute' "
        f"of service 'fcm.googleapis.com' for consumer 'project_number:{project}'."
    )
    links = [{"description": "Request a higher quota limit.", "url": "https://cloud.google.com/docs/quotas/help/request_increase"}]
    details: list[dict[str, object]] = [
        {"@type": ERROR_INFO, "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com", "metadata": metadata},
        {"@type": HELP, "links": links},
    ]
    return error(429, "RESOURCE_EXHAUSTED", message, details)


def _credential(reason: str, message: str) -> Callable[[str], FcmAnswer]:
    metadata = {"service": "fcm.googleapis.com", "method": "google.firebase.fcm.v1.FcmService.SendMessage"}
    detail: dict[str, object] = {"@type": ERROR_INFO, "reason": reason, "domain": "googleapis.com", "metadata": metadata}
    return lambda _project: error(401, "UNAUTHENTICATED", f"{message} {LOGIN_HINT}", [detail])


def _permission_denied(project: str) -> FcmAnswer:
    permission, resource = "cloudmessaging.messages.create", f"projects/{project}"
    message = f"Permission '{permission}' denied on resource '//cloudresourcemanager.googleapis.com/{resource}' (or it may not exist)."
    detail: dict[str, object] = {
        "@type": ERROR_INFO,
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "cloudresourcemanager.googleapis.com",
        "metadata": {"permission": permission, "resource": resource},
    }
    return error(403, "PERMISSION_DENIED", message, [detail])


def _unknown_field(_project: str) -> FcmAnswer:
    return unparsable([("message", "Invalid JSON payload received. Unknown name \"nonsense\" at 'message': Cannot find field.")])


def _html(status: int, title: str, text: str) -> Callable[[str], FcmAnswer]:
    page = f"<!DOCTYPE html>\n<html lang=en>\n<title>Error {status} ({title})</title>\n<p><b>{status}.</b> {text}\n"
    return lambda _project: FcmAnswer(status, title.upper().replace(" ", "_"), page)


def not_found_page(path: str) -> FcmAnswer:
    """Build the HTML page for a path or method that the API does not have."""
    return _html(404, "Not Found", f"The requested URL was not found on this server ({len(path)} characters).")("")


_BUILDERS: dict[ErrorName, Callable[[str], FcmAnswer]] = {
    ErrorName.UNREGISTERED: _simple(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED"),
    ErrorName.INVALID_ARGUMENT_TOKEN: _simple(400, "INVALID_ARGUMENT", INVALID_TOKEN_MESSAGE, "INVALID_ARGUMENT"),
    ErrorName.INVALID_ARGUMENT_PAYLOAD: lambda _project: invalid_argument([("message.data[0].key", "Invalid data payload key: from")]),
    ErrorName.UNKNOWN_FIELD: _unknown_field,
    ErrorName.MESSAGE_TOO_BIG: lambda _project: too_big("Android"),
    ErrorName.SENDER_ID_MISMATCH: _simple(403, "PERMISSION_DENIED", "SenderId mismatch", "SENDER_ID_MISMATCH"),
    ErrorName.PERMISSION_DENIED: _permission_denied,
    ErrorName.THIRD_PARTY_AUTH_ERROR: _simple(401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service", "THIRD_PARTY_AUTH_ERROR"),
    ErrorName.UNAUTHENTICATED: _credential("ACCESS_TOKEN_TYPE_UNSUPPORTED", "Request had invalid authentication credentials."),
    ErrorName.CREDENTIALS_MISSING: _credential("CREDENTIALS_MISSING", "Request is missing required authentication credential."),
    ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE: _quota("project:{project}", "Message rate quota exceeded."),
    ErrorName.QUOTA_EXCEEDED_DEVICE_RATE: _quota("device", "Device message rate quota exceeded."),
    ErrorName.QUOTA_EXCEEDED_TOPIC_RATE: _quota("topic", "Topic message rate quota exceeded."),
    ErrorName.RATE_LIMIT_EXCEEDED: _rate_limit,
    ErrorName.INTERNAL: _simple(500, "INTERNAL", "Internal error encountered.", "INTERNAL"),
    ErrorName.UNAVAILABLE: _simple(503, "UNAVAILABLE", "The service is currently unavailable.", "UNAVAILABLE"),
    ErrorName.BAD_GATEWAY: _html(502, "Bad Gateway", "The server encountered a temporary error. Please try again in 30 seconds."),
    ErrorName.GATEWAY_TIMEOUT: _simple(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    ErrorName.NOT_FOUND_NO_FCM_ERROR: _simple(404, "NOT_FOUND", "Requested entity was not found."),
}
