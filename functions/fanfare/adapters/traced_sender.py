"""The sender of messages with a span around each pass of its batches; in use only where spans are collected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from fanfare.domain.classification import Answer
from fanfare.domain.tenant import Tenant
from fanfare.domain.trace_context import SpanKind
from fanfare.ports import PushSender
from fanfare.ports.telemetry import Telemetry


class TracedPushSender:
    """Sends by another sender, and records how many messages FCM answered and accepted."""

    def __init__(self, sender: PushSender, telemetry: Telemetry) -> None:
        self._sender = sender
        self._telemetry = telemetry

    def send(self, tenant: Tenant, bodies: Iterable[tuple[str, bytes]]) -> Iterator[Sequence[tuple[str, Answer]]]:
        """Post messages and yield (key, answer) in batches, as the other sender does."""
        span = self._telemetry.start("fcm send", SpanKind.CLIENT, tenant=tenant.id)
        answered = accepted = 0
        try:
            for batch in self._sender.send(tenant, bodies):
                answered += len(batch)
                accepted += sum(answer.status == 200 for _, answer in batch)
                yield batch
        finally:
            span.note(answered=answered, accepted=accepted)
            span.end()

    def renew(self, tenant: Tenant) -> None:
        """Forget the tenant's access token: the next send gets a new one."""
        self._sender.renew(tenant)
