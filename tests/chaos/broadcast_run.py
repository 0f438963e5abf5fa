"""One broadcast, from the start of the stack to the verdict, with everything that happens to it told in a transcript."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from google.cloud.firestore import Client as Firestore

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps
from local.demo import LOAD_LIMITS
from local.firebase import PROJECT
from local.service_account import make_service_account
from local.settings import StackSettings
from local.stack import Stack
from tests.bench.broadcaster import with_largest_quota
from tests.bench.emulator import emulator_at
from tests.bench.population import pack_audience, shards_for, write_devices
from tests.bench.workload import token
from tests.chaos.backend import Backend
from tests.chaos.broadcast_evidence import BroadcastEvidence, Look, cases_of, look, read_chunks_of
from tests.chaos.broadcast_judge import judge_broadcast
from tests.chaos.broadcast_plan import BroadcastPlan
from tests.chaos.cloud import Cloud
from tests.chaos.faults import QUICK_SECONDS, SLOW_SECONDS, SLOW_SHARE
from tests.chaos.judge import Promise
from tests.chaos.simulator import Simulator

ENDED = frozenset({"completed", "cancelled"})
_LONG_AGO = timedelta(hours=1)
_LOOK_SECONDS = 0.2
_LAST_TICKS = 3


@dataclass(frozen=True, slots=True)
class BroadcastReport:
    """What a run came to: its transcript (seconds since the request, what happened), who was killed, and the verdict."""

    plan: BroadcastPlan
    transcript: list[tuple[float, str]]
    kills: dict[str, int]
    cut_off: int
    evidence: BroadcastEvidence
    promises: list[Promise]
    seconds: float

    @property
    def broken(self) -> list[Promise]:
        """The promises that did not hold."""
        return [promise for promise in self.promises if not promise.kept]


@dataclass(slots=True)
class _Run:
    """A broadcast under way, and what was seen of it."""

    plan: BroadcastPlan
    stack: Stack
    deps: Deps
    backend: Backend
    simulator: Simulator
    cloud: Cloud
    tenant: str
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    over: Event = field(default_factory=Event)
    notification: str = ""
    status: dict[str, Any] = field(default_factory=dict)
    transcript: list[tuple[float, str]] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    claims: set[tuple[int, int]] = field(default_factory=set)
    kills: dict[str, int] = field(default_factory=lambda: {"fanout": 0, "send": 0})
    endings: set[datetime] = field(default_factory=set)
    paused: tuple[int, int] = (0, -1)

    @property
    def seconds(self) -> float:
        """Since the broadcast was asked for."""
        return time.monotonic() - self.began

    def tell(self, text: str) -> None:
        """Put a line into the transcript, with how far the broadcast is."""
        counts = self.status.get("counts", {})
        line = f"{text} [{self.status.get('status', '?')}: {counts.get('sent', 0):,} sent; FCM accepted {self.accepted():,}]"
        self.transcript.append((self.seconds, line))
        self.say(f"{self.seconds:7.1f} s  {line}")

    def accepted(self) -> int:
        """How many messages FCM has accepted."""
        return int(self.simulator.stats()["accepted"])

    def refresh(self) -> str:
        """Ask for the broadcast's state."""
        self.status = self.backend.status(self.notification)
        if self.status["status"] in ENDED:
            # The state that the API polls for says no time: the stored one does.
            stored = self.deps.notifications.get(self.tenant, self.notification)
            self.endings |= {stored.completed_at} if stored and stored.completed_at else set()
        return str(self.status["status"])

    def wait(self, until: Callable[[str], bool], deadline: float) -> bool:
        """Wait for a state; False if it has not come by the deadline (seconds since the request)."""
        while self.seconds < deadline:
            self.stack.check()
            if until(self.refresh()):
                return True
            self.over.wait(_LOOK_SECONDS)
        return False


def run_broadcast_chaos(plan: BroadcastPlan, folder: Path, say: Callable[[str], None] = lambda _: None) -> BroadcastReport:
    """Start a stack of its own in `folder`, torment one broadcast as planned, and judge. Raises StackError or BackendError where that fails."""
    # Coverage of processes that are killed in the middle would be a matter of luck, and slows each start.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with Stack(StackSettings(), folder=folder, environment=environment) as stack, _prepared(plan, stack, say) as run:
        with ThreadPoolExecutor(1) as side:
            try:
                side.submit(_tick, run)
                _torment(run)
                run.wait(lambda status: status in ENDED, plan.minutes * 60)
                run.tell("ended")
            finally:
                run.over.set()
        return _judge(run)


@contextmanager
def _prepared(plan: BroadcastPlan, stack: Stack, say: Callable[[str], None]) -> Iterator[_Run]:
    """A tenant with its devices, FCM with its delays and its dead."""
    with emulator_at(stack.firestore_host):
        deps, firestore = build_deps(Settings.from_env(stack.environment)), Firestore(project=PROJECT)
    tenant = create_tenant(deps, "Chaos", make_service_account("fanfare-chaos", stack.environment["OAUTH_TOKEN_URI"]))
    deps.tenants.update(tenant.id, with_largest_quota)
    client, secret = create_client(deps, NewClient(tenant.id, "Chaos", TENANT_SCOPES, LOAD_LIMITS))
    if plan.registered:
        write_devices(deps, firestore, tenant.id, range(plan.recipients), updated_at=datetime.now(tz=UTC) - _LONG_AGO)
    else:
        pack_audience(deps, tenant.id, plan.recipients, shards_for(plan.recipients))
    simulator = Simulator(stack.fcm_url or "")
    simulator.put_in_force(_faults(plan))
    with Backend(stack.urls["gateway"], client.id, secret) as backend:
        yield _Run(plan, stack, deps, backend, simulator, Cloud(stack.cloud_url), tenant.id, say)


def _faults(plan: BroadcastPlan) -> list[dict[str, Any]]:
    """The dead, and delays, so that a kill meets messages that are accepted and not yet answered. Nothing else: all repeats are the kills'."""
    dead = [token(number) for number in _dead(plan)]
    quick = {"delay_seconds": QUICK_SECONDS}
    return [
        {"id": "dead", "match": {"targets": dead}, "times": None, "answer": {**quick, "error": "UNREGISTERED"}},
        {"id": "slow", "match": {"share": SLOW_SHARE, "seed": plan.seed}, "times": None, "answer": {"delay_seconds": SLOW_SECONDS}},
        {"id": "quick", "match": {}, "times": None, "answer": quick},
    ]


def _dead(plan: BroadcastPlan) -> frozenset[int]:
    return frozenset(range(0, plan.recipients, plan.dead_every))


def _tick(run: _Run) -> None:
    """Run `schedule` every few seconds: its own minute would make the run longer and prove no more."""
    while not run.over.wait(run.plan.tick_seconds):
        run.cloud.tick()


def _torment(run: _Run) -> None:
    """Ask for the broadcast, kill `fanout` at its first steps, then kill and pause until all kills are spent."""
    plan = run.plan
    request = {"to": {"everyone": True}, "title": "Chaos", "body": "Nothing is lost.", "priority": "high", "ramp": list(plan.ramp)}
    run.began = time.monotonic()
    run.notification = run.backend.notify(request, f"chaos-broadcast-{plan.seed}", run.over)
    run.refresh()
    run.tell(f"asked for: a broadcast to {plan.recipients:,} devices in stages of {', '.join(map(str, plan.ramp))} percent")
    run.over.wait(plan.first_kill)
    _kill(run, "fanout")
    _wait_for_messages(run, plan.minutes * 60)
    run.tell("the first messages are sent")
    for number, (seconds, name) in enumerate(plan.victims()):
        if number == plan.pause_after:
            _pause(run)
        _wait_for_messages(run, plan.idle_seconds)
        run.over.wait(seconds)
        if run.status["status"] in ENDED:
            break
        _kill(run, name)


def _wait_for_messages(run: _Run, seconds: float) -> None:
    """Wait until FCM accepts messages, or so many seconds: a kill of somebody idle shows nothing."""
    before = run.accepted()
    run.wait(lambda status: run.accepted() > before or status in ENDED, run.seconds + seconds)


def _kill(run: _Run, name: str) -> None:
    """Kill a function and start it again once nothing of it is left.

    Call it in the thread that started the stack: what another thread starts dies with that thread.
    """
    run.stack.kill(name, signal.SIGKILL)
    run.kills[name] += 1
    text = f"kill -9 of `{name}`"
    if name == "send":
        found = _look(run)
        cut_off = found.claims - run.claims
        run.claims |= cut_off
        text += f", {len(cut_off)} chunks cut off; {len(found.sent):,} devices stand as sent"
    run.stack.restart(name)
    run.refresh()
    run.tell(text)


def _look(run: _Run) -> Look:
    found = run.deps.notifications.get(run.tenant, run.notification)
    run.looks.append(look(run.deps, run.tenant, run.notification, found.chunk_count if found else 0))
    return run.looks[-1]


def _pause(run: _Run) -> None:
    """Pause while messages flow, let the chunks under way find it, wait, and resume."""
    _wait_for_messages(run, run.plan.idle_seconds)
    run.backend.steer(run.notification, "pause", run.over)
    run.refresh()
    run.tell("paused")
    run.over.wait(run.plan.settle_seconds)
    settled = run.accepted()
    run.over.wait(run.plan.pause_seconds - run.plan.settle_seconds)
    run.paused = settled, run.accepted()
    run.refresh()
    run.tell(f"resumed after {run.plan.pause_seconds:.0f} s")
    run.backend.steer(run.notification, "resume", run.over)


def _judge(run: _Run) -> BroadcastReport:
    """Look after some more ticks whether it is still what it was, and gather what everybody says."""
    seconds = run.seconds
    for _ in range(_LAST_TICKS):
        run.cloud.tick()
        run.refresh()
    stored = run.deps.notifications.get(run.tenant, run.notification)
    chunks = read_chunks_of(run.deps, run.tenant, run.notification, stored.chunk_count if stored else 0)
    cases, strangers = cases_of(run.plan.recipients, _dead(run.plan), chunks, run.looks, run.simulator)
    audience = run.deps.audience.get(run.tenant)
    pinned = audience is not None and run.notification in audience.pins
    evidence = BroadcastEvidence(run.notification, run.status, cases, strangers, chunks, frozenset(run.endings), pinned, run.paused)
    return BroadcastReport(run.plan, run.transcript, run.kills, len(run.claims), evidence, judge_broadcast(evidence), seconds)
