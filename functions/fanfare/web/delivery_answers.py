"""One recipient's outcome as the API shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from fanfare.domain.outcome import Outcome, Result
from fanfare.domain.receipts import StoredReceipt
from fanfare.web.instants import show_time
from fanfare.web.schema import Out


class DeliveryOut(Out):
    """One recipient's outcome. `device_id` is null for a topic or condition, which FCM fans out itself."""

    device_id: str | None
    platform: Literal["android", "ios", "web"] | None
    username: str | None
    outcome: Literal["sent", "failed", "retrying", "unsent"]
    fcm_message_id: str | None
    error_code: str | None
    http_status: int | None
    attempts: int
    delivered_at: datetime | None
    read_at: datetime | None


class DeliveryPage(Out):
    """A page of deliveries."""

    items: list[DeliveryOut]
    next_cursor: str | None


def show_delivery(device_id: str, result: Result, receipt: StoredReceipt | None = None) -> dict[str, Any]:
    """One recipient's outcome, and what its app has reported."""
    sent = result.outcome is Outcome.SENT
    return {
        "device_id": device_id or None,
        "platform": result.platform.value if result.platform else None,
        "username": result.username,
        "outcome": result.outcome.value,
        "fcm_message_id": result.detail if sent else None,
        "error_code": None if sent else result.detail or None,
        "http_status": result.http_status or None,
        "attempts": result.attempts,
        "delivered_at": show_time(receipt.delivered_at) if receipt else None,
        "read_at": show_time(receipt.read_at) if receipt else None,
    }
