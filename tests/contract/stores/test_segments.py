"""What every store of saved segments does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import Client as Firestore

from fanfare.domain.audit import trail
from fanfare.domain.call import Actor, ActorKind
from fanfare.domain.errors import Conflict
from fanfare.domain.filters import AuditFilter, SegmentFilter
from fanfare.domain.message import Platform
from fanfare.domain.saved_segment import SavedSegment, changed
from fanfare.domain.segment import Segment
from fanfare.domain.versions import parse_version_range
from tests.contract.stores.racing import race
from tests.contract.stores.real import Stores, real_stores
from tests.factories import NOW

ACTOR = Actor(ActorKind.CLIENT, "client-1")
CREATED, UPDATED, DELETED = (trail(f"segment.{done}", ACTOR, NOW) for done in ("created", "updated", "deleted"))
FULL = Segment(
    platform=(Platform.IOS, Platform.WEB),
    app_version=parse_version_range(">=3.2,<4", "f"),
    os_version=parse_version_range("!=15", "f"),
    locale=("sw", "en-GB"),
    timezone=("Africa/Dar_es_Salaam",),
    seen_within_days=30,
    tags=("beta",),
    tags_any=("a", "b"),
    tags_none=("c",),
    topics=("news",),
    profile_ids=("p1",),
)
LATER = NOW + timedelta(hours=1)


def _create(stores: Stores, tenant: str, segment_id: str = "s1", name: str = "Beta testers", meant: Segment = FULL) -> SavedSegment:
    segment = SavedSegment(segment_id, name, meant, NOW, NOW)
    stores.segments.create(tenant, segment, CREATED)
    return segment


def _rename(stores: Stores, tenant: str, name: str) -> SavedSegment | None:
    return stores.segments.update(tenant, "s1", lambda before: changed(before, name, Segment(), LATER), UPDATED)


def _listed(stores: Stores, tenant: str, prefix: str | None = None, limit: int = 100, after: str | None = None) -> tuple[list[str], str | None]:
    page = stores.segments.list(tenant, SegmentFilter(prefix), limit, after)
    return [segment.id for segment in page.items], page.next_after


def _actions(stores: Stores, tenant: str) -> list[str]:
    return sorted(row.entry.action for row in stores.audit.list(tenant, AuditFilter(resource_id="s1"), 100, None).items)


def test_created_segment_is_found_with_every_filter(stores: Stores, tenant: str) -> None:
    segment = _create(stores, tenant)
    assert stores.segments.get(tenant, "s1") == segment
    assert _actions(stores, tenant) == ["segment.created"]


def test_segment_that_means_everyone_is_kept(stores: Stores, tenant: str) -> None:
    segment = _create(stores, tenant, meant=Segment())
    assert stores.segments.get(tenant, "s1") == segment


@pytest.mark.parametrize("segment_id", ["s1", "no/such", "..", "", "__x__"])
def test_unknown_segment_is_not_found(stores: Stores, tenant: str, other_tenant: str, segment_id: str) -> None:
    _create(stores, other_tenant)
    assert stores.segments.get(tenant, segment_id) is None
    assert stores.segments.update(tenant, segment_id, lambda before: before, UPDATED) is None
    assert not stores.segments.delete(tenant, segment_id, DELETED)
    assert stores.segments.get(other_tenant, "s1") is not None


def test_id_is_taken_once(stores: Stores, tenant: str, other_tenant: str) -> None:
    first = _create(stores, tenant)
    with pytest.raises(Conflict):
        _create(stores, tenant, name="other")
    assert stores.segments.get(tenant, "s1") == first
    _create(stores, other_tenant)
    assert _actions(stores, tenant) == ["segment.created"]


def test_change_is_stored_with_its_entry(stores: Stores, tenant: str) -> None:
    first = _create(stores, tenant)
    after = replace(first, name="Everyone", filter=Segment(), updated_at=LATER)
    assert _rename(stores, tenant, "Everyone") == after
    assert stores.segments.get(tenant, "s1") == after
    assert _actions(stores, tenant) == ["segment.created", "segment.updated"]


def test_decision_to_change_nothing_stores_nothing(stores: Stores, tenant: str) -> None:
    first = _create(stores, tenant)
    assert stores.segments.update(tenant, "s1", lambda _before: None, UPDATED) == first
    assert _actions(stores, tenant) == ["segment.created"]


def test_simultaneous_changes_are_one_after_the_other(stores: Stores, tenant: str) -> None:
    _create(stores, tenant)
    names = ["a", "b", "c"]
    race([partial(_rename, stores, tenant, name) for name in names])
    assert _actions(stores, tenant) == ["segment.created", *["segment.updated"] * 3]
    read = stores.segments.get(tenant, "s1")
    assert read is not None
    assert read.name in names


def test_segment_is_deleted_once(stores: Stores, tenant: str) -> None:
    _create(stores, tenant)
    assert sorted(race([partial(stores.segments.delete, tenant, "s1", DELETED)] * 3)) == [False, False, True]
    assert stores.segments.get(tenant, "s1") is None
    assert _listed(stores, tenant) == ([], None)
    assert _actions(stores, tenant) == ["segment.created", "segment.deleted"]
    _create(stores, tenant)


def test_segments_are_listed_by_name_in_pages(stores: Stores, tenant: str, other_tenant: str) -> None:
    for segment_id, name in (("s1", "c"), ("s3", "a b"), ("s2", "a b"), ("s4", "b")):
        _create(stores, tenant, segment_id, name)
    _create(stores, other_tenant, "s0", "a")
    first, after = _listed(stores, tenant, limit=1)
    second, following = _listed(stores, tenant, limit=2, after=after)
    last, end = _listed(stores, tenant, limit=2, after=following)
    assert (first, second, last, end) == (["s2"], ["s3", "s4"], ["s1"], None)


def test_segments_are_listed_by_the_beginning_of_their_names(stores: Stores, tenant: str) -> None:
    for segment_id, name in (("s1", "Beta"), ("s2", "Beta 😀"), ("s3", "Betä"), ("s4", "Bet"), ("s5", "beta")):
        _create(stores, tenant, segment_id, name)
    assert _listed(stores, tenant, "Beta") == (["s1", "s2"], None)
    assert _listed(stores, tenant, "Beta ") == (["s2"], None)
    assert _listed(stores, tenant, "Bet", 2, "s4 Bet") == (["s1", "s2"], "s2 Beta 😀")
    assert _listed(stores, tenant, "x") == ([], None)


# A hand in the console


def _document(firestore: Firestore) -> Any:
    return firestore.collection("tenants").document("acme").collection("segments").document("s1")


def test_edit_by_hand_is_what_is_meant(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    _create(stores, "acme")
    _document(firestore).update({"name": "By hand", "filter": {"tags": ["vip"], "app_version": ">= 5"}})
    read = stores.segments.get("acme", "s1")
    assert read is not None
    assert (read.name, read.filter) == ("By hand", Segment(tags=("vip",), app_version=parse_version_range(">=5", "f")))
    assert read.defect is None


@pytest.mark.parametrize(
    ("edit", "path"),
    [
        ({"filter": None}, "filter"),
        ({"filter": "everyone"}, "filter"),
        ({"filter": {"tag": ["vip"]}}, "filter.tag"),
        ({"filter": {"tags": "vip"}}, "filter.tags"),
        ({"filter": {"platform": ["ios", "amiga"]}}, "filter.platform.1"),
        ({"filter": {"app_version": "newest"}}, "filter.app_version"),
        ({"filter": {"seen_within_days": NOW}}, "filter.seen_within_days"),
        ({"name": 5}, "name"),
    ],
)
def test_broken_edit_means_nobody_and_is_told_in_the_document_until_it_is_mended(firestore: Firestore, edit: dict[str, Any], path: str) -> None:
    stores = real_stores(firestore)
    first = _create(stores, "acme")
    _document(firestore).update(edit)
    read = stores.segments.get("acme", "s1")
    assert read is not None
    assert read.filter is None
    assert read.defect
    assert read.defect.startswith(f"{path}: ")
    assert _document(firestore).get().get("defect") == read.defect
    assert [segment.defect for segment in stores.segments.list("acme", SegmentFilter(), 10, None).items] == [read.defect]
    _document(firestore).update({"name": first.name, "filter": {"tags": ["beta"]}})
    mended = stores.segments.get("acme", "s1")
    assert mended is not None
    assert (mended.filter, mended.defect) == (Segment(tags=("beta",)), None)
    assert _document(firestore).get().get("defect") is None


def test_list_goes_on_after_a_name_that_a_hand_made_too_long(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    for segment_id in ("s1", "s2"):
        _create(stores, "acme", segment_id)
    _document(firestore).update({"name": "A" * 1_400})
    first, after = _listed(stores, "acme", limit=1)
    assert after is not None
    assert len(after) < 120
    assert (first, _listed(stores, "acme", limit=1, after=after)) == (["s1"], (["s2"], None))


def test_broken_segment_is_mended_and_deleted_through_the_store(firestore: Firestore) -> None:
    stores = real_stores(firestore)
    _create(stores, "acme")
    _document(firestore).set({"filter": ["nonsense"], "created_at": "x"})
    mended = _rename(stores, "acme", "new")
    assert mended is not None
    assert stores.segments.get("acme", "s1") == mended
    _document(firestore).set({})
    assert stores.segments.delete("acme", "s1", DELETED)
