"""What every analytics store does: rows that are added to once, totals of days, and notifications that are tallied once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fanfare.domain.analytics import Amounts, Row, RowFilter, RowKey
from fanfare.domain.broadcast_progress import Part, Sums
from fanfare.domain.chunk import Chunk, ChunkKey, ChunkState
from fanfare.domain.layout import Layout, Source
from fanfare.domain.message import Platform
from fanfare.domain.notification import Counts, NotificationStatus
from fanfare.domain.outcome import Outcome, Result, count, count_by_platform
from fanfare.domain.recomputing import correct
from fanfare.domain.tallying import Tally, Untallied, contributions_of, decide_tally
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores
from tests.factories import NOW, a_notification, a_recipient

DAY = NOW.date()
SENT = Result(Outcome.SENT, "projects/acme-app/messages/1", 200, 1, Platform.ANDROID)
GONE = Result(Outcome.FAILED, "UNREGISTERED", 404, 1, Platform.IOS)
KEY = RowKey(DAY, "client-1", "news", "android", "order")
MOST = 100


def _accept(stores: Stores, number: int = 1, tenant: str = "acme", **fields: object) -> str:
    notification_id = f"notification-{number}"
    stores.notifications.accept(replace(a_notification(**fields), id=notification_id, tenant=tenant), [a_recipient()])
    return notification_id


def _send(stores: Stores, notification_id: str, *results: Result, after: timedelta = timedelta(0)) -> None:
    """Deliver a notification's only chunk with these results."""
    key = ChunkKey("acme", notification_id, 0)
    chunk, notification = stores.chunks.claim(key, f"owner-{after}", NOW + after), stores.notifications.get("acme", notification_id)
    assert isinstance(chunk, Chunk)
    assert notification is not None
    counts = count(results, len(results))
    named = {str(number): result for number, result in enumerate(results)}
    done = replace(notification, status=NotificationStatus.COMPLETED, counts=counts, platforms=count_by_platform(results))
    assert stores.chunks.conclude(replace(chunk, state=ChunkState.RETRYING, due_at=NOW, results=named, counts=counts), done)


def _decide(found: Untallied) -> Tally:
    notification = found.notification
    return decide_tally(found, contributions_of(notification, notification.counts, notification.platforms))


def _tally(stores: Stores, tenant: str = "acme") -> bool:
    return stores.analytics.tally([_decide(found) for found in stores.analytics.find_untallied(tenant, MOST)])


def _rows(stores: Stores, filters: RowFilter | None = None, first: date = DAY, last: date = DAY) -> set[Row]:
    return set(stores.analytics.rows("acme", first, last, filters or RowFilter(), MOST))


def _total(stores: Stores) -> list[Row]:
    return list(stores.analytics.totals("acme", DAY - timedelta(days=2), DAY + timedelta(days=2)))


def test_rows_are_added_to_and_so_is_their_days_total(stores: Stores, tenant: str) -> None:
    other = KEY._replace(platform=None, topic=None)
    assert stores.analytics.add(tenant, "mark-1", [Row(KEY, Amounts(3, 1)), Row(other, Amounts(1))], NOW)
    assert stores.analytics.add(tenant, "mark-2", [Row(KEY, Amounts(2, cleaned=5))], NOW)
    assert _rows(stores) == {Row(KEY, Amounts(5, 1, cleaned=5)), Row(other, Amounts(1))}
    assert _total(stores) == [Row(RowKey(DAY), Amounts(6, 1, cleaned=5))]


def test_the_same_mark_adds_once(stores: Stores, tenant: str, other_tenant: str) -> None:
    row = Row(KEY, Amounts(3))
    assert [stores.analytics.add(tenant, "mark-1", [row], NOW) for _ in range(3)] == [True, False, False]
    assert stores.analytics.add(other_tenant, "mark-1", [row], NOW), "another tenant's marks are its own"
    assert (_rows(stores), _total(stores)) == ({row}, [Row(RowKey(DAY), Amounts(3))])


def test_racing_additions_under_one_mark_add_once(stores: Stores, tenant: str) -> None:
    added = race([lambda: stores.analytics.add(tenant, "mark-1", [Row(KEY, Amounts(3))], NOW)] * 4)
    assert sorted(added) == [False, False, False, True]
    assert _rows(stores) == {Row(KEY, Amounts(3))}


def test_rows_of_one_key_in_one_addition_are_added_together(stores: Stores, tenant: str) -> None:
    stores.analytics.add(tenant, "mark-1", [Row(KEY, Amounts(3)), Row(KEY, Amounts(total_failed=2))], NOW)
    assert _rows(stores) == {Row(KEY, Amounts(3, 2))}


def test_what_was_cleaned_is_counted_by_platform(stores: Stores, tenant: str) -> None:
    assert stores.analytics.add_cleaned(tenant, "cleanup-1", DAY, {"android": 3, None: 1, "ios": 0}, NOW)
    assert not stores.analytics.add_cleaned(tenant, "cleanup-1", DAY, {"android": 3}, NOW)
    assert _rows(stores) == {Row(RowKey(DAY, platform="android"), Amounts(cleaned=3)), Row(RowKey(DAY), Amounts(cleaned=1))}
    assert _total(stores) == [Row(RowKey(DAY), Amounts(cleaned=4))]


@pytest.mark.parametrize("topic", ["a/b", "ünïcode.%", "x" * 900, "..", "__x__"])
def test_topic_of_unusual_characters_has_a_row(stores: Stores, tenant: str, topic: str) -> None:
    row = Row(KEY._replace(topic=topic), Amounts(1))
    stores.analytics.add(tenant, "mark-1", [row], NOW)
    assert _rows(stores, RowFilter(topic=topic)) == {row}


@pytest.mark.parametrize(
    ("filters", "wanted"),
    [
        (RowFilter(), {"a", "b", "c"}),
        (RowFilter(client_id="client-1"), {"a", "b"}),
        (RowFilter(topic="news"), {"a", "c"}),
        (RowFilter(platform="ios"), {"b"}),
        (RowFilter(template="order"), {"a", "b"}),
        (RowFilter("client-1", "news", "android", "order"), {"a"}),
        (RowFilter("client-1", "news", "ios", "order"), set()),
    ],
)
def test_filters_combine(stores: Stores, tenant: str, filters: RowFilter, wanted: set[str]) -> None:
    keys = {"a": KEY, "b": RowKey(DAY, "client-1", None, "ios", "order"), "c": RowKey(DAY, "client-2", "news", "android", None)}
    stores.analytics.add(tenant, "mark-1", [Row(key, Amounts(1)) for key in keys.values()], NOW)
    assert {row.key for row in _rows(stores, filters)} == {keys[name] for name in wanted}


def test_rows_and_totals_are_of_the_days_asked_for_in_their_order(stores: Stores, tenant: str, other_tenant: str) -> None:
    days = [DAY + timedelta(days=number) for number in (3, -3, -1, 0, 1)]
    stores.analytics.add(tenant, "mark-1", [Row(KEY._replace(day=day), Amounts(1)) for day in days], NOW)
    stores.analytics.add(other_tenant, "mark-1", [Row(KEY, Amounts(7))], NOW)
    asked = (tenant, DAY - timedelta(days=1), DAY + timedelta(days=1))
    expected = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    assert [row.key.day for row in stores.analytics.rows(*asked, RowFilter(), MOST)] == expected
    assert [row.key.day for row in stores.analytics.rows(*asked, RowFilter(), 2)] == expected[:2]
    assert list(stores.analytics.totals(*asked)) == [Row(RowKey(day), Amounts(1)) for day in expected]


def test_notification_is_tallied_once(stores: Stores, tenant: str) -> None:
    _send(stores, _accept(stores, topic="news"), SENT, SENT, GONE)
    assert _tally(stores)
    assert stores.analytics.find_untallied(tenant, MOST) == []
    client = a_notification().client_id
    assert _rows(stores) == {
        Row(RowKey(DAY, client, "news", "android"), Amounts(2)),
        Row(RowKey(DAY, client, "news", "ios"), Amounts(total_failed=1)),
    }
    assert _total(stores) == [Row(RowKey(DAY), Amounts(2, 1))]


def test_repeated_tally_of_what_was_read_before_changes_nothing(stores: Stores, tenant: str) -> None:
    _send(stores, _accept(stores), SENT)
    found = stores.analytics.find_untallied(tenant, MOST)
    tallies = [_decide(one) for one in found]
    assert [stores.analytics.tally(tallies) for _ in range(2)] == [True, False]
    assert _total(stores) == [Row(RowKey(DAY), Amounts(1))]


def test_racing_tallies_count_once(stores: Stores, tenant: str) -> None:
    for number in range(5):
        _send(stores, _accept(stores, number), SENT, GONE)
    tallies = [_decide(one) for one in stores.analytics.find_untallied(tenant, MOST)]
    stored = race([lambda: stores.analytics.tally(tallies)] * 4)
    assert sorted(stored) == [False, False, False, True]
    assert _total(stores) == [Row(RowKey(DAY), Amounts(5, 5))]


def test_one_that_changed_keeps_the_whole_page_from_being_stored(stores: Stores, tenant: str) -> None:
    names = [_accept(stores, number) for number in range(3)]
    for name in names:
        _send(stores, name, SENT)
    tallies = [_decide(one) for one in stores.analytics.find_untallied(tenant, MOST)]
    _send(stores, names[1], SENT, GONE, after=timedelta(minutes=2))
    assert not stores.analytics.tally(tallies)
    assert (_rows(stores), _total(stores)) == (set(), [])
    assert _tally(stores)
    assert _total(stores) == [Row(RowKey(DAY), Amounts(3, 1))]


def test_later_pass_adds_the_difference_alone(stores: Stores, tenant: str) -> None:
    name = _accept(stores)
    _send(stores, name, GONE, GONE)
    _tally(stores)
    _send(stores, name, SENT, GONE, after=timedelta(minutes=2))
    [found] = stores.analytics.find_untallied(tenant, MOST)
    assert dict(found.contributed) == {"ios": Amounts(total_failed=2)}
    _tally(stores)
    key = RowKey(DAY, a_notification().client_id)
    assert _rows(stores) == {Row(key._replace(platform="ios"), Amounts(total_failed=1)), Row(key._replace(platform="android"), Amounts(1))}


def test_message_to_a_topic_counts_without_a_platform_and_is_remembered(stores: Stores, tenant: str) -> None:
    name = _accept(stores, topic="news")
    _send(stores, name, SENT._replace(platform=None))
    _tally(stores)
    assert _rows(stores) == {Row(RowKey(DAY, a_notification().client_id, "news"), Amounts(1))}
    [found] = stores.analytics.read_tallied(tenant, [name, "unknown"])
    assert dict(found.contributed) == {None: Amounts(1)}


def test_dry_run_is_never_to_be_tallied(stores: Stores, tenant: str) -> None:
    _accept(stores, validate_only=True)
    assert stores.analytics.find_untallied(tenant, MOST) == []


def test_tally_leaves_a_notification_as_it_is_and_lets_its_delivery_go_on(stores: Stores, tenant: str) -> None:
    name = _accept(stores)
    before = stores.notifications.get(tenant, name)
    _tally(stores)
    assert stores.notifications.get(tenant, name) == before
    _send(stores, name, SENT)
    assert _tally(stores)
    assert _total(stores) == [Row(RowKey(DAY), Amounts(1))]


def test_broadcast_under_way_stays_to_be_tallied(stores: Stores, tenant: str) -> None:
    _accept(stores, status=NotificationStatus.SENDING, layout=Layout(Source.RECIPIENTS, None, (2,)), chunk_count=2)
    assert _tally(stores)
    assert [found.notification.id for found in stores.analytics.find_untallied(tenant, MOST)] == ["notification-1"]


def test_what_is_to_be_tallied_is_found_page_by_page_and_tenant_by_tenant(stores: Stores, tenant: str, other_tenant: str) -> None:
    for number in range(5):
        _accept(stores, number)
    _accept(stores, 9, tenant=other_tenant)
    pages, after = [], None
    while page := stores.analytics.find_untallied(tenant, 2, after):
        after = page[-1].notification.id
        pages.append([found.notification.id for found in page])
    assert pages == [["notification-0", "notification-1"], ["notification-2", "notification-3"], ["notification-4"]]
    assert list(stores.analytics.find_tenants(MOST)) == ["acme", "globex"]
    assert list(stores.analytics.find_tenants(1)) == ["acme"]
    assert list(stores.analytics.find_tenants(MOST, "acme")) == ["globex"]
    assert list(stores.analytics.find_tenants(MOST, "globex")) == []


def test_chunks_of_many_are_summed_by_what_each_has_counted(stores: Stores, tenant: str) -> None:
    layout = Layout(Source.RECIPIENTS, None, (3,))
    name = _accept(stores, status=NotificationStatus.SENDING, layout=layout, chunk_count=3)
    for number, results in enumerate([{"a": SENT, "b": GONE}, {"c": SENT}]):
        chunk = stores.chunks.claim(ChunkKey(tenant, name, number), "owner-1", NOW)
        assert isinstance(chunk, Chunk)
        ended = replace(chunk, state=ChunkState.DONE, results=results, counts=count(results.values(), len(results)))
        stores.progress.conclude(ended, Part(0, number))
    stores.chunks.claim(ChunkKey(tenant, name, 2), "owner-1", NOW)
    notification = stores.notifications.get(tenant, name)
    assert notification is not None
    platforms = {"android": {"sent": 2}, "ios": {"failed": 1}}
    assert stores.analytics.count_chunks(notification) == Sums(2, Counts(3, sent=2, failed=1), {"UNREGISTERED": 1}, platforms)


def _deviating(stores: Stores) -> None:
    """A day of one notification and a cleanup, of which somebody has changed a row and the total."""
    _send(stores, _accept(stores), SENT, GONE)
    _tally(stores)
    client = a_notification().client_id
    stores.analytics.add_cleaned("acme", "cleanup-1", DAY, {"android": 1}, NOW)
    stores.analytics.add("acme", "wrong-1", [Row(RowKey(DAY, client, None, "android"), Amounts(7)), Row(RowKey(DAY, "no-one"), Amounts(1))], NOW)


def test_day_is_compared_and_corrected(stores: Stores, tenant: str) -> None:
    _deviating(stores)
    _send(stores, _accept(stores, 2, created_at=NOW + timedelta(days=1)), SENT)
    compared = stores.analytics.compare(tenant, DAY)
    assert stores.analytics.correct(tenant, DAY, correct(compared), compared.revision)
    client = a_notification().client_id
    assert {row for row in _rows(stores) if row.amounts} == {
        Row(RowKey(DAY, client, None, "android"), Amounts(1)),
        Row(RowKey(DAY, client, None, "ios"), Amounts(total_failed=1)),
        Row(RowKey(DAY, None, None, "android"), Amounts(cleaned=1)),
    }
    assert _total(stores) == [Row(RowKey(DAY), Amounts(1, 1, cleaned=1))]
    assert not correct(stores.analytics.compare(tenant, DAY))


def test_deviation_is_not_taken_away_twice(stores: Stores, tenant: str) -> None:
    _deviating(stores)
    compared = stores.analytics.compare(tenant, DAY)
    again = race([lambda: stores.analytics.correct(tenant, DAY, correct(compared), compared.revision)] * 3)
    assert sorted(again) == [False, False, True]
    assert not stores.analytics.correct(tenant, DAY, correct(compared), compared.revision)
    later = stores.analytics.compare(tenant, DAY)
    assert stores.analytics.correct(tenant, DAY, correct(later), later.revision), "the next comparison may correct"
    assert _total(stores) == [Row(RowKey(DAY), Amounts(1, 1, cleaned=1))]


def test_tally_between_comparison_and_correction_is_kept(stores: Stores, tenant: str) -> None:
    _deviating(stores)
    compared = stores.analytics.compare(tenant, DAY)
    _send(stores, _accept(stores, 2), SENT)
    assert _tally(stores)
    assert stores.analytics.correct(tenant, DAY, correct(compared), compared.revision)
    assert not correct(stores.analytics.compare(tenant, DAY))
    assert _total(stores) == [Row(RowKey(DAY), Amounts(2, 1, cleaned=1))]
