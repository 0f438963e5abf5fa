"""Judging a stage of a broadcast, and going on with the next one or stopping."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.audit import trail
from fanfare.domain.broadcast_progress import is_stage_done
from fanfare.domain.broadcast_steering import hold_broadcast
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.fanning import JUDGE_AFTER, Advanced, Fanout, Phase
from fanfare.domain.judging import LEAST_OUTCOMES, judge
from fanfare.domain.notification import Judgement, Notification, StatusReason
from fanfare.domain.pace import pace_of
from fanfare.services.broadcast_turn import Turn


def judge_stage(turn: Turn) -> None:
    """Judge the stage that was nudged last, so that the next one may begin; ends the turn where it is too early, or where the guard has tripped."""
    judgement = _judgement(turn)
    if judgement is None:
        return

    def store(notification: Notification, fanout: Fanout) -> Advanced:
        following = replace(fanout, phase=Phase.NUDGING, stage=judgement.stage + 1, judge_at=None)
        return _stopped(turn, notification, following, judgement) if judgement.tripped else Advanced(following, _judged(notification, judgement))

    if judgement.tripped is None:
        turn.store(store)
        return
    turn.end(store, None)
    turn.deps.log.warning(
        "guard_tripped", tenant=turn.notification.tenant, notification=turn.notification.id, stage=judgement.stage, reason=judgement.tripped,
        outcomes=judgement.outcomes, error_share=judgement.error_share, dead_share=judgement.dead_share,
    )  # fmt: skip


def _judgement(turn: Turn) -> Judgement | None:
    """What the stage has come to; None if that is not known yet, and then the turn has ended."""
    notification, stage, now = turn.notification, turn.fanout.stage, turn.deps.clock.now()
    progress = turn.deps.progress.read_progress(notification)
    sums = progress.stages[stage]
    judgement = judge(stage, sums.counts, sums.errors, pace_of(notification.request).guard)
    if notification.layout is not None and is_stage_done(notification.layout, stage, progress):
        return judgement
    judge_at = turn.fanout.judge_at or now
    if now >= judge_at and judgement.outcomes >= LEAST_OUTCOMES:
        return judgement
    # Nothing, or next to nothing, is known of it: a stage that stands behind a breaker is no proof that the others may go.
    later = judge_at if now < judge_at else now + JUDGE_AFTER
    turn.end(lambda _, fanout: Advanced(replace(fanout, judge_at=later)), later if later > judge_at else None)
    return None


def _judged(notification: Notification, judgement: Judgement) -> Notification:
    return replace(notification, judgement=judgement)


def _stopped(turn: Turn, notification: Notification, fanout: Fanout, judgement: Judgement) -> Advanced:
    """Pause it in the same commit: once somebody lets it go on, it goes on with the next stage and is not judged by this one again."""
    actor, now = Actor(ActorKind.FUNCTION, "fanout", request_id=turn.request_id), turn.deps.clock.now()
    paused = hold_broadcast(_judged(notification, judgement), StatusReason(judgement.tripped or ""), now)
    shares = {"error_share": str(judgement.error_share), "dead_share": str(judgement.dead_share)}
    return Advanced(fanout, paused, trail("notification.paused", actor, now, shares)(notification, paused))
