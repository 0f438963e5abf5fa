"""The one application behind both ports: a small router over FCM's routes and the simulator's own."""

from __future__ import annotations

import re
from collections.abc import Callable

from local.fcm.admin import AdminApi
from local.fcm.connections import Connections
from local.fcm.errors import not_found_page
from local.fcm.exchange import HTML_TYPE, Answer, Request
from local.fcm.faults import FaultBook
from local.fcm.inbox import Inbox
from local.fcm.send import SendEndpoint

Handler = Callable[..., Answer]


class Application:
    """Finds the handler by method and path; a path's groups are the handler's further arguments."""

    def __init__(self, inbox: Inbox, faults: FaultBook, connections: Connections) -> None:
        admin = AdminApi(inbox, faults, connections)
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            ("POST", re.compile(r"/v1/projects/([^/]+)/messages:send"), SendEndpoint(inbox, faults)),
            ("POST", re.compile(r"/_sim/faults"), admin.add_fault),
            ("GET", re.compile(r"/_sim/faults"), admin.list_faults),
            ("DELETE", re.compile(r"/_sim/faults"), admin.clear_faults),
            ("DELETE", re.compile(r"/_sim/faults/([^/]+)"), admin.remove_fault),
            ("GET", re.compile(r"/_sim/messages"), admin.list_messages),
            ("DELETE", re.compile(r"/_sim/messages"), admin.forget_messages),
            ("GET", re.compile(r"/_sim/targets"), admin.list_targets),
            ("GET", re.compile(r"/_sim/stats"), admin.show_stats),
        ]

    def handle(self, request: Request) -> Answer:
        """Answer a request; whatever the API does not have is Google's HTML page 404."""
        path = request.path
        for method, pattern, handler in self._routes:
            if request.method == method and (match := pattern.fullmatch(path)):
                return handler(request, *match.groups())
        page = not_found_page(path)
        return Answer(page.status, str(page.body).encode(), HTML_TYPE)
