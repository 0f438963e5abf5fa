"""Our sender between reading a chunk and storing its results: encode, transport, classify. Each distinct rendering is encoded once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast

from fanfare.adapters.fcm_credentials import FcmCredentials
from fanfare.adapters.fcm_lane import FcmEndpoint
from fanfare.adapters.fcm_sender import FcmPushSender
from fanfare.adapters.secret_manager import GoogleSecretStore, SecretValue
from fanfare.domain.classification import Kind, classify
from fanfare.domain.encoding import EncodedMessage, encode
from fanfare.domain.message import Message
from fanfare.domain.notification import Notification
from fanfare.domain.receipt import ReceiptSigner
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendering import render
from fanfare.domain.tenant import Tenant
from tests.bench.contestants.messages import notification, recipients
from tests.bench.workload import CHUNK, PROJECT

RECEIPT_KEY = b"k" * 32
Encode = Callable[[Notification, Sequence[Recipient]], Iterable[tuple[str, bytes]]]


class _OneSecret:
    """Secret Manager with the tenant's service account in it."""

    def __init__(self, account: Mapping[str, Any]) -> None:
        self._value = json.dumps(account).encode()

    def access(self, name: str, version: str = "latest") -> SecretValue:
        return SecretValue(version, self._value)


def prepare(settings: Mapping[str, Any], encode_chunk: Encode | None = None) -> Callable[[int], int]:
    """Build the real sender; returns what sends so many messages, 500 a chunk, and counts the accepted."""
    secrets = cast("GoogleSecretStore", _OneSecret(settings["account"]))
    sender = FcmPushSender(FcmEndpoint(settings["url"], settings["ca"]), FcmCredentials(secrets, settings["token_uri"]))
    tenant = Tenant("bench", "Bench", PROJECT, "bench", "bench", datetime.now(tz=UTC), credential_version="latest")
    waiting, rows = notification("bench", "benchmark-notification"), recipients()
    encode_rows = encode_chunk or encode_once_per_rendering

    def run(count: int) -> int:
        accepted = 0
        for _ in range(count // CHUNK):
            batches = sender.send(tenant, encode_rows(waiting, rows))
            verdicts = {device_id: classify(answer) for batch in batches for device_id, answer in batch}
            accepted += sum(verdict.kind is Kind.ACCEPTED for verdict in verdicts.values())
        return accepted

    return run


def encode_once_per_rendering(waiting: Notification, rows: Sequence[Recipient]) -> Iterator[tuple[str, bytes]]:
    """What `send` does for a chunk: a recipient costs a signature and a concatenation."""
    sign = ReceiptSigner(RECEIPT_KEY, waiting.id).sign
    renderings: dict[object, EncodedMessage] = {}
    for row in rows:
        kind = (row.platform, row.target.kind)
        encoded = renderings.get(kind)
        if encoded is None:
            encoded = renderings[kind] = encode_for(waiting, waiting.message, row)
        yield row.device_id, encoded.splice(row.target.value, sign(row.device_id))


def encode_for(waiting: Notification, message: Message, row: Recipient) -> EncodedMessage:
    """Render and encode a message for one row's platform."""
    rendering = render(
        message,
        row.platform,
        notification_id=waiting.id,
        ttl_seconds=waiting.ttl_seconds,
        planned_at=waiting.planned_at,
        now=waiting.planned_at,
    )
    return encode(rendering, kind=row.target.kind)
