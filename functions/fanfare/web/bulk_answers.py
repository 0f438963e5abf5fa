"""What became of a request to send to many, as the API shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fanfare.domain.bulk import Refused
from fanfare.domain.notification import NotificationStatus
from fanfare.services.accept_bulk import BulkAccepted
from fanfare.web.notification_answers import Status
from fanfare.web.schema import Out, Problem


class ItemErrorOut(Out):
    """What is wrong with an item: a permanent code, a sentence, and its wrong fields."""

    code: str
    detail: str
    errors: list[Problem.Field]


class RefusedItemOut(Out):
    """An item that is not sent: its place among the messages, or in the list of addressees."""

    index: int
    error: ItemErrorOut


class BulkAcceptedOut(Out):
    """The notification that was made, how many items are in it, and those that are not; where to look for what becomes of it stands in `Location`."""

    id: str
    status: Status
    accepted: int
    items: list[RefusedItemOut]


def show_accepted(accepted: BulkAccepted) -> dict[str, Any]:
    """The answer to a request: a repeat gets the first one again, whatever has become of the notification since."""
    notification = accepted.notification
    return {
        "id": notification.id,
        "status": NotificationStatus.QUEUED.value if notification.chunk_count else notification.status.value,
        "accepted": notification.request["accepted"],
        "items": _show_refused(accepted.refused),
    }


def _show_refused(refused: Refused) -> list[dict[str, Any]]:
    return [
        {"index": index, "error": {"code": item.code, "detail": item.detail, "errors": [asdict(error) for error in item.errors]}}
        for index, item in sorted(refused.items())
    ]
