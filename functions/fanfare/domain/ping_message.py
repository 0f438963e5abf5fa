"""What pings say: a message like any other, to at most 500 devices.

It is data alone, `type` keepalive and the `username` of the device's first owner. It lives for a day, which is when the next one comes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fanfare.domain.call import ActorKind
from fanfare.domain.identifiers import hash_identifier
from fanfare.domain.keepalive import PING_TYPE
from fanfare.domain.message import Priority
from fanfare.domain.notification import FIRST_CHECK, Counts, Notification, NotificationStatus
from fanfare.domain.send_request import message_of
from fanfare.domain.template import Template
from fanfare.domain.template_text import Syntax
from fanfare.domain.variables import USERNAME
from fanfare.domain.wording import Wording

PING_SECONDS = 86_400
FUNCTION = "keepalive"
"""The name of the function that pings, which stands where another notification names a client."""


def ping_of(tenant: str, template: Template | None, recipients: int, *, notification_id: str, request_id: str, now: datetime) -> Notification:
    """The notification that pings so many devices; of the tenant's template of that name it takes the priority, high without one."""
    request = {"type": PING_TYPE, "silent": True, "priority": _priority_of(template).value, "ttl_seconds": PING_SECONDS, "data": {"type": PING_TYPE}}
    return Notification(
        id=notification_id,
        tenant=tenant,
        client_id=FUNCTION,
        message=message_of(request),
        ttl_seconds=PING_SECONDS,
        request=request,
        request_hash=hash_identifier(FUNCTION, notification_id),
        request_id=request_id,
        status=NotificationStatus.QUEUED,
        counts=Counts(targeted=recipients, unsent=recipients),
        created_at=now,
        planned_at=now,
        next_check_at=now + FIRST_CHECK,
        type=PING_TYPE,
        actor_kind=ActorKind.FUNCTION,
        wording=_wording(template),
    )


def _priority_of(template: Template | None) -> Priority:
    if template is None or not template.active or template.defect is not None:
        return Priority.HIGH
    return Priority(template.message.get("priority") or Priority.HIGH)


def _wording(template: Template | None) -> Wording:
    """Who is told what: each its own username, the only thing that differs."""
    said: dict[str, Any] = {"data": {USERNAME: f"{{{{{USERNAME}}}}}"}}
    version = template.version if template is not None else 0
    return Wording(PING_TYPE, version, Syntax.DOUBLE, said, {}, {}, variables={}, personal=True)
