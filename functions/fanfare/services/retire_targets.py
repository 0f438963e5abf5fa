"""Retiring targets that FCM declared dead, unless too many die at once to be believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from fanfare.domain.audit import trail
from fanfare.domain.brake import HeldChunk, Tally, add_held, implausible_kind, since_release
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.chunk import ChunkKey
from fanfare.domain.classification import Answer, Kind, TargetAction, Verdict, classify
from fanfare.domain.delivery import decide_retirement
from fanfare.domain.device import Device
from fanfare.domain.dry_run import VALIDATION_TOPIC
from fanfare.domain.errors import CredentialRefused, Unavailable
from fanfare.domain.event import Event, EventKind
from fanfare.domain.message import TargetKind
from fanfare.domain.outcome import Result
from fanfare.domain.recipient import Recipient
from fanfare.domain.rendition import Rendition, rendition_of
from fanfare.domain.tenant import Tenant
from fanfare.ports import Deps
from fanfare.services.announce_devices import device_telling
from fanfare.services.new_events import Telling, make_events
from fanfare.services.send_pass import SendPass, Work, accepted_renditions, encode_for


def retire_targets(deps: Deps, work: Work, done: SendPass) -> bool:
    """Retire whom a pass's answers condemn. False: too many at once; nothing was retired and the tenant is quarantined.

    Otherwise the pass keeps its tally, which counts for later ones once its results are stored.
    """
    condemned = _condemned(deps, work, done)
    tally = Tally(deps.clock.now(), len(done.verdicts), Counter(verdict.kind for verdict in condemned.values()))
    kind = _implausible_kind(deps, work.tenant, tally) if condemned else None
    if kind is not None:
        quarantine(deps, done.chunk.key, kind, work.notification.request_id)
        return False
    evidence = {row.device_id: (row, done.verdicts[row.device_id]) for row in done.suspects if row.device_id in condemned}
    condemning = {device_id: (row, verdict.kind, verdict.detail) for device_id, (row, verdict) in evidence.items()}
    retire(deps, done.chunk.key, condemning, work.notification.request_id)
    done.tally = tally
    return True


def _implausible_kind(deps: Deps, tenant: Tenant, tally: Tally) -> Kind | None:
    """Judge a pass with the latest ones; before it is held against a tenant, its release is looked up, which may be news to this instance."""
    recent = deps.answers.recent(tenant.id, tally.at)
    kind = implausible_kind([*since_release(recent, tenant.released_at), tally])
    if kind is None:
        return None
    fresh = deps.tenants.get_fresh(tenant.id)
    return implausible_kind([*since_release(recent, fresh.released_at if fresh else None), tally])


def retire(deps: Deps, key: ChunkKey, condemned: Mapping[str, tuple[Recipient, Kind, str]], request_id: str) -> None:
    """Retire devices with the evidence, those that still have the target that was sent to."""
    now = deps.clock.now()

    def decide(device: Device) -> Device | None:
        row, kind, code = condemned[device.id]
        return decide_retirement(device, sent_to=row, kind=kind, code=code, notification_id=key.notification_id, now=now)

    if condemned:
        telling = device_telling(deps, key.tenant, request_id)
        deps.devices.update_many(key.tenant, list(condemned), decide, announce=telling.announce)
        telling.nudge()


def quarantine(deps: Deps, key: ChunkKey, kind: Kind, request_id: str) -> None:
    """Hold the tenant: somebody must look before anything more is sent or retired."""
    now = deps.clock.now()

    def decide(tenant: Tenant) -> Tenant | None:
        held = add_held(tenant.quarantine, kind.value, HeldChunk(key.notification_id, key.number), now)
        return replace(tenant, quarantine=held) if held else None

    facts = {"reason": kind.value, "notification": key.notification_id, "chunk": str(key.number)}
    telling = Telling(deps, partial(_quarantine_events, deps, key, kind, request_id))
    deps.tenants.update(key.tenant, decide, telling.trail(trail("tenant.quarantined", Actor(ActorKind.FUNCTION, "send"), now, facts)))
    telling.nudge()
    # What was seen has been judged; what comes after the release is judged by itself.
    deps.answers.forget(key.tenant)
    deps.log.warning("tenant_quarantined", tenant=key.tenant, reason=kind.value, notification=key.notification_id)


def _quarantine_events(deps: Deps, key: ChunkKey, kind: Kind, request_id: str, before: Tenant, _: Tenant) -> Sequence[Event]:
    """Told once: further chunks that meet the same are held, and change nothing."""
    if before.quarantine is not None:
        return ()
    data = {"reason": kind.value, "notification_id": key.notification_id, "chunk": key.number}
    return make_events(deps, key.tenant, EventKind.TENANT_QUARANTINED, data, notification_ids=(key.notification_id,), request_id=request_id)


def _condemned(deps: Deps, work: Work, done: SendPass) -> dict[str, Verdict]:
    """Whose targets the answers condemn. FCM's "invalid argument" condemns only where the same payload is known to be good."""
    doubted = [row for row in done.suspects if done.verdicts[row.device_id].rule.target is TargetAction.RETIRE_IF_PAYLOAD_GOOD]
    spared = {row.device_id for row in doubted} - {row.device_id for row in with_good_payload(deps, work, doubted, done.results)}
    return {row.device_id: done.verdicts[row.device_id] for row in done.suspects if row.device_id not in spared}


def with_good_payload(deps: Deps, work: Work, rows: Sequence[Recipient], results: Mapping[str, Result]) -> list[Recipient]:
    """Those of `rows` whose payload FCM accepted for somebody else of the chunk, or finds good when it is asked now."""
    good = dict.fromkeys(accepted_renditions(work, results), True) if rows else {}
    for row in rows:
        rendition = rendition_of(work.notification.wording, row)
        if rendition not in good:
            good[rendition] = _is_payload_good(deps, work, rendition)
    return [row for row in rows if good[rendition_of(work.notification.wording, row)]]


def _is_payload_good(deps: Deps, work: Work, rendition: Rendition) -> bool:
    """Ask FCM to check the same message to a topic; where that can't be known, the target is given the benefit of the doubt."""
    body = encode_for(deps, work, rendition._replace(kind=TargetKind.TOPIC), deps.clock.now(), validate_only=True).splice(VALIDATION_TOPIC, "")
    return ask(deps, work.tenant, body) is Kind.ACCEPTED


def ask(deps: Deps, tenant: Tenant, body: bytes) -> Kind:
    """Send one message and say which row of the table its answer is; NO_ANSWER where it could not be sent at all."""
    try:
        answers = [answer for batch in deps.sender.send(tenant, [("", body)]) for _, answer in batch]
    except Unavailable:
        return Kind.NO_ANSWER
    except CredentialRefused:
        return Kind.UNAUTHENTICATED
    return classify(answers[0] if answers else Answer(0)).kind
