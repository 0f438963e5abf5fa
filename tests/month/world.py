"""A tenant's month: devices in twelve time zones, which reply or do not, and schedules of all sorts, over two changes of the clock."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from fanfare.domain.keepalive import PING_TYPE
from fanfare.domain.keepalive_settings import KeepaliveSettings
from fanfare.domain.recurrence import Repeat
from fanfare.domain.registration import RegistrationPlan
from fanfare.domain.request_reading import read_request
from fanfare.domain.tallying import day_of
from fanfare.domain.tenant_settings import TenantSettings
from fanfare.domain.timing import RECIPIENT, Timing
from fanfare.ports import Deps
from fanfare.services.draft_schedule import Draft
from fanfare.services.keepalive_reply import Replying, note_reply
from fanfare.services.schedules import create_schedule
from tests.factories import TENANT_ID, a_call, a_device, a_tenant
from tests.fakes import FixedClock, MemoryTenantStore, RecordingTaskQueue, SequentialIdentifiers, fake_deps
from tests.month.cloud import Cloud
from tests.month.ledger import Ledger, Post
from tests.month.stores import agenda_stores
from tests.unit.services.delivering import GONE

BEGIN = datetime(2027, 3, 1, tzinfo=UTC)
"""New York and Los Angeles set their clocks forward on 14 March, Berlin and London on the 28th, Sao Paulo, Tokyo and Dar es Salaam never."""
ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Asia/Tokyo", "Asia/Kolkata", "Asia/Dubai", "Africa/Dar_es_Salaam",
    "Europe/Berlin", "Europe/London", "America/Sao_Paulo", "America/New_York", "America/Denver", "America/Los_Angeles",
)  # fmt: skip
RETENTION = {"notifications": 10, "chunks": 10, "dead_letters": 10, "audit": 10, "inactive_devices": 10, "deleted": 10}
REPLIES_WITHIN = timedelta(hours=2)
SOME = 12
"""So many devices get what goes to named ones."""


class Kind(StrEnum):
    """How an app behaves: it replies, it replies until a day, it knows no pings, or it is removed one day."""

    FAITHFUL = "faithful"
    FADING = "fading"
    MUTE = "mute"
    REMOVED = "removed"


_KINDS = (*(Kind.FAITHFUL,) * 7, Kind.FADING, Kind.MUTE, Kind.REMOVED)


@dataclass(frozen=True)
class Plan:
    """A schedule as it is asked for; `to` is None where it goes to the devices that are tagged."""

    title: str
    timing: Mapping[str, Any]
    to: tuple[str, ...] | None = None


SOMEBODY = tuple(f"device-{number}" for number in range(SOME))
PLANS = (
    Plan("daily", {"repeat": Repeat.DAILY, "date": "2027-03-01", "local_time": "02:30", "timezone": "Europe/Berlin"}),
    Plan("weekly", {"repeat": Repeat.WEEKLY, "date": "2027-03-02", "local_time": "18:15", "timezone": "America/New_York"}, SOMEBODY),
    Plan("monthly", {"repeat": Repeat.MONTHLY, "date": "2027-03-31", "local_time": "12:00", "timezone": "Asia/Tokyo"}, SOMEBODY),
    Plan("cron", {"cron": "20,50 9 * * 1-5", "timezone": "Africa/Dar_es_Salaam"}, SOMEBODY),
    Plan("once", {"repeat": Repeat.NONE, "date": "2027-03-14", "local_time": "02:30", "timezone": "America/New_York"}, SOMEBODY),
    Plan("mornings", {"repeat": Repeat.DAILY, "date": "2027-03-03", "local_time": "09:00", "timezone": RECIPIENT}),
    Plan("nights", {"repeat": Repeat.WEEKLY, "date": "2027-03-07", "local_time": "02:15", "timezone": RECIPIENT}, SOMEBODY),
)


@dataclass
class World:
    """Everything that the month works on; `replies` are when each device replied, `rolled_up` what had happened when a rollup came last."""

    cloud: Cloud
    clock: FixedClock
    ledger: Ledger
    kinds: Mapping[str, Kind]
    zones: Mapping[str, str]
    chance: random.Random
    replies: dict[str, list[datetime]] = field(default_factory=dict)
    rolled_up: int = 0

    @property
    def deps(self) -> Deps:
        return self.cloud.deps

    def happened(self) -> int:
        """How many things have happened that a rollup has to do with."""
        return len(self.ledger.posts) + sum(map(len, self.replies.values()))

    def answer_pings(self, posts: list[Post]) -> None:
        """Let the apps that got a ping reply to it, if they do."""
        for post in posts:
            is_ping = post.says == PING_TYPE and post.accepted
            kind, day = self.kinds[post.device_id], (post.at - BEGIN).days
            if is_ping and (kind is Kind.FAITHFUL or (kind is Kind.FADING and day < 1 + _number(post.device_id) % 12)):
                self.cloud.later(post.at + REPLIES_WITHIN * self.chance.random(), "reply", self._replying(post.device_id))

    def remove_apps(self, day: int) -> None:
        """Some people remove their app on this day: FCM knows the target no more."""
        gone = [device for device, kind in self.kinds.items() if kind is Kind.REMOVED and _number(device) % 15 == day]
        for device in self.deps.devices.get(TENANT_ID, gone):
            self.ledger.answers[device.target.value] = GONE

    def _replying(self, device_id: str) -> Any:
        def reply(deps: Deps) -> None:
            note_reply(deps, replace(a_call(), request_id="reply"), Replying(device_id=device_id))
            self.replies.setdefault(device_id, []).append(self.clock.now())

        return reply


def a_world(devices: int, seed: int, *, crashed: float, doubled: float) -> World:
    """A tenant on the eve of its month."""
    clock, tasks, tenants, chance = FixedClock(BEGIN - timedelta(hours=1)), RecordingTaskQueue(), MemoryTenantStore(), random.Random(seed)  # noqa: S311
    settings = TenantSettings(KeepaliveSettings(enabled=True), TenantSettings().retention_days | RETENTION, timezone="UTC")  # type: ignore[operator]
    tenants.create(a_tenant(settings=settings))
    ledger = Ledger(clock)
    ledger.day_of = lambda name: day_of(deps.notifications.get(TENANT_ID, name))  # type: ignore[arg-type]
    identifiers = _ChancyIdentifiers(chance)
    deps = fake_deps(clock=clock, tasks=tasks, tenants=tenants, sender=ledger, identifiers=identifiers, **agenda_stores(clock))
    names = [f"device-{number}" for number in range(devices)]
    kinds = {name: Kind.FAITHFUL if name in SOMEBODY else _KINDS[number % len(_KINDS)] for number, name in enumerate(names)}
    zones = {name: ZONES[number % len(ZONES)] for number, name in enumerate(names)}
    made = [a_device(id=name, timezone=zones[name], tags=("told",) if kinds[name] is not Kind.REMOVED else ()) for name in names]
    deps.devices.save_all(TENANT_ID, [([RegistrationPlan(device) for device in made], None)])
    for plan in PLANS:
        to = {"device_ids": list(plan.to)} if plan.to is not None else {"segment": {"tags": ["told"]}}
        create_schedule(deps, a_call(), Draft(read_request({"to": to, "title": plan.title}, "hash"), Timing(**plan.timing)))
    return World(Cloud(deps, clock, tasks, chance, crashed, doubled), clock, ledger, kinds, zones, chance)


class _ChancyIdentifiers(SequentialIdentifiers):
    """Ids that count, and draws that differ."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def jitter(self) -> float:
        return self._chance.random()


def _number(device_id: str) -> int:
    return int(device_id.removeprefix("device-"))
