"""`POST /v1/projects/{project}/messages:send`: authenticate, validate, fail on request, accept."""

from __future__ import annotations

import json
from functools import partial

from local.fcm.answering import credential_failure, refusal, with_options
from local.fcm.error_shapes import FcmAnswer
from local.fcm.exchange import Answer, Request
from local.fcm.fault_rules import FaultAnswer
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.records import TargetRecord
from local.fcm.send_request import Refused, SendRequest, Target, parse_send_request

NO_FAULT = FaultAnswer()


class SendEndpoint:
    """Answers one send request from its bytes alone; nothing here waits."""

    def __init__(self, inbox: Inbox, faults: FaultBook) -> None:
        self._inbox = inbox
        self._faults = faults

    def __call__(self, request: Request, project: str) -> Answer:
        """Return FCM's answer, or the one that a fault rule asks for."""
        if failure := credential_failure(request, project):
            return self._refuse(failure, None)
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
        if fault.drop:
            self._inbox.counts["dropped"] += 1
        return with_options(answer, fault)

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
        return refusal(failure, partial(self._inbox.note_answer, record, failure.status, failure.code))
