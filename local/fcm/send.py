"""`POST /v1/projects/{project}/messages:send`: authenticate, validate, fail on request, accept."""

from __future__ import annotations

import json
from functools import partial

from local.fcm.error_shapes import FcmAnswer
from local.fcm.errors import ErrorName, named_error
from local.fcm.exchange import HTML_TYPE, JSON_TYPE, Answer, Request
from local.fcm.fault_rules import FaultAnswer
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.records import TargetRecord
from local.fcm.send_request import Refused, SendRequest, Target, parse_send_request

CHALLENGE = (("www-authenticate", 'Bearer realm="https://accounts.google.com/"'),)
NO_FAULT = FaultAnswer()


class SendEndpoint:
    """Answers one send request from its bytes alone; nothing here waits."""

    def __init__(self, inbox: Inbox, faults: FaultBook) -> None:
        self._inbox = inbox
        self._faults = faults

    def __call__(self, request: Request, project: str) -> Answer:
        """Return FCM's answer, or the one that a fault rule asks for."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return self._refuse(named_error(ErrorName.CREDENTIALS_MISSING, project), None)
        try:
            parsed = parse_send_request(request.body)
        except Refused as refused:
            return self._refuse(refused.answer, self._seen(project, refused.target))
        return self._answer(request, project, parsed)

    def _answer(self, request: Request, project: str, parsed: SendRequest) -> Answer:
        """Accept and answer as the fault rules say; a validation leaves no trace in the target's record."""
        record = self._seen(project, None if parsed.validate_only else parsed.target)
        fault = self._faults.take(project, parsed.target, record.attempts if record else 0) or NO_FAULT
        name = self._accept(request, project, parsed) if fault.accepts else ""
        failure = fault.failure(project)
        answer = self._refuse(failure, record) if failure else self._accepted(name, record)
        return self._with_options(answer, fault)

    def _seen(self, project: str, target: Target | None) -> TargetRecord | None:
        if target is None:
            return None
        record = self._inbox.record_of(project, target)
        record.attempts += 1
        return record

    def _accept(self, request: Request, project: str, parsed: SendRequest) -> str:
        return self._inbox.accept(project, parsed, body=request.body, headers=request.headers, http_version=request.http_version)

    def _accepted(self, name: str, record: TargetRecord | None) -> Answer:
        body = f'{{\n  "name": {json.dumps(name)}\n}}\n'.encode()
        return Answer(200, body, on_given=partial(self._inbox.note_answer, record, 200, "OK"))

    def _refuse(self, failure: FcmAnswer, record: TargetRecord | None) -> Answer:
        note = partial(self._inbox.note_answer, record, failure.status, failure.code)
        headers = CHALLENGE if failure.status == 401 else ()
        if isinstance(failure.body, str):
            return Answer(failure.status, failure.body.encode(), HTML_TYPE, headers, on_given=note)
        return Answer(failure.status, json.dumps(failure.body).encode(), JSON_TYPE, headers, on_given=note)

    def _with_options(self, answer: Answer, fault: FaultAnswer) -> Answer:
        if fault.retry_after is not None:
            answer.headers = (*answer.headers, ("retry-after", str(fault.retry_after)))
        if fault.drop:
            self._inbox.counts["dropped"] += 1
            answer.drop = fault.drop_scope
        answer.delay_seconds, answer.goaway = fault.delay_seconds, fault.goaway
        return answer
