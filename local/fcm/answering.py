"""How an endpoint's outcome becomes the answer that goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Callable

from local.fcm.error_shapes import FcmAnswer
from local.fcm.errors import ErrorName, named_error
from local.fcm.exchange import HTML_TYPE, JSON_TYPE, Answer, Request
from local.fcm.fault_rules import FaultAnswer

CHALLENGE = (("www-authenticate", 'Bearer realm="https://accounts.google.com/"'),)


def credential_failure(request: Request, project: str) -> FcmAnswer | None:
    """Return what a request without a bearer token is answered; any token will do."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return named_error(ErrorName.CREDENTIALS_MISSING, project) if scheme.lower() != "bearer" or not token.strip() else None


def refusal(failure: FcmAnswer, on_given: Callable[[], None] | None = None) -> Answer:
    """Build the answer of an error."""
    headers = CHALLENGE if failure.status == 401 else ()
    if isinstance(failure.body, str):
        return Answer(failure.status, failure.body.encode(), HTML_TYPE, headers, on_given=on_given)
    return Answer(failure.status, json.dumps(failure.body).encode(), JSON_TYPE, headers, on_given=on_given)


def with_options(answer: Answer, fault: FaultAnswer) -> Answer:
    """Delay, drop or decorate an answer as a fault rule says."""
    if fault.retry_after is not None:
        answer.headers = (*answer.headers, ("retry-after", str(fault.retry_after)))
    if fault.drop:
        answer.drop = fault.drop_scope
    answer.delay_seconds, answer.goaway = fault.delay_seconds, fault.goaway
    return answer
