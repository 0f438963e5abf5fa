"""From a request to a notification that can be stored: checked, resolved, worded. The same for what is sent at once and for what a schedule sends.

| to | is stored with | and nudges |
|---|---|---|
| named people, devices, bare targets | its recipients | `send` |
| a topic or a condition, which FCM fans out | one recipient | `send`, in a slot of its own: one fan-out at a time |
| a segment, everyone, the devices of a topic | no recipients: nobody is read here | `fanout` |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from fanfare.domain.call import Call
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.errors import InvalidRequest
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
from fanfare.services.find_viewers import find_viewers
from fanfare.services.new_notification import new_notification
from fanfare.services.resolve_recipients import resolve_reach
from fanfare.services.segments import resolve_segment
from fanfare.services.topics import check_topic_exists, check_topic_not_deleted
from fanfare.services.word_notification import check_addressed, check_anybody, check_content, platforms_of, word_request

LARGEST_RECIPIENTS_BYTES = 700 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """A good request, with its saved segment resolved, how it is worded, and whom it reaches if that is known, each with their time zone if it is.

    `owners` are by device id the profiles that own it.
    """

    request: SendRequest
    wording: Wording | None
    zoned: tuple[tuple[Recipient, str | None], ...] = ()
    owners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def recipients(self) -> tuple[Recipient, ...]:
        """Whom it reaches, if that is known."""
        return tuple(row for row, _ in self.zoned)


def check_request(deps: Deps, tenant: str, request: SendRequest, settings: TenantSettings, *, topic: str | None = None) -> Prepared:
    """Check all that can be checked without looking up who is addressed. InvalidRequest, and the conflicts of templates and saved segments."""
    request = resolve_segment(deps, tenant, request)
    check_topics(deps, tenant, request, topic)
    wording = word_request(deps, tenant, request)
    check_content(deps, request, wording, platforms_of(request), settings.channels)
    if request.to.segment is not None:
        check_anybody(deps, request, wording)
    return Prepared(request, wording)


def prepare_request(deps: Deps, tenant: str, request: SendRequest, settings: TenantSettings, *, topic: str | None = None) -> Prepared:
    """Check a request and find whom it reaches, unless `fanout` does that.

    `topic` is one that a route itself names, which must have been created here.
    """
    checked = check_request(deps, tenant, request, settings, topic=topic)
    if checked.request.to.segment is not None:
        return checked
    reach = resolve_reach(deps, tenant, checked.request)
    prepared = replace(checked, zoned=reach.zoned, owners=reach.owners)
    _check_size(prepared.recipients)
    check_addressed(deps, prepared.request, prepared.wording, prepared.recipients)
    return prepared


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
    elif request.to.segment is not None:
        for name in request.to.segment.topics:
            check_topic_not_deleted(deps, tenant, name, "to.segment.topics")


def make_notification(deps: Deps, call: Call, prepared: Prepared, settings: TenantSettings, notification_id: str) -> Notification:
    """Make the notification, which is not stored yet."""
    request = prepared.request
    reached = 1 if request.to.segment is not None else len(prepared.zoned)
    new = new_notification(deps, call, request, prepared.wording, settings, targeted=reached)
    made = replace(new, id=notification_id, viewers=find_viewers(deps, call.tenant, request, prepared.owners))
    if request.to.segment is not None:
        return replace(made, layout=Layout(Source.AUDIENCE), counts=Counts(), chunk_count=0)
    return _in_its_turn(deps, made, request) if request.to.fanned_out is not None else made


def nudge(deps: Deps, notification: Notification, request_id: str) -> None:
    """Ask the queue to have a stored notification sent; the sweep does so where that is lost."""
    if notification.layout is not None:
        deps.tasks.enqueue_fanout(notification.tenant, notification.id, request_id)
    elif notification.chunk_count:
        due_at = notification.planned_at if notification.planned_at > notification.created_at else None
        deps.tasks.enqueue_send(ChunkKey(notification.tenant, notification.id, 0), request_id, due_at)


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


def _check_size(recipients: tuple[Recipient, ...]) -> None:
    if len(pack_recipients(recipients)) > LARGEST_RECIPIENTS_BYTES:
        raise InvalidRequest.at("to", "reaches devices whose targets are together too long; send to fewer of them at once")
