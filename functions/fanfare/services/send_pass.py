"""One pass over a chunk: send to everybody who is due, record every answer, keep the lease, stop where going on would do harm.

| an answer says | the pass |
|---|---|
| this rendering is refused | sends it to nobody else; the others of the chunk go on |
| the project or the credential is broken | feeds no more, waits for what is in flight |
| the project's message rate is exceeded, ten times | likewise: more messages would only be refused too |
| FCM fails, ten times and more often than not | likewise: senders that go on at full speed are denylisted (scale-fcm) |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fanfare.domain.chunk import Chunk, renew_lease
from fanfare.domain.classification import Kind, MessageAction, ProjectAction, RetryRule, Rule, TargetAction, Verdict, classify
from fanfare.domain.delivery import Moment, expires_at, planned_at, record, retry_until
from fanfare.domain.encoding import EncodedMessage, encode
from fanfare.domain.message import Platform, TargetKind
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.receipt import ReceiptSigner
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendering import render
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps

CHECKPOINT = timedelta(seconds=1)
"""A crash repeats at most the last second's sends; a pass that ends within one pays no commit for it."""
MOST_SLOW_ANSWERS = 10

RenderingKey = tuple[Platform | None, TargetKind]


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed chunk and all that is needed to deliver it."""

    tenant: Tenant
    notification: Notification
    recipients: Sequence[Recipient]
    planned_at: datetime
    expires_at: datetime
    retry_until: datetime


def work_of(tenant: Tenant, notification: Notification, recipients: Sequence[Recipient], chunk: Chunk) -> Work:
    """Put together what delivering a chunk needs."""
    planned, expires, until = planned_at(notification, chunk), expires_at(notification, chunk), retry_until(notification, chunk)
    return Work(tenant, notification, recipients, planned, expires, until)


class ClaimLost(Exception):
    """Another call holds the chunk: what this one knows may not be stored."""


@dataclass(slots=True)
class SendPass:
    """A pass in the making: the chunk as it was stored last, everybody's results so far, and this call's own verdicts.

    `suspects` are recipients whose answers condemn their targets, `broken` is the answer that says the project itself is.
    """

    deps: Deps
    work: Work
    chunk: Chunk
    results: dict[str, Result]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    suspects: list[Recipient] = field(default_factory=list)
    broken: Verdict | None = None
    _refused: dict[RenderingKey, Verdict] = field(default_factory=dict)
    _alerted: set[Kind] = field(default_factory=set)
    _slow_answers: int = 0
    _stopped: bool = False

    def run(self, rows: Sequence[Recipient]) -> None:
        """Send to `rows`. Raises ClaimLost if the lease was lost on the way, Unavailable or CredentialRefused without a token."""
        self.broken, self._stopped = None, False
        by_id = {row.device_id: row for row in rows}
        started = checkpoint = self.deps.clock.now()
        moment = Moment(started, self.work.retry_until, self.deps.identifiers.jitter())
        for batch in self.deps.sender.send(self.work.tenant, self._bodies(rows, started)):
            now = self.deps.clock.now()
            at = replace(moment, now=now)
            for device_id, answer in batch:
                self._record(by_id[device_id], classify(answer), at)
            if now - checkpoint >= CHECKPOINT:
                self._checkpoint(now)
                checkpoint = now
            self._stopped = self._stopped or self.deps.lifecycle.is_stopping()
        self._fail_refused_renderings(rows, moment)

    def _bodies(self, rows: Sequence[Recipient], now: datetime) -> Iterator[tuple[str, bytes]]:
        """Encode each distinct rendering once; a recipient costs a signature and a concatenation."""
        key = self.deps.receipt_keys.receipt_key(self.work.tenant.id)
        sign = ReceiptSigner(key, self.work.notification.id).sign
        renderings: dict[RenderingKey, EncodedMessage] = {}
        for row in rows:
            if self._stopped:
                return
            kind = _rendering_key(row)
            if kind in self._refused:
                continue
            encoded = renderings.get(kind)
            if encoded is None:
                encoded = renderings[kind] = encode_for(self.work, kind, now, validate_only=self.work.notification.validate_only)
            yield row.device_id, encoded.splice(row.target.value, sign(row.device_id))

    def _record(self, row: Recipient, verdict: Verdict, moment: Moment) -> None:
        self.verdicts[row.device_id] = verdict
        result = record(row, verdict, self.results.get(row.device_id), moment)
        if result is not None:
            self.results[row.device_id] = result
        if verdict.kind is not Kind.ACCEPTED:
            self._react(row, verdict)

    def _react(self, row: Recipient, verdict: Verdict) -> None:
        rule = verdict.rule
        if rule.target is not TargetAction.LEAVE:
            self.suspects.append(row)
        if rule.alert and verdict.kind not in self._alerted:
            self._alerted.add(verdict.kind)
            self.deps.log.warning("fcm_alert", kind=verdict.kind.value, code=verdict.detail, tenant=self.work.tenant.id)
        if rule.message is MessageAction.FAIL_RENDERING:
            self._refused[_rendering_key(row)] = verdict
        elif rule.message is MessageAction.PARK:
            self.broken, self._stopped = verdict, True
        elif rule.project is ProjectAction.SLOW_DOWN:
            self._slow_down(rule)

    def _slow_down(self, rule: Rule) -> None:
        self._slow_answers += 1
        hopeless = rule.retry is RetryRule.QUOTA or self._slow_answers * 2 > len(self.verdicts)
        self._stopped = self._stopped or (self._slow_answers >= MOST_SLOW_ANSWERS and hopeless)

    def _fail_refused_renderings(self, rows: Sequence[Recipient], moment: Moment) -> None:
        """Fail at once whoever would have got bytes that FCM refused: it would refuse them again."""
        for row in rows:
            verdict = self._refused.get(_rendering_key(row))
            if verdict is not None and row.device_id not in self.verdicts:
                self._record(row, verdict, moment)

    def _checkpoint(self, now: datetime) -> None:
        # A condemned target's answer is kept for the end, when its retirement is decided: stored before that, a crash would leave it final
        # and the target active for ever. The call that takes over asks FCM about it again.
        condemned = {row.device_id for row in self.suspects}
        results = {device_id: result for device_id, result in self.results.items() if device_id not in condemned}
        counts = count(results.values(), len(self.work.recipients))
        stored = self.deps.notifications.save_chunk(replace(renew_lease(self.chunk, now), results=results, counts=counts))
        if stored is None:
            raise ClaimLost
        self.chunk = stored


def encode_for(work: Work, kind: RenderingKey, now: datetime, *, validate_only: bool) -> EncodedMessage:
    """Render and encode the message for one platform and kind of target, with what is left of its life."""
    platform, target_kind = kind
    rendering = render(
        work.notification.message,
        platform,
        notification_id=work.notification.id,
        ttl_seconds=work.notification.ttl_seconds,
        planned_at=work.planned_at,
        now=now,
    )
    return encode(rendering, kind=target_kind, validate_only=validate_only)


def accepted_renderings(rows: Sequence[Recipient], results: Mapping[str, Result]) -> frozenset[RenderingKey]:
    """The renderings that FCM accepted for somebody: their payload is known to be good."""
    return frozenset(_rendering_key(row) for row in rows if (result := results.get(row.device_id)) and result.outcome is Outcome.SENT)


def _rendering_key(row: Recipient) -> RenderingKey:
    return (row.platform, row.target.kind)
