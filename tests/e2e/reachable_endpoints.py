"""Hooks of schemathesis: the endpoints that it invents are nowhere, so those of its good requests lead to this machine, as the local stack allows."""

from __future__ import annotations

from typing import Any

import schemathesis

ENDPOINT = "http://127.0.0.1:65535/"
"""Nobody listens there: what is posted is refused at once."""
LONGEST_URL = 2_048


@schemathesis.hook
def before_call(_context: Any, case: Any, _options: Any) -> None:
    """Give a webhook an endpoint that can be one, if its URL is one in the document's words."""
    body = case.body
    is_webhook = case.method in {"POST", "PUT"} and case.path in {"/api/v1/webhooks", "/api/v1/webhooks/{id}"}
    url = body.get("url") if is_webhook and isinstance(body, dict) else None
    if isinstance(url, str) and 0 < len(url) <= LONGEST_URL:
        case.body = {**body, "url": ENDPOINT}
