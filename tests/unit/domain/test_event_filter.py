"""Which events a poll or a stream is shown, and which query its cursors belong to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fanfare.domain.event import LISTENABLE, EventKind, StoredEvent
from fanfare.domain.event_filter import EventFilter, events_query, is_shown, wanted_kinds
from tests.factories import NOW

SENT = StoredEvent("e-1", "acme", EventKind.NOTIFICATION_SENT, NOW, b"{}", ("n-1", "n-2"))
READ = EventKind.NOTIFICATION_READ


@pytest.mark.parametrize(
    ("filters", "shown"),
    [
        (EventFilter(), True),
        (EventFilter(frozenset({SENT.kind, READ})), True),
        (EventFilter(frozenset({READ})), False),
        (EventFilter(notification_id="n-2"), True),
        (EventFilter(notification_id="n-3"), False),
        (EventFilter(frozenset({SENT.kind}), "n-1"), True),
        (EventFilter(frozenset({READ}), "n-1"), False),
        (EventFilter(frozenset({SENT.kind}), "n-3"), False),
    ],
)
def test_event_must_pass_every_filter(filters: EventFilter, *, shown: bool) -> None:
    assert is_shown(filters, SENT) is shown


@pytest.mark.parametrize("kinds", [frozenset(), frozenset({EventKind.WEBHOOK_TEST})])
def test_test_of_a_webhook_is_shown_to_nobody(kinds: frozenset[EventKind]) -> None:
    assert not is_shown(EventFilter(kinds), replace(SENT, kind=EventKind.WEBHOOK_TEST))


def test_every_kind_is_wanted_where_none_is_named() -> None:
    assert wanted_kinds(EventFilter()) == LISTENABLE
    assert wanted_kinds(EventFilter(frozenset({READ, EventKind.WEBHOOK_TEST}))) == {READ}


def test_queries_differ_by_tenant_kinds_and_notification_and_not_by_order() -> None:
    some = [EventFilter(), EventFilter(frozenset({READ})), EventFilter(frozenset({READ, SENT.kind})), EventFilter(notification_id="n-1")]
    assert len({events_query(tenant, filters) for tenant in ("acme", "globex") for filters in some}) == 8
    assert events_query("acme", EventFilter(frozenset([READ, SENT.kind]))) == events_query("acme", EventFilter(frozenset([SENT.kind, READ])))
