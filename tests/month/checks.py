"""What must be true of a month when it is over: each check returns its figures, and raises where it is not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fanfare.domain.keepalive import PING_TYPE
from tests.factories import TENANT_ID
from tests.month.ledger import Post
from tests.month.oracle import DAYS, instants_of
from tests.month.run import CLEANUP_AT, REST
from tests.month.world import BEGIN, PLANS, RETENTION, Kind, Plan, World

SILENCE = timedelta(days=7)
LATE = timedelta(minutes=15)
"""By how much a crash at the worst of moments may delay a message: a tick, a lease, the sweep."""
END = BEGIN + timedelta(days=DAYS)
Figures = dict[str, object]


def check_month(world: World) -> Figures:
    """All of them."""
    return {**check_pings(world), **check_schedules(world), **check_rollup(world), **check_cleanup(world)}


def check_pings(world: World) -> Figures:
    """At most one ping a device and day of its own; none once it has been silent for more than a week; and the others are pinged nearly every day."""
    pings = [post for post in world.ledger.posts if post.says == PING_TYPE]
    days = Counter((post.device_id, post.at.astimezone(ZoneInfo(world.zones[post.device_id])).date()) for post in pings)
    assert max(days.values()) == 1, "at most one a day"
    late = [post for post in pings if _silence(world, post) > SILENCE]
    assert not late, "none to who has been silent for more than a week"
    of = Counter(post.device_id for post in pings)
    faithful = [of[device] for device, kind in world.kinds.items() if kind in {Kind.FAITHFUL, Kind.MUTE}]
    assert min(faithful) >= DAYS - 2, "every day, but for the first and where it was too late for one"
    fading = [of[device] for device, kind in world.kinds.items() if kind is Kind.FADING]
    assert max(fading) < DAYS - 10, "who fades is pinged no more"
    return {"pings": len(pings), "most pings of a device and day": max(days.values()), "pings after a week of silence": len(late)}


def _silence(world: World, post: Post) -> timedelta:
    replies = [at for at in world.replies.get(post.device_id, ()) if at <= post.at]
    return post.at - max(replies) if replies else timedelta()


def check_schedules(world: World) -> Figures:
    """Each occurrence reaches each of its recipients once, when it comes to it."""
    posts: dict[tuple[str, str], list[Post]] = defaultdict(list)
    for post in world.ledger.posts:
        posts[post.says, post.device_id].append(post)
    occurrences: Counter[str] = Counter()
    latest = timedelta()
    for plan in PLANS:
        told: set[datetime] = set()
        for device in _told(world, plan):
            expected = instants_of(plan.timing, world.zones[device], BEGIN)
            # A notification of the last hours in the recipients' zones goes on after the month.
            found = [post.at for post in posts.pop((plan.title, device), []) if post.at < END]
            assert len(found) == len(expected), f"{plan.title} reaches {device} {len(found)} times instead of {len(expected)}"
            latest = max([latest, *(at - due for at, due in zip(found, expected, strict=True))])
            assert all(timedelta() <= at - due <= LATE for at, due in zip(found, expected, strict=True)), (plan.title, device)
            told.update(expected)
        occurrences[plan.title] = len(told)
    strangers = [key for key in posts if key[0] != PING_TYPE]
    assert not strangers, "nobody else is told anything"
    return {"instants of schedules": dict(occurrences), "latest message of a schedule": str(latest)}


def _told(world: World, plan: Plan) -> list[str]:
    return list(plan.to) if plan.to is not None else [device for device, kind in world.kinds.items() if kind is not Kind.REMOVED]


def check_rollup(world: World) -> Figures:
    """The rows of the days are what FCM has in its books."""
    books: dict[date, Counter[bool]] = defaultdict(Counter)
    for post in world.ledger.posts:
        books[post.day][post.accepted] += 1
    totals = {row.key.day: row.amounts for row in world.deps.analytics.totals(TENANT_ID, BEGIN.date() - timedelta(days=2), END.date())}
    rows = {day: (amounts.total_sent, amounts.total_failed) for day, amounts in totals.items() if amounts.total_sent or amounts.total_failed}
    assert rows == {day: (counted[True], counted[False]) for day, counted in books.items()}
    sent, failed = (sum(row[place] for row in rows.values()) for place in (0, 1))
    return {"accepted by FCM": sent, "refused by FCM": failed, "days that differ": 0}


def check_cleanup(world: World) -> Figures:
    """What is older than its retention is gone, and nothing else is."""
    keep, last = timedelta(days=RETENTION["notifications"]), END - timedelta(days=1) + CLEANUP_AT
    ended: dict[str, datetime] = {}
    for post in world.ledger.posts:
        ended[post.notification_id] = post.at
    there = {name: world.deps.notifications.get(TENANT_ID, name) is not None for name in ended}
    assert all(there[name] for name, at in ended.items() if at > last - keep), "what is younger is there"
    gone = [name for name, at in ended.items() if at < last - keep - timedelta(days=1) - REST]
    assert not any(there[name] for name in gone), "what is older is gone"
    devices = {device.id for device in world.deps.devices.get(TENANT_ID, list(world.kinds))}
    assert devices >= {device for device, kind in world.kinds.items() if kind is not Kind.REMOVED}, "no device in use is gone"
    assert not devices & set(_retired(world, before=last - timedelta(days=RETENTION["inactive_devices"] + 1))), "retired ones are, in time"
    return {"notifications": len(ended), "of these removed": len(ended) - sum(there.values()), "devices removed": len(world.kinds) - len(devices)}


def _retired(world: World, *, before: datetime) -> Iterator[str]:
    return (post.device_id for post in world.ledger.posts if not post.accepted and post.at < before)
