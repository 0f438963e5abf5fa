"""What happens to the stack meanwhile: posts, ticks, a stopped Firestore, and `send` killed again and again."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event

import requests

from local.stack import Stack
from tests.chaos.audience import Draft
from tests.chaos.backend import Backend
from tests.chaos.cloud import Cloud
from tests.chaos.database import read_chunks
from tests.chaos.evidence import Posted, device_ids_of
from tests.chaos.plan import Plan

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill of `send`: seconds from the signal until its successor answered, and how many passes it cut off."""

    back_seconds: float
    cut_off: int


@dataclass(slots=True)
class Clock:
    """Seconds since the chaos began."""

    started: float = field(default_factory=time.monotonic)

    def wait_until(self, instant: float, over: Event) -> bool:
        """Wait for an instant; False if everything was over before."""
        return not over.wait(max(0.0, instant - (time.monotonic() - self.started)))


def kill_again_and_again(stack: Stack, plan: Plan, clock: Clock, over: Event) -> list[Kill]:
    """Kill `send` at each instant and start it again on the same port once nothing of it is left.

    Call it in the thread that started the stack: what another thread starts dies with that thread.
    """
    kills: list[Kill] = []
    known: set[tuple[str, int]] = set()
    for instant in plan.kill_instants():
        if not clock.wait_until(instant, over):
            break
        began = time.monotonic()
        stack.kill("send", signal.SIGKILL)
        cut_off = _ownerless_claims(stack.firestore_host) - known
        stack.restart("send")
        kills.append(Kill(time.monotonic() - began, len(cut_off)))
        known |= cut_off
    return kills


def _ownerless_claims(firestore_host: str) -> set[tuple[str, int]]:
    """The claims, by chunk and number, that stand while no process of `send` lives: each was a pass that ended before its end.

    There are none while Firestore does not answer. The leases last longer than that, so that a later look finds them.
    """
    try:
        chunks = read_chunks(firestore_host, timeout_seconds=_LOOK_SECONDS)
    except requests.Timeout:
        return set()
    return {(chunk.path, chunk.claims) for chunk in chunks if chunk.is_claimed}


def stop_firestore(stack: Stack, plan: Plan, clock: Clock, over: Event) -> None:
    """Let Firestore answer nothing for a while; nothing of it is lost."""
    if not clock.wait_until(plan.firestore_stop_instant(), over):
        return
    stack.kill("firestore", signal.SIGSTOP)
    try:
        over.wait(plan.firestore_stop_seconds)
    finally:
        stack.kill("firestore", signal.SIGCONT)


def tick(cloud: Cloud, plan: Plan, over: Event) -> None:
    """Run `schedule` every few seconds: its own minute would make the run longer and prove no more."""
    while not over.wait(plan.tick_seconds):
        cloud.tick()


def post(drafts: Sequence[tuple[Draft, Sequence[str]]], backend: Backend, cloud: Cloud, plan: Plan, clock: Clock, over: Event) -> list[Posted]:
    """Post the notifications one after the other. The nudges of some of the first are refused, so that the sweep must send them."""
    posted = []
    for index, (instant, (draft, device_ids)) in enumerate(zip(plan.post_instants(len(drafts)), drafts, strict=True)):
        clock.wait_until(instant, over)
        if index in plan.refused_nudges(len(drafts)):
            cloud.set_faults({"create_task": {"status": 503, "times": 1}})
        to = {"device_ids": list(device_ids)} if draft.registered else {"targets": [person.named() for person in draft.people]}
        notification_id = backend.notify({"to": to, **draft.message}, draft.key, over)
        posted.append(Posted(notification_id, draft, device_ids if draft.registered else device_ids_of(draft.people)))
    return posted
