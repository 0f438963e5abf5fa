"""One pass over a chunk: send to everybody who is due, record every answer, keep the lease, stop where going on would do harm.

| an answer says | the pass |
|---|---|
| this rendering is refused, or can't be worded | sends it to nobody else; the others of the chunk go on |
| the project or the credential is broken | feeds no more, waits for what is in flight |
| the project's message rate is exceeded, ten times | likewise: more messages would only be refused too |
| FCM fails, ten times and more often than not | likewise: senders that go on at full speed are denylisted (scale-fcm) |

A checkpoint's guard tells whether somebody has cancelled or paused the notification meanwhile; then the pass feeds no more.

A checkpoint that can't be stored stops it in the same way, and no other one is tried: what is in flight is waited for, as long as the lease runs, and
stored with the pass's end. Broken off at once, it would have to be sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fanfare.domain.brake import Tally
from fanfare.domain.chunk import Chunk, renew_lease
from fanfare.domain.chunk_rows import is_of_audience, with_unreached
from fanfare.domain.classification import Kind, MessageAction, ProjectAction, RetryRule, Rule, TargetAction, Verdict, classify
from fanfare.domain.content import Content
from fanfare.domain.delivery import Moment, expires_at, planned_at, record, retry_until, worthless_at
from fanfare.domain.encoding import EncodedMessage, encode
from fanfare.domain.errors import InvalidRequest, Unavailable
from fanfare.domain.message import Platform
from fanfare.domain.notification import Notification
from fanfare.domain.outcome import Outcome, Result, count
from fanfare.domain.receipt import ReceiptSigner
from fanfare.domain.recipient import Recipient
from fanfare.domain.refused_forms import form_of, verdict_of
from fanfare.domain.rendering import render
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.announce_chunk import kept_for_later
from fanfare.services.word_notification import message_for

CHECKPOINT = timedelta(seconds=1)
"""A crash repeats at most the last second's sends; a pass that ends within one pays no commit for it."""
MOST_SLOW_ANSWERS = 10

UNWORDABLE = Verdict(Kind.BAD_PAYLOAD, "TEMPLATE_FAILED", 0)
"""What stands for FCM's answer where a template can't be filled in for a recipient, although it could be when the request was accepted."""


@dataclass(frozen=True, slots=True)
class Work:
    """A claimed chunk and all that is needed to deliver it."""

    tenant: Tenant
    notification: Notification
    recipients: Sequence[Recipient]
    planned_at: datetime
    expires_at: datetime
    retry_until: datetime

    def outlived(self, rows: Sequence[Recipient], now: datetime) -> list[Recipient]:
        """Those whose message is not worth sending at `now`. One of its own has a life of its own; the notification's is the longest of all."""
        if now > self.expires_at:
            return list(rows)
        return [row for row in rows if row.content is not None and now > worthless_at(self.planned_at, row.content.ttl_seconds)]

    def life_of(self, content: Content | None) -> int:
        """The whole life, in seconds, of a message of its own, or of the notification's."""
        return self.notification.ttl_seconds if content is None else content.ttl_seconds

    def stored(self, results: Mapping[str, Result]) -> Mapping[str, Result]:
        """Results as they are to be stored: of an audience with everybody in them, which fixes who the chunk's recipients are."""
        return with_unreached(self.recipients, results) if is_of_audience(self.notification) else results


def work_of(tenant: Tenant, notification: Notification, recipients: Sequence[Recipient], chunk: Chunk) -> Work:
    """Put together what delivering a chunk needs."""
    planned, expires, until = planned_at(notification, chunk), expires_at(notification, chunk), retry_until(notification, chunk)
    return Work(tenant, notification, recipients, planned, expires, until)


class ClaimLost(Exception):
    """Another call holds the chunk: what this one knows may not be stored."""


@dataclass(slots=True)
class SendPass:
    """A pass in the making: the chunk as it was stored last, everybody's results so far, and this call's own verdicts.

    `suspects` are recipients whose answers condemn their targets, `broken` is the answer that says the project itself is. `tally` is what the brake
    is to remember of the pass, `is_rate_exceeded` says that the project sends more than it may, `keyless` are platforms whose keys FCM refused.
    """

    deps: Deps
    work: Work
    chunk: Chunk
    results: dict[str, Result]
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    suspects: list[Recipient] = field(default_factory=list)
    broken: Verdict | None = None
    tally: Tally | None = None
    is_rate_exceeded: bool = False
    keyless: set[Platform] = field(default_factory=set)
    _refused: dict[Rendition, Verdict] = field(default_factory=dict)
    _alerted: set[Kind] = field(default_factory=set)
    _slow_answers: int = 0
    _stopped: bool = False
    _unsaved: bool = False

    def run(self, rows: Sequence[Recipient]) -> None:
        """Send to `rows`. Raises ClaimLost if the lease was lost on the way, Unavailable or CredentialRefused without a token."""
        self.broken, self._stopped = None, self._unsaved or self.chunk.stop is not None
        by_id = {row.device_id: row for row in rows}
        started = checkpoint = self.deps.clock.now()
        moment = Moment(started, self.work.retry_until, self.deps.identifiers.jitter())
        for batch in self.deps.sender.send(self.work.tenant, self._bodies(rows, started)):
            now = self.deps.clock.now()
            at = replace(moment, now=now)
            for device_id, answer in batch:
                self._record(by_id[device_id], classify(answer), at)
            if self._unsaved and now >= self.chunk.lease_until:
                break
            if now - checkpoint >= CHECKPOINT and not self._unsaved:
                self._checkpoint(now)
                checkpoint = now
            self._stopped = self._stopped or self._unsaved or self.chunk.stop is not None or self.deps.lifecycle.is_stopping()
        self._fail_refused_renderings(rows, moment)

    def refused_forms(self) -> dict[str, str]:
        """The forms that FCM refused in this pass, which others of the notification's chunks need not send, with the error code."""
        refused = ((form_of(rendition), verdict) for rendition, verdict in self._refused.items() if verdict.kind is Kind.BAD_PAYLOAD)
        return {form: verdict.detail for form, verdict in refused if form is not None and verdict is not UNWORDABLE}

    def kept_for_later(self, results: Mapping[str, Result]) -> tuple[str, ...]:
        """Whom a checkpoint of these results must not forget: their outcomes are final, and nobody was told of them yet."""
        return kept_for_later(self.deps, self.work.notification, self.chunk, results)

    def _bodies(self, rows: Sequence[Recipient], now: datetime) -> Iterator[tuple[str, bytes]]:
        """Encode each distinct rendering once; a recipient costs a signature and a concatenation."""
        key = self.deps.receipt_keys.receipt_key(self.work.tenant.id)
        sign = ReceiptSigner(key, self.work.notification.id).sign
        renderings: dict[Rendition, EncodedMessage | None] = {}
        for row in rows:
            if self._stopped:
                return
            rendition = rendition_of(self.work.notification.wording, row)
            if rendition in self._refused:
                continue
            if rendition not in renderings:
                renderings[rendition] = self._encode(rendition, now)
            encoded = renderings[rendition]
            if encoded is not None:
                yield row.device_id, encoded.splice(row.target.value, sign(row.device_id) if encoded.has_receipts else "")

    def _encode(self, rendition: Rendition, now: datetime) -> EncodedMessage | None:
        refusal = verdict_of(self.work.notification, rendition)
        if refusal is not None:
            self._refused[rendition] = refusal
            return None
        try:
            return encode_for(self.deps, self.work, rendition, now, validate_only=self.work.notification.validate_only)
        except InvalidRequest:
            self._refused[rendition] = UNWORDABLE
            return None

    def _record(self, row: Recipient, verdict: Verdict, moment: Moment) -> None:
        self.verdicts[row.device_id] = verdict
        if row.content is not None:
            moment = replace(moment, retry_until=self.work.planned_at + timedelta(seconds=row.content.ttl_seconds))
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
        self.is_rate_exceeded = self.is_rate_exceeded or verdict.kind is Kind.MESSAGE_RATE
        if rule.message is MessageAction.FAIL_RENDERING:
            self._refused[rendition_of(self.work.notification.wording, row)] = verdict
        elif rule.message is MessageAction.PARK:
            self.broken, self._stopped = verdict, True
        elif rule.project is ProjectAction.SLOW_DOWN:
            self._slow_down(rule)
        elif rule.project is ProjectAction.OPEN_PLATFORM_BREAKER and row.platform is not None:
            self.keyless.add(row.platform)

    def _slow_down(self, rule: Rule) -> None:
        self._slow_answers += 1
        hopeless = rule.retry is RetryRule.QUOTA or self._slow_answers * 2 > len(self.verdicts)
        self._stopped = self._stopped or (self._slow_answers >= MOST_SLOW_ANSWERS and hopeless)

    def _fail_refused_renderings(self, rows: Sequence[Recipient], moment: Moment) -> None:
        """Fail at once whoever would have got bytes that FCM refused: it would refuse them again."""
        for row in rows if self._refused else ():
            verdict = self._refused.get(rendition_of(self.work.notification.wording, row))
            if verdict is not None and row.device_id not in self.verdicts:
                self._record(row, verdict, moment)

    def _checkpoint(self, now: datetime) -> None:
        # A condemned target's answer is kept for the end, when its retirement is decided: stored before that, a crash would leave it final
        # and the target active for ever. The call that takes over asks FCM about it again.
        condemned = {row.device_id for row in self.suspects}
        known = {device_id: result for device_id, result in self.results.items() if device_id not in condemned}
        results = self.work.stored(known)
        counts = count(results.values(), max(len(results), len(self.work.recipients)))
        try:
            renewed = replace(renew_lease(self.chunk, now), results=results, counts=counts, unannounced=self.kept_for_later(results))
            stored = self.deps.chunks.save_chunk(renewed)
        except Unavailable as error:
            self._unsaved = True
            self.deps.log.warning("checkpoint_failed", notification=self.chunk.key.notification_id, chunk=self.chunk.key.number, cause=error.detail)
            return
        if stored is None:
            raise ClaimLost
        self.chunk = stored


def encode_for(deps: Deps, work: Work, rendition: Rendition, now: datetime, *, validate_only: bool) -> EncodedMessage:
    """Render and encode one form of the message, with what is left of its life; InvalidRequest if its template can't be filled in."""
    message = message_for(deps, work.notification, rendition)
    rendering = render(
        message,
        rendition.platform,
        notification_id=work.notification.id,
        ttl_seconds=work.life_of(rendition.content),
        planned_at=work.planned_at,
        now=now,
    )
    return encode(rendering, kind=rendition.kind, validate_only=validate_only, receipts=message.receipts)


def accepted_renditions(work: Work, results: Mapping[str, Result]) -> frozenset[Rendition]:
    """The forms that FCM accepted for somebody: their payload is known to be good."""
    wording = work.notification.wording
    sent = (row for row in work.recipients if (result := results.get(row.device_id)) and result.outcome is Outcome.SENT)
    return frozenset(rendition_of(wording, row) for row in sent)
