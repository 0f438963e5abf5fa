"""One run, from the start of the stack to the verdict."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from dotenv import dotenv_values

from local.environment import inherited_environment
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.chaos.audience import Draft, draft_notifications, registration_of
from tests.chaos.backend import Backend
from tests.chaos.cloud import Cloud
from tests.chaos.database import read_chunks
from tests.chaos.evidence import Evidence, Posted, gather
from tests.chaos.faults import fcm_faults, task_faults
from tests.chaos.havoc import Clock, Kill, kill_again_and_again, post, stop_firestore, tick
from tests.chaos.judge import Promise, judge
from tests.chaos.plan import Plan
from tests.chaos.simulator import Simulator

_DEMO_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_REGISTER_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to. `repeats` counts acceptances after a recipient's first; `open_after_kills` the notifications that were left by then."""

    plan: Plan
    evidence: Evidence
    promises: Sequence[Promise]
    kills: Sequence[Kill]
    seconds: float
    delivered_seconds: float
    posted_again: int
    open_after_kills: int
    fault_hits: dict[str, int]
    fcm: dict[str, int]
    refused: dict[str, int]
    tasks: dict[str, int]

    @property
    def passes_cut_off(self) -> int:
        """How many calls of `send` were killed amid a chunk."""
        return sum(kill.cut_off for kill in self.kills)

    @property
    def broken(self) -> list[Promise]:
        """The promises that did not hold."""
        return [promise for promise in self.promises if not promise.kept]


def run_chaos(plan: Plan, folder: Path, say: Callable[[str], None] = lambda _: None) -> Report:
    """Start a stack of its own in `folder`, break it as planned, and judge. Raises StackError or BackendError where that cannot be done."""
    started = time.monotonic()
    # Coverage of processes that are killed in the middle would be a matter of luck, and slows each start.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    with Stack(StackSettings(), folder=folder, environment=environment) as stack, _backend(stack) as backend:
        return _run(plan, stack, backend, started, say)


@contextmanager
def _backend(stack: Stack) -> Iterator[Backend]:
    """Make a tenant and its client as `make run` does, its first push included, and speak for it."""
    file = stack.folder / "stack.env"
    environment = {**inherited_environment(os.environ), **stack.client_environment, "STACK_ENV_FILE": str(file)}
    demo = [sys.executable, "-m", "local.demo"]
    subprocess.run(demo, env=environment, cwd=ROOT, check=True, timeout=_DEMO_SECONDS, stdout=subprocess.DEVNULL)
    said = dotenv_values(file)
    with Backend(stack.urls["gateway"], said["FANFARE_CLIENT_ID"] or "", said["FANFARE_CLIENT_TOKEN"] or "") as backend:
        yield backend


def _run(plan: Plan, stack: Stack, backend: Backend, started: float, say: Callable[[str], None]) -> Report:
    simulator, cloud, over = Simulator(stack.fcm_url or ""), Cloud(stack.cloud_url), Event()
    drafts = _register(draft_notifications(plan), backend)
    say(f"{len(drafts)} notifications for {plan.recipients:,} recipients; the chaos begins after {time.monotonic() - started:.0f} s.")
    simulator.put_in_force(fault.rule(plan) for fault in fcm_faults(plan))
    cloud.set_faults(task_faults(plan))
    clock = Clock()
    with ThreadPoolExecutor(max_workers=3) as side:
        try:
            stopping = side.submit(stop_firestore, stack, plan, clock, over)
            ticking = side.submit(tick, cloud, plan, over)
            posting = side.submit(post, drafts, backend, cloud, plan, clock, over)
            kills = kill_again_and_again(stack, plan, clock, over)
            say(f"{len(kills)} kills are over after {time.monotonic() - started:.0f} s.")
            posted = posting.result(timeout=_left(plan, started))
            left = _open_notifications(posted, backend)
            _wait_for_all(posted, backend, stack, deadline=started + plan.minutes * 60)
        finally:
            over.set()
        _raise_errors(stopping, ticking)
    delivered = time.monotonic() - started
    say(f"All are delivered, or time is up, after {delivered:.0f} s.")
    evidence = gather(posted, backend, simulator, stack.firestore_host)
    stats = simulator.stats()
    return Report(
        plan=plan,
        evidence=evidence,
        promises=judge(evidence, plan.recipients),
        kills=kills,
        seconds=time.monotonic() - started,
        delivered_seconds=delivered,
        posted_again=backend.again,
        open_after_kills=len(left),
        fault_hits=simulator.hits(),
        fcm={name: stats[name] for name in ("accepted", "dropped")},
        refused=stats["refused"],
        tasks=cloud.send_queue(),
    )


def _register(drafts: Sequence[Draft], backend: Backend) -> list[tuple[Draft, Sequence[str]]]:
    """Register the devices of the notifications that go to devices."""
    wanted = [person for draft in drafts if draft.registered for person in draft.people]
    requests = [registration_of(person, number) for number, person in enumerate(wanted)]
    pieces = [requests[first : first + _REGISTER_AT_ONCE] for first in range(0, len(requests), _REGISTER_AT_ONCE)]
    left = iter([device_id for piece in pieces for device_id in backend.register(piece)])
    return [(draft, [next(left) for _ in draft.people] if draft.registered else []) for draft in drafts]


def _wait_for_all(posted: Sequence[Posted], backend: Backend, stack: Stack, *, deadline: float) -> None:
    """Wait until every notification is completed and every chunk is closed, or until the time is up, which the judge will see."""
    left, pause = list(posted), Event()
    while time.monotonic() < deadline:
        stack.check()
        left = _open_notifications(left, backend)
        if not left and not any(chunk.is_open for chunk in read_chunks(stack.firestore_host)):
            return
        pause.wait(_LOOK_SECONDS)


def _open_notifications(posted: Sequence[Posted], backend: Backend) -> list[Posted]:
    return [notification for notification in posted if backend.status(notification.id)["status"] != "completed"]


def _left(plan: Plan, started: float) -> float:
    return max(1.0, started + plan.minutes * 60 - time.monotonic())


def _raise_errors(*done: Future[None]) -> None:
    for future in done:
        future.result()
