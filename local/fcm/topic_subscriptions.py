"""`/v1/projects/{project}/registrations/{registration}/topicSubscriptions`: create, list, get, patch and delete.

As the discovery document has it: `create` of one that is there is ALREADY_EXISTS; `patch` and `delete` of one that is not are NOT_FOUND unless
`allowMissing` is true, then `patch` makes it and `delete` does nothing. That a registration with 2,000 topics is refused another one is FCM's rule;
by which code it says so is our guess.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from local.fcm.answering import credential_failure, refusal, with_options
from local.fcm.condition import TOPIC
from local.fcm.error_shapes import FcmAnswer, error, invalid_argument
from local.fcm.errors import ErrorName, named_error
from local.fcm.exchange import Answer, Request, json_answer
from local.fcm.fault_rules import FaultAnswer
from local.fcm.faults import FaultBook
from local.fcm.send_request import REGISTRATION, Target
from local.fcm.subscriptions import MOST_TOPICS, Subscriptions

KIND = "subscription"
LARGEST_PAGE = 2_000
USUAL_PAGE = 1_000
NO_FAULT = FaultAnswer()
Act = Callable[[], FcmAnswer | dict[str, object]]


class TopicSubscriptionsApi:
    """Remembers subscriptions and answers as FCM does, or as a fault rule asks for; a rule's targets are registrations here."""

    def __init__(self, subscriptions: Subscriptions, faults: FaultBook) -> None:
        self._subscriptions = subscriptions
        self._faults = faults

    def create(self, request: Request, project: str, registration: str) -> Answer:
        """Subscribe to `?topicName=`."""
        topic = request.query.get("topicName", "")

        def act() -> FcmAnswer | dict[str, object]:
            if topic in self._subscriptions.of(project, registration):
                return error(409, "ALREADY_EXISTS", "Requested entity already exists")
            return self._subscribe(project, registration, topic)

        return self._answer(request, project, registration, topic, act)

    def list(self, request: Request, project: str, registration: str) -> Answer:
        """List a page of a registration's subscriptions."""
        asked, after = request.query.get("pageSize", ""), request.query.get("pageToken", "")
        size = min(int(asked) if asked.isdecimal() and int(asked) else USUAL_PAGE, LARGEST_PAGE)
        start = int(after) if after.isdecimal() else 0

        def act() -> FcmAnswer | dict[str, object]:
            topics = self._subscriptions.of(project, registration)
            page = [self._shown(project, registration, topic) for topic in islice(topics, start, start + size)]
            shown: dict[str, object] = {"topicSubscriptions": page} if page else {}
            return shown | ({"nextPageToken": str(start + size)} if len(topics) > start + size else {})

        return self._answer(request, project, registration, None, act)

    def get(self, request: Request, project: str, registration: str, topic: str) -> Answer:
        """Show one subscription."""

        def act() -> FcmAnswer | dict[str, object]:
            return self._missing(project, registration, topic) or self._shown(project, registration, topic)

        return self._answer(request, project, registration, topic, act)

    def patch(self, request: Request, project: str, registration: str, topic: str) -> Answer:
        """Subscribe, or leave it at that."""

        def act() -> FcmAnswer | dict[str, object]:
            missing = self._missing(project, registration, topic)
            if missing is None:
                return self._shown(project, registration, topic)
            return self._subscribe(project, registration, topic) if _allows_missing(request) else missing

        return self._answer(request, project, registration, topic, act)

    def delete(self, request: Request, project: str, registration: str, topic: str) -> Answer:
        """Unsubscribe."""

        def act() -> FcmAnswer | dict[str, object]:
            missing = self._missing(project, registration, topic)
            self._subscriptions.remove(project, registration, topic)
            return missing if missing is not None and not _allows_missing(request) else {}

        return self._answer(request, project, registration, topic, act)

    def _answer(self, request: Request, project: str, registration: str, topic: str | None, act: Act) -> Answer:
        refused = credential_failure(request, project) or _failure(registration, topic)
        if refused is not None:
            return refusal(refused)
        attempt = self._subscriptions.attempt(project, registration)
        fault = self._faults.take(project, Target(KIND, registration), attempt) or NO_FAULT
        outcome = act() if fault.accepts else {}
        failure = fault.failure(project) or (outcome if isinstance(outcome, FcmAnswer) else None)
        return with_options(refusal(failure) if failure else json_answer(200, outcome), fault)

    def _subscribe(self, project: str, registration: str, topic: str) -> FcmAnswer | dict[str, object]:
        if len(self._subscriptions.of(project, registration)) >= MOST_TOPICS:
            return error(400, "FAILED_PRECONDITION", f"The registration is subscribed to {MOST_TOPICS} topics already.")
        self._subscriptions.add(project, registration, topic)
        return self._shown(project, registration, topic)

    def _missing(self, project: str, registration: str, topic: str) -> FcmAnswer | None:
        is_there = topic in self._subscriptions.of(project, registration)
        return None if is_there else error(404, "NOT_FOUND", "Requested entity was not found.")

    def _shown(self, project: str, registration: str, topic: str) -> dict[str, object]:
        name = f"projects/{project}/registrations/{registration}/topicSubscriptions/{topic}"
        return {"name": name, "topicName": topic, "createTime": self._subscriptions.of(project, registration)[topic]}


def _allows_missing(request: Request) -> bool:
    return request.query.get("allowMissing") == "true"


def _failure(registration: str, topic: str | None) -> FcmAnswer | None:
    if topic is not None and not TOPIC.fullmatch(topic):
        return invalid_argument([("topic_name", "Invalid topic name provided; a topic matches [a-zA-Z0-9-_.~%]{1,900}.")])
    return None if REGISTRATION.fullmatch(registration) else named_error(ErrorName.INVALID_ARGUMENT_TOKEN)
