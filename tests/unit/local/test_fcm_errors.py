from __future__ import annotations

from typing import Any

import pytest

from local.fcm.error_shapes import BAD_REQUEST, ERROR_INFO, FCM_ERROR, HELP, QUOTA_FAILURE
from local.fcm.errors import ErrorName, named_error

SHAPES: dict[ErrorName, tuple[int, str, str, list[str]]] = {
    ErrorName.UNREGISTERED: (404, "NOT_FOUND", "UNREGISTERED", [FCM_ERROR]),
    ErrorName.INVALID_ARGUMENT_TOKEN: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [FCM_ERROR]),
    ErrorName.INVALID_ARGUMENT_PAYLOAD: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [FCM_ERROR, BAD_REQUEST]),
    ErrorName.UNKNOWN_FIELD: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [BAD_REQUEST]),
    ErrorName.MESSAGE_TOO_BIG: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", [BAD_REQUEST, FCM_ERROR]),
    ErrorName.SENDER_ID_MISMATCH: (403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH", [FCM_ERROR]),
    ErrorName.PERMISSION_DENIED: (403, "PERMISSION_DENIED", "PERMISSION_DENIED", [ERROR_INFO]),
    ErrorName.THIRD_PARTY_AUTH_ERROR: (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR", [FCM_ERROR]),
    ErrorName.UNAUTHENTICATED: (401, "UNAUTHENTICATED", "UNAUTHENTICATED", [ERROR_INFO]),
    ErrorName.CREDENTIALS_MISSING: (401, "UNAUTHENTICATED", "UNAUTHENTICATED", [ERROR_INFO]),
    ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", [QUOTA_FAILURE, FCM_ERROR]),
    ErrorName.QUOTA_EXCEEDED_DEVICE_RATE: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", [QUOTA_FAILURE, FCM_ERROR]),
    ErrorName.QUOTA_EXCEEDED_TOPIC_RATE: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", [QUOTA_FAILURE, FCM_ERROR]),
    ErrorName.RATE_LIMIT_EXCEEDED: (429, "RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED", [ERROR_INFO, HELP]),
    ErrorName.INTERNAL: (500, "INTERNAL", "INTERNAL", [FCM_ERROR]),
    ErrorName.UNAVAILABLE: (503, "UNAVAILABLE", "UNAVAILABLE", [FCM_ERROR]),
    ErrorName.GATEWAY_TIMEOUT: (504, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", []),
    ErrorName.NOT_FOUND_NO_FCM_ERROR: (404, "NOT_FOUND", "NOT_FOUND", []),
}


@pytest.mark.parametrize("name", [name for name in ErrorName if name is not ErrorName.BAD_GATEWAY])
def test_named_error_has_the_status_and_details_of_fcm(name: ErrorName) -> None:
    status, canonical, code, details = SHAPES[name]
    answer = named_error(name, "demo")
    assert (answer.status, answer.code) == (status, code)
    assert isinstance(answer.body, dict)
    error: Any = answer.body["error"]
    assert (error["code"], error["status"]) == (status, canonical)
    assert [detail["@type"] for detail in error.get("details", [])] == details
    assert error["message"]


def test_bad_gateway_is_a_page_and_no_json() -> None:
    answer = named_error(ErrorName.BAD_GATEWAY)
    assert (answer.status, answer.code) == (502, "BAD_GATEWAY")
    assert isinstance(answer.body, str)
    assert "<html" in answer.body


@pytest.mark.parametrize("name", [ErrorName.PERMISSION_DENIED, ErrorName.QUOTA_EXCEEDED_MESSAGE_RATE, ErrorName.RATE_LIMIT_EXCEEDED])
def test_project_stands_in_errors_that_concern_it(name: ErrorName) -> None:
    assert "some-project" in str(named_error(name, "some-project").body)
