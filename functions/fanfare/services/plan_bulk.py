"""What a request to send to many comes to: who is told what, which items are refused, and the notification that is made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from fanfare.domain.address import AddressKind
from fanfare.domain.bulk import BulkRequest, Refused, check_refused, give_once, record_refused
from fanfare.domain.call import Call
from fanfare.domain.content import Content
from fanfare.domain.message import Message
from fanfare.domain.notification import Notification
from fanfare.domain.recipient import Recipient
from fanfare.domain.segment import Segment
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.wording import Wording
from fanfare.ports import Deps
from fanfare.services.new_notification import MOST_NAMED, new_notification, notification_id_of, settings_of
from fanfare.services.resolve_bulk import resolve_bulk
from fanfare.services.word_bulk import check_rows, word_bulk
from fanfare.services.word_notification import check_addressed, check_content, platforms_of, word_request


@dataclass(frozen=True, slots=True)
class BulkPlan:
    """A notification that is not stored yet, everybody whom it reaches, and what is wrong with the items that are not in it."""

    notification: Notification
    rows: Sequence[Recipient]
    refused: Refused


def plan_bulk(deps: Deps, call: Call, request: BulkRequest, route: str) -> BulkPlan:
    """Check and resolve a request; InvalidRequest names what is wrong if nothing of it can be sent."""
    check_refused(request, request.refused)
    settings = settings_of(deps, call.tenant)
    plan = (_plan_messages if request.separate else _plan_message)(deps, call, request, settings)
    return replace(plan, notification=replace(plan.notification, id=notification_id_of(deps, call, route)))


def _plan_message(deps: Deps, call: Call, request: BulkRequest, settings: TenantSettings) -> BulkPlan:
    """One message for all."""
    item = request.items[0]
    wording = word_request(deps, call.tenant, item)
    check_content(deps, item, wording, platforms_of(item), settings.channels)
    rows = resolve_bulk(deps, call.tenant, request, {0: None})[0]
    check_addressed(deps, item, wording, rows)
    recorded = replace(item, raw=record_refused(request.raw, request.size, request.refused))
    return BulkPlan(new_notification(deps, call, recorded, wording, settings, targeted=len(rows)), rows, request.refused)


def _plan_messages(deps: Deps, call: Call, request: BulkRequest, settings: TenantSettings) -> BulkPlan:
    """A message for each."""
    contents, wrong = word_bulk(deps, call.tenant, request, settings)
    refused = {**request.refused, **wrong}
    check_refused(request, refused)
    found = resolve_bulk(deps, call.tenant, request, contents)
    refused.update(check_rows(deps, found))
    rows, late = give_once(request.path, {index: own for index, own in found.items() if index not in refused})
    refused.update(late)
    check_refused(request, refused)
    accepted = {index: content for index, content in contents.items() if index not in refused}
    said = _summary(request, [request.items[index] for index in sorted(accepted)], refused)
    notification = new_notification(deps, call, said, _shared_wording(accepted.values()), settings, targeted=len(rows))
    return BulkPlan(replace(notification, ttl_seconds=max(content.ttl_seconds for content in accepted.values())), rows, refused)


def _summary(request: BulkRequest, items: Sequence[SendRequest], refused: Refused) -> SendRequest:
    """What the notification says of all its messages: how many there are, and the first of those to whom they go."""
    addresses = [address for item in items for address in item.to.addresses if address.kind is AddressKind.PROFILE]
    return SendRequest(
        to=Addressees(addresses=tuple(addresses[:MOST_NAMED])),
        only=Segment(),
        message=Message(),
        raw=record_refused(request.raw, request.size, refused),
        request_hash=request.request_hash,
        validate_only=request.validate_only,
        usernames=tuple(name for item in items for name in item.usernames)[:MOST_NAMED],
    )


def _shared_wording(contents: Iterable[Content]) -> Wording | None:
    """The template that words all of them, if one does: the notification is found by its name."""
    wordings: Collection[Wording | None] = {(content.wording.template if content.wording else None): content.wording for content in contents}.values()
    shared = next(iter(wordings))
    return replace(shared, variables={}, personal=False) if shared is not None and len(wordings) == 1 else None
