"""Our sender with variables: every recipient's text differs, so every message is rendered and encoded on its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from fanfare.domain.notification import Notification
from fanfare.domain.receipt import ReceiptSigner
from fanfare.domain.recipient import Recipient
from tests.bench.contestants import sender


def prepare(settings: Mapping[str, Any]) -> Callable[[int], int]:
    """Build the sender."""
    return sender.prepare(settings, _encode_each)


def _encode_each(waiting: Notification, rows: Sequence[Recipient]) -> Iterator[tuple[str, bytes]]:
    for row in rows:
        message = replace(waiting.message, title=f"{row.username}, your order is on its way")
        receipt = ReceiptSigner(sender.RECEIPT_KEY, waiting.id).sign(row.device_id)
        yield row.device_id, sender.encode_for(waiting, message, row).splice(row.target.value, receipt)
