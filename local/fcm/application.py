"""The one application behind both ports: a small router over FCM's routes and the simulator's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from local.fcm.admin import AdminApi
from local.fcm.connections import Connections
from local.fcm.errors import not_found_page
from local.fcm.exchange import HTML_TYPE, Answer, Request
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.send import SendEndpoint
from local.fcm.subscriptions import Subscriptions
from local.fcm.topic_subscriptions import TopicSubscriptionsApi

Handler = Callable[..., Answer]
_SUBSCRIPTIONS = r"/v1/projects/([^/]+)/registrations/([^/]+)/topicSubscriptions"


class Application:
    """Finds the handler by method and path; a path's groups are the handler's further arguments."""

    def __init__(self, inbox: Inbox, faults: FaultBook, connections: Connections) -> None:
        subscriptions = Subscriptions()
        admin = AdminApi(inbox, faults, connections, subscriptions)
        topics = TopicSubscriptionsApi(subscriptions, faults)
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            ("POST", re.compile(r"/v1/projects/([^/]+)/messages:send"), SendEndpoint(inbox, faults)),
            ("POST", re.compile(r"/_sim/faults"), admin.add_fault),
            ("GET", re.compile(r"/_sim/faults"), admin.list_faults),
            ("DELETE", re.compile(r"/_sim/faults"), admin.clear_faults),
            ("DELETE", re.compile(r"/_sim/faults/([^/]+)"), admin.remove_fault),
            ("GET", re.compile(r"/_sim/messages"), admin.list_messages),
            ("DELETE", re.compile(r"/_sim/messages"), admin.forget_messages),
            ("GET", re.compile(r"/_sim/targets"), admin.list_targets),
            ("GET", re.compile(r"/_sim/subscriptions"), admin.list_subscriptions),
            ("DELETE", re.compile(r"/_sim/subscriptions"), admin.forget_subscriptions),
            ("GET", re.compile(r"/_sim/stats"), admin.show_stats),
        ]
        every, one = re.compile(_SUBSCRIPTIONS), re.compile(_SUBSCRIPTIONS + r"/([^/]+)")
        self._raw_routes: list[tuple[str, re.Pattern[str], Handler]] = [
            ("POST", every, topics.create),
            ("GET", every, topics.list),
            ("GET", one, topics.get),
            ("PATCH", one, topics.patch),
            ("DELETE", one, topics.delete),
        ]

    def handle(self, request: Request) -> Answer:
        """Answer a request; whatever the API does not have is Google's HTML page 404."""
        path = request.path
        for method, pattern, handler in self._routes:
            if request.method == method and (match := pattern.fullmatch(path)):
                return handler(request, *match.groups())
        # A registration may hold a slash, which is encoded in its path: what stands between two slashes is decoded by itself.
        raw = request.target.partition("?")[0]
        for method, pattern, handler in self._raw_routes:
            if request.method == method and (match := pattern.fullmatch(raw)):
                return handler(request, *map(unquote, match.groups()))
        page = not_found_page(path)
        return Answer(page.status, str(page.body).encode(), HTML_TYPE)
