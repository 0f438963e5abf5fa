"""Request bodies: how large they may be, and what is JSON."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Request
from flask.json.provider import DefaultJSONProvider

from fanfare.domain.errors import InvalidRequest

LARGEST_BODY = 256 * 1024
LARGEST_BULK_BODY = 8 * 1024 * 1024
BULK_PATHS = frozenset({"/api/v1/devices/bulk", "/api/v1/notify/bulk"})
"""The paths of bulk routes; a template may be named `bulk` too."""


class StrictJson(DefaultJSONProvider):
    """JSON as RFC 8259 has it: no NaN, no halves of surrogate pairs (which could be neither stored nor sent), no bottomless nesting."""

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:  # noqa: ANN401 - the signature is Flask's
        """Parse; ValueError on anything that is not JSON."""
        try:
            content = json.loads(s, parse_constant=_refuse_constant, **kwargs)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if (b"\\u" in s) if isinstance(s, bytes) else ("\\u" in s):
            json.dumps(content, ensure_ascii=False).encode("utf-8")
        return content


def body_limit(path: str) -> int:
    """The largest body that a path takes, in bytes."""
    return LARGEST_BULK_BODY if path.removesuffix("/") in BULK_PATHS else LARGEST_BODY


def check_json(request: Request) -> None:
    """Refuse a body that is not a JSON object; it is parsed once and kept by Flask."""
    try:
        content = request.get_json(force=True, cache=True)
    except Exception as error:
        raise InvalidRequest("The body is not valid JSON.") from error
    if not isinstance(content, dict):
        raise InvalidRequest("The body must be a JSON object.")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
