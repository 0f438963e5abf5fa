"""Fanning a broadcast out: the audience is brought up to date and laid out, and its chunks get their tasks, a stage and a page at a time.

Called by a task for each thousand chunks, at the end of each stage, when somebody resumes or cancels, and by the sweep where any of these was lost.
"""

from __future__ import annotations

from datetime import timedelta

from fanfare.domain.chunk import Busy, Finished
from fanfare.domain.fanning import Again, Phase, is_fanned_out
from fanfare.domain.layout import Source
from fanfare.domain.notification import Notification, is_cancelling
from fanfare.ports import Deps
from fanfare.services.broadcast_turn import Turn, TurnLost, take_turn
from fanfare.services.compact_audience import compact_audience
from fanfare.services.complete_broadcast import complete_if_done
from fanfare.services.judge_stage import judge_stage
from fanfare.services.lay_out import lay_out
from fanfare.services.nudge_again import rescan
from fanfare.services.nudge_chunks import nudge_page
from fanfare.services.pack_audience import pack_audience
from fanfare.services.pack_zones import pack_zones
from fanfare.services.wait_for_zone import wait_for_zone

COMPACTION_WAIT = timedelta(seconds=5)


def fan_out(deps: Deps, tenant: str, notification_id: str, request_id: str) -> Busy | Finished:
    """Bring a notification of many chunks on by one page or one stage; a repeat of the call is harmless."""
    notification = deps.notifications.get(tenant, notification_id)
    if notification is None or not is_fanned_out(notification) or _waits(notification):
        return Finished()
    if _needs_audience(notification) and not compact_audience(deps, tenant, request_id):
        # Somebody else is at it, or it goes on in a task of its own.
        deps.tasks.enqueue_fanout(tenant, notification_id, request_id, deps.clock.now() + COMPACTION_WAIT)
        return Finished()
    turn = take_turn(deps, notification, request_id)
    if not isinstance(turn, Turn):
        return turn
    try:
        _work(turn)
    except TurnLost:
        deps.log.info("turn_lost", notification=notification_id)
    finally:
        turn.give_up()
    return Finished()


def _waits(notification: Notification) -> bool:
    return notification.paused and not is_cancelling(notification)


def _needs_audience(notification: Notification) -> bool:
    layout = notification.layout
    return layout is not None and layout.source is Source.AUDIENCE and not layout.stages


def _work(turn: Turn) -> None:
    """Do what comes next, until the turn has ended."""
    is_ending = is_cancelling(turn.notification)
    if (is_ending or turn.fanout.phase is Phase.WATCHING) and complete_if_done(turn.deps, turn.notification.tenant, turn.notification.id):
        # The call that ended the last chunk could not say so.
        turn.is_over = True
    elif is_ending:
        rescan(turn, Again.OPEN)
    elif _waits(turn.notification):
        turn.give_up()
    elif again := _lost_chunks(turn):
        rescan(turn, again)
    else:
        _go_on(turn)


def _lost_chunks(turn: Turn) -> Again | None:
    """Which of the chunks that were nudged need it again: those that a pause held, and, some time after their slots, those that nobody began."""
    if not turn.fanout.position:
        return None
    if turn.fanout.rescan is not None and turn.fanout.rescan.wanted is not Again.OPEN:
        return turn.fanout.rescan.wanted
    if turn.deps.broadcasts.count_held(turn.notification.tenant, turn.notification.id):
        return Again.HELD
    is_due = turn.fanout.look_at is not None and turn.fanout.look_at <= turn.deps.clock.now()
    return Again.UNBEGUN if is_due and turn.fanout.phase is not Phase.NUDGING else None


def _go_on(turn: Turn) -> None:
    if turn.fanout.phase is Phase.PREPARING:
        lay_out(turn)
    if turn.fanout.phase is Phase.PACKING and not turn.is_over:
        _pack(turn)
    if turn.fanout.phase is Phase.WAITING and not turn.is_over:
        _await_stage(turn)
    if turn.fanout.phase is Phase.NUDGING and not turn.is_over:
        nudge_page(turn)


def _pack(turn: Turn) -> None:
    if turn.fanout.zones is not None:
        pack_zones(turn)
    else:
        pack_audience(turn)


def _await_stage(turn: Turn) -> None:
    layout = turn.notification.layout
    if layout is not None and layout.dues:
        wait_for_zone(turn, layout)
    else:
        judge_stage(turn)
