"""Which filters of a list go together: those that an index serves (docs/indexes.md)."""

from __future__ import annotations

from dataclasses import asdict
from itertools import combinations
from typing import Any

import pytest

from fanfare.domain.errors import InvalidRequest
from fanfare.domain.filters import AuditFilter, DeadLetterFilter, NotificationFilter, check_audit_filter, check_notification_filter
from fanfare.domain.listing import query_hash
from fanfare.domain.notification import NotificationStatus
from tests.factories import NOW

TIMES = {"created_after": NOW, "created_before": NOW}
EQUAL: dict[str, Any] = {
    "status": NotificationStatus.QUEUED,
    **dict.fromkeys(("template", "type", "caller", "client_id", "topic", "schedule_id"), "x"),
}


def refused(check: Any, filters: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as error:
        check(filters)
    return [found.field for found in error.value.errors]


def test_filters_that_nobody_gave_filter_nothing() -> None:
    for filters in (NotificationFilter(), AuditFilter(), DeadLetterFilter()):
        assert set(asdict(filters).values()) == {None}
    check_notification_filter(NotificationFilter())
    check_audit_filter(AuditFilter())


def test_equalities_and_times_go_together() -> None:
    check_notification_filter(NotificationFilter(**EQUAL, **TIMES))
    check_audit_filter(AuditFilter(client_id="x", action="device.updated", resource="device", **TIMES))


@pytest.mark.parametrize("name", ["username", "profile_id"])
def test_addressees_go_with_times_only(name: str) -> None:
    check_notification_filter(NotificationFilter(**{name: "x"}, **TIMES))
    for other, value in EQUAL.items():
        assert refused(check_notification_filter, NotificationFilter(**{name: "x", other: value})) == [name]


def test_two_addressees_do_not_go_together() -> None:
    assert refused(check_notification_filter, NotificationFilter(username="x", profile_id="y")) == ["username"]


def test_resource_id_goes_with_its_resource_and_times_only() -> None:
    check_audit_filter(AuditFilter(resource_id="x", resource="device", **TIMES))
    for other in ("client_id", "action"):
        assert refused(check_audit_filter, AuditFilter(resource_id="x", **{other: "y"})) == ["resource_id"]


def test_no_two_filters_share_a_query() -> None:
    filters = [NotificationFilter(**{name: value}) for name, value in {**EQUAL, **TIMES, "username": "x", "profile_id": "x"}.items()]
    hashes = [query_hash("acme", "notifications", one) for one in (NotificationFilter(), *filters)]
    assert all(one != other for one, other in combinations(hashes, 2))
