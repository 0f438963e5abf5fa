"""A scrape shows what the rollup has counted, what is being sent, and who is held; it reads once a minute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from fanfare.domain.breaker import open_breaker
from fanfare.domain.layout import Layout, Source
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.reading import FRESH, Held
from fanfare.ports import Deps
from fanfare.services.show_metrics import show_metrics
from fanfare.services.tally_notifications import tally_notifications
from tests.factories import NOW, TENANT_ID, a_notification, a_tenant
from tests.fakes import FixedClock, MemoryTenantStore, fake_deps

SECOND = timedelta(seconds=1)


def _send(deps: Deps, name: str = "notification-1", **fields: object) -> None:
    done = {"status": NotificationStatus.COMPLETED, "counts": Counts(3, sent=2, failed=1), "errors": {"UNREGISTERED": 1}}
    begun = {"platforms": {"ios": {"sent": 2, "failed": 1}}, "started_at": NOW + SECOND}
    deps.notifications.accept(a_notification(**{"id": name, **done, **begun, **fields}), [])


def test_numbers_say_what_was_tallied_and_tallying_again_adds_nothing() -> None:
    deps = fake_deps()
    _send(deps)
    for _ in range(2):
        tally_notifications(deps, TENANT_ID, "request-1")
    assert show_metrics(deps).counters == {
        "accepted": 1,
        "messages": 3,
        "sent.ios": 2,
        "failed.UNREGISTERED": 1,
        "send_delay.1000": 2,
        "send_delay.ms": 2_000,
    }


def test_numbers_of_a_tenant_that_is_gone_stay() -> None:
    deps = fake_deps()
    _send(deps)
    tally_notifications(deps, TENANT_ID, "request-1")
    deps.notifications.update(TENANT_ID, "notification-1", lambda stored: replace(stored, counts=Counts()))
    tally_notifications(deps, TENANT_ID, "request-2")
    assert show_metrics(deps).counters["sent.ios"] == 2


def test_what_is_being_sent_is_shown_before_it_is_tallied() -> None:
    deps = fake_deps()
    sending = {"status": NotificationStatus.SENDING, "errors": {}, "platforms": {}}
    _send(deps, "one", counts=Counts(3, sent=1, retrying=2), **sending)
    _send(deps, "many", counts=Counts(9, unsent=9), layout=Layout(Source.RECIPIENTS, None, (2,)), chunk_count=2, **sending)
    _send(deps, "over")
    reading = show_metrics(deps)
    assert (reading.sending, reading.counters) == (2, {})
    assert reading.progress == {"sent": 1, "failed": 0, "retrying": 2, "unsent": 9}


def test_held_tenants_are_counted() -> None:
    tenants = MemoryTenantStore()
    tenants.create(replace(a_tenant(), breakers=open_breaker({}, "all", "unauthenticated", NOW) or {}))
    assert show_metrics(fake_deps(tenants=tenants)).held == Held(breaker_open=1)


def test_reading_is_shown_for_a_minute() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    assert show_metrics(deps).counters == {}
    _send(deps)
    tally_notifications(deps, TENANT_ID, "request-1")
    assert show_metrics(deps).counters == {}
    clock.advance(FRESH)
    assert show_metrics(deps).counters["accepted"] == 1
