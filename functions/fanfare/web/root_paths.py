"""The paths outside of `/api/v1`: those of the fcmpy daemon, whose callers know no problem documents."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Response, json, jsonify, request

from fanfare.web.problems import CONTENT_TYPE

ROOT_PATHS = frozenset({"/", "/stats", "/reload", "/keepalive-reply"})
"""No part of `/api/v1` and its document."""
REFUSED = "The access key is missing or not valid: give X-Access-Key (a Client-Token), or Client-ID and Client-Token."


def speak_as_daemon(response: Response) -> Response:
    """Say a refusal of these paths as `{"status": "error", "msg": …}`; status and headers stay."""
    if request.path in ROOT_PATHS and response.content_type == CONTENT_TYPE:
        said: Mapping[str, Any] = json.loads(response.get_data())
        msg = REFUSED if response.status_code == HTTPStatus.UNAUTHORIZED else said["detail"]
        response.set_data(jsonify({"status": "error", "msg": msg}).get_data())
        response.content_type = "application/json"
    return response
