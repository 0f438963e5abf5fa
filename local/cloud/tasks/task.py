"""One task: what to send, and the history of its attempts."""

from __future__ import annotations

from dataclasses import dataclass

from local.cloud.answers import Answer
from local.cloud.outbound import HttpTarget
from local.cloud.tasks.backoff import RetryPolicy
from local.cloud.wire import Document, format_duration, format_timestamp


@dataclass(frozen=True, slots=True)
class Attempt:
    """A dispatch; the response's time and content are None while it runs."""

    schedule_time: float
    dispatch_time: float
    response_time: float | None = None
    answer: Answer | None = None

    def to_document(self) -> Document:
        """Return it as Google's ``Attempt``."""
        document = {"scheduleTime": format_timestamp(self.schedule_time), "dispatchTime": format_timestamp(self.dispatch_time)}
        if self.response_time is None or self.answer is None:
            return document
        if self.answer.status is not None:
            document["responseTime"] = format_timestamp(self.response_time)
        return {**document, "responseStatus": self.answer.to_rpc_status()}


@dataclass(slots=True)
class Task:
    """A task of a queue; times in epoch seconds. ``execution_count`` leaves out 5xx answers, as Google's header does."""

    name: str
    is_named: bool
    sequence: int
    target: HttpTarget
    create_time: float
    schedule_time: float
    deadline_seconds: float
    retry: RetryPolicy | None
    dispatch_count: int = 0
    response_count: int = 0
    execution_count: int = 0
    in_flight: int = 0
    first_dispatch: float | None = None
    last: Attempt | None = None
    last_answer: Answer | None = None

    def begin(self, now: float) -> Attempt:
        """Count and return a new attempt."""
        self.dispatch_count += 1
        self.in_flight += 1
        if self.first_dispatch is None:
            self.first_dispatch = now
        self.last = Attempt(self.schedule_time, now)
        return self.last

    def end(self, attempt: Attempt, answer: Answer, now: float) -> None:
        """Record how the attempt ended."""
        self.in_flight -= 1
        self.last = Attempt(attempt.schedule_time, attempt.dispatch_time, now, answer)
        self.last_answer = answer
        if answer.status is not None:
            self.response_count += 1
            self.execution_count += answer.status < 500

    def to_document(self, *, full: bool) -> Document:
        """Return it as Google's ``Task``; only the full view shows the body."""
        document: Document = {
            "name": self.name,
            "httpRequest": self.target.to_document("url", with_body=full),
            "scheduleTime": format_timestamp(self.schedule_time),
            "createTime": format_timestamp(int(self.create_time)),
            "dispatchDeadline": format_duration(self.deadline_seconds),
            "dispatchCount": self.dispatch_count,
            "responseCount": self.response_count,
            "view": "FULL" if full else "BASIC",
        }
        if self.first_dispatch is not None and self.last is not None:
            document["firstAttempt"] = {"dispatchTime": format_timestamp(self.first_dispatch)}
            document["lastAttempt"] = self.last.to_document()
        return document
