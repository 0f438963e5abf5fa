"""Accepting a request to send: check, resolve, store in one commit, nudge.

| to | is stored with | and nudges |
|---|---|---|
| named people, devices, bare targets | its recipients | `send` |
| a topic or a condition, which FCM fans out | one recipient | `send`, in a slot of its own: one fan-out at a time |
| a segment, everyone, the devices of a topic | no recipients: nobody is read here | `fanout` |
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import FanfareError, InvalidRequest
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import TargetKind
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification
from fanfare.domain.pacing import TOPIC_LANE, plan_fan_out
from fanfare.domain.packing import pack_recipients
from fanfare.domain.recipient import Recipient
from fanfare.domain.send_request import SendRequest
from fanfare.domain.target import topics_of
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.wording import Wording
from fanfare.ports import Deps
from fanfare.services.new_notification import ROUTE, Accepted, earlier_of, new_notification, notification_id_of, replay_of, settings_of
from fanfare.services.resolve_recipients import resolve_recipients
from fanfare.services.segments import resolve_segment
from fanfare.services.topics import check_topic_exists, check_topic_not_deleted
from fanfare.services.word_notification import check_addressed, check_anybody, check_content, platforms_of, word_request

LARGEST_RECIPIENTS_BYTES = 700 * 1024


@dataclass(frozen=True, slots=True)
class _Checked:
    """A good request, with its saved segment resolved, how it is worded, and whom it reaches if that is known."""

    request: SendRequest
    wording: Wording | None
    recipients: tuple[Recipient, ...] = ()


def accept_notification(deps: Deps, call: Call, request: SendRequest, *, route: str = ROUTE, topic: str | None = None) -> Accepted:
    """Accept a request to send. Nothing is stored unless all of it is good; once it is stored, it is sent even if the nudge is lost.

    `topic` is one that the route itself names, which must have been created here. `route` is what an Idempotency-Key belongs to.
    """
    settings = settings_of(deps, call.tenant)
    try:
        checked = _check(deps, call.tenant, request, settings, topic)
    except FanfareError:
        # A template, the channels or whom it reaches may have changed since the first request under this key was accepted; its answer still stands.
        earlier = earlier_of(deps, call, route)
        if earlier is None:
            raise
        return replay_of(earlier, request.request_hash)
    notification = _notification(deps, call, checked, settings, notification_id_of(deps, call, route))
    existing = deps.notifications.accept(notification, checked.recipients)
    if existing is not None:
        return replay_of(existing, request.request_hash)
    _nudge(deps, call, notification)
    return Accepted(notification)


def _check(deps: Deps, tenant: str, request: SendRequest, settings: TenantSettings, topic: str | None) -> _Checked:
    request = resolve_segment(deps, tenant, request)
    check_topics(deps, tenant, request, topic)
    wording = word_request(deps, tenant, request)
    check_content(deps, request, wording, platforms_of(request), settings.channels)
    if request.to.segment is not None:
        check_anybody(deps, request, wording)
        return _Checked(request, wording)
    recipients = resolve_recipients(deps, tenant, request)
    _check_size(recipients)
    check_addressed(deps, request, wording, recipients)
    return _Checked(request, wording, recipients)


def check_topics(deps: Deps, tenant: str, request: SendRequest, topic: str | None) -> None:
    """A topic of ours must be one; who is subscribed to another one, only FCM knows."""
    if topic is not None:
        check_topic_exists(deps, tenant, topic, "name")
    elif request.to.segment is not None and request.raw.get("fanout") is not None:
        check_topic_exists(deps, tenant, request.raw["to"]["topic"], "to.topic")
    elif request.to.fanned_out is not None:
        field = "to.topic" if request.to.fanned_out.kind is TargetKind.TOPIC else "to.condition"
        for name in topics_of(request.to.fanned_out):
            check_topic_not_deleted(deps, tenant, name, field)


def _notification(deps: Deps, call: Call, checked: _Checked, settings: TenantSettings, notification_id: str) -> Notification:
    request = checked.request
    reached = 1 if request.to.segment is not None else len(checked.recipients)
    made = replace(new_notification(deps, call, request, checked.wording, settings, targeted=reached), id=notification_id)
    if request.to.segment is not None:
        return replace(made, layout=Layout(Source.AUDIENCE), counts=Counts(), chunk_count=0)
    return _in_its_turn(deps, made, request) if request.to.fanned_out is not None else made


def _in_its_turn(deps: Deps, notification: Notification, request: SendRequest) -> Notification:
    """Plan it for when FCM has fanned out the one before it; its life begins then."""
    subscribers = _subscribers(deps, notification.tenant, request)
    slot = deps.pacing.reserve(notification.tenant, TOPIC_LANE, partial(plan_fan_out, subscribers=subscribers, now=notification.created_at))
    return replace(notification, planned_at=slot, next_check_at=slot + FIRST_CHECK)


def _subscribers(deps: Deps, tenant: str, request: SendRequest) -> int:
    """How many devices a topic of ours has; 0 where only FCM knows."""
    names = topics_of(request.to.fanned_out) if request.to.fanned_out is not None else ()
    ours = [name for name in names if deps.topics.get(tenant, name) is not None]
    return sum(deps.subscriptions.count(tenant, ours).values()) if ours else 0


def _nudge(deps: Deps, call: Call, notification: Notification) -> None:
    if notification.layout is not None:
        deps.tasks.enqueue_fanout(notification.tenant, notification.id, call.request_id)
    elif notification.chunk_count:
        due_at = notification.planned_at if notification.planned_at > notification.created_at else None
        deps.tasks.enqueue_send(ChunkKey(notification.tenant, notification.id, 0), call.request_id, due_at)


def _check_size(recipients: tuple[Recipient, ...]) -> None:
    if len(pack_recipients(recipients)) > LARGEST_RECIPIENTS_BYTES:
        raise InvalidRequest.at("to", "reaches devices whose targets are together too long; send to fewer of them at once")
