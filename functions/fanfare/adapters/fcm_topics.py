"""FCM's topic subscriptions: `projects.registrations.topicSubscriptions` of FCM v1 (its discovery document), one request for each."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from urllib.parse import quote

import pycurl

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint, FcmLane, json_headers
from fanfare.domain.batches import split
from fanfare.domain.classification import Answer
from fanfare.domain.subscribing import Subscription
from fanfare.domain.tenant import Tenant
from fanfare.domain.topic_pace import PIECE, pause_seconds
from fanfare.ports import Clock

_Request = tuple[str, str]
"""Method and address."""


class FcmTopicSubscriber:
    """Tells of any tenant's subscriptions. Threads share credentials and nothing else."""

    def __init__(self, endpoint: FcmEndpoint, credentials: FcmCredentials, clock: Clock) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._clock = clock
        self._lanes = threading.local()

    def tell(self, tenant: Tenant, subscriptions: Sequence[Subscription]) -> Iterator[Sequence[tuple[Subscription, Answer]]]:
        """Subscribe and unsubscribe targets and yield (what was told, answer) in batches, at least one a second, at the pace that FCM allows.

        Both ways say `allowMissing`, which makes them harmless to repeat. Raises Unavailable if no access token can be had now, CredentialRefused if
        Google refuses the tenant's credential.
        """
        headers = json_headers(self._credentials.access_token(tenant))
        return self._run(f"{self._endpoint.url}/v1/projects/{tenant.firebase_project_id}/registrations", headers, subscriptions)

    def _run(self, url: str, headers: list[str], subscriptions: Sequence[Subscription]) -> Iterator[Sequence[tuple[Subscription, Answer]]]:
        began, told = self._clock.now(), 0
        for piece in split(subscriptions, PIECE):
            pause = pause_seconds(told, self._clock.now() - began)
            if pause:
                threading.Event().wait(pause)
            requests = ((str(place), _request(url, subscription)) for place, subscription in enumerate(piece))
            for answers in self._lane().run(url, headers, requests):
                yield [(piece[int(place)], answer) for place, answer in answers]
            told += len(piece)

    def _lane(self) -> FcmLane[_Request]:
        lane: FcmLane[_Request] | None = getattr(self._lanes, "lane", None)
        if lane is None:
            lane = self._lanes.lane = FcmLane(self._endpoint, _set_request)
        return lane


def _request(url: str, subscription: Subscription) -> _Request:
    # Neither a target nor a topic's name may end the path's segment that it is.
    target, topic = quote(subscription.target.value, safe=":"), quote(subscription.topic, safe="")
    return "PATCH" if subscription.subscribed else "DELETE", f"{url}/{target}/topicSubscriptions/{topic}?allowMissing=true"


def _set_request(curl: pycurl.Curl, request: _Request) -> None:
    method, url = request
    curl.setopt(pycurl.CUSTOMREQUEST, method)
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.POSTFIELDS, b"{}" if method == "PATCH" else b"")
