"""Accepting a request to send: prepare it, store it in one commit, nudge."""

from __future__ import annotations

from fanfare.domain.call import Call
from fanfare.domain.errors import FanfareError
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps
from fanfare.services.announce_status import status_events
from fanfare.services.new_events import nudge_deliveries
from fanfare.services.new_notification import ROUTE, Accepted, earlier_of, notification_id_of, replay_of, settings_of
from fanfare.services.prepare_notification import make_notification, nudge, prepare_request


def accept_notification(deps: Deps, call: Call, request: SendRequest, *, route: str = ROUTE, topic: str | None = None) -> Accepted:
    """Accept a request to send. Nothing is stored unless all of it is good; once it is stored, it is sent even if the nudge is lost.

    `topic` is one that the route itself names, which must have been created here. `route` is what an Idempotency-Key belongs to.
    """
    settings = settings_of(deps, call.tenant)
    try:
        prepared = prepare_request(deps, call.tenant, request, settings, topic=topic)
    except FanfareError:
        # A template, the channels or whom it reaches may have changed since the first request under this key was accepted; its answer still stands.
        earlier = earlier_of(deps, call, route)
        if earlier is None:
            raise
        return replay_of(earlier, request.request_hash)
    notification = make_notification(deps, call, prepared, settings, notification_id_of(deps, call, route))
    # One that reaches nobody has ended with this.
    events = status_events(deps, None, notification)
    existing = deps.notifications.accept(notification, prepared.recipients, events=events)
    if existing is not None:
        return replay_of(existing, request.request_hash)
    nudge(deps, notification, call.request_id)
    nudge_deliveries(deps, events)
    return Accepted(notification)
