"""Saved segments as services keep them, and the one that a request names."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fanfare.domain.call import Actor, ActorKind, Call
from fanfare.domain.errors import InvalidRequest, NotFound, SegmentBroken
from fanfare.domain.filters import AuditFilter, SegmentFilter
from fanfare.domain.message import Message
from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import segments_of
from fanfare.domain.send_request import Addressees, SendRequest
from fanfare.domain.versions import parse_version_range
from fanfare.ports import Deps
from fanfare.services.list_pages import list_segments
from fanfare.services.segments import create_segment, delete_segment, get_segment, meaning_of, replace_segment, resolve_segment
from tests.factories import NOW, TENANT_ID
from tests.fakes import FixedClock, MemorySegmentStore, fake_deps

CALL = Call(TENANT_ID, Actor(ActorKind.CLIENT, "client-1", "203.0.113.7"), "request-1")
BETA = Segment(tags=("beta",), app_version=parse_version_range(">=3.2,<4", "f"))
LATER = NOW + timedelta(hours=1)


def _audit(deps: Deps) -> list[tuple[str, tuple[str, ...], set[str]]]:
    page = deps.audit.list(TENANT_ID, AuditFilter(), 100, None)
    return [(row.entry.action, row.entry.resource_ids, set(row.entry.changes)) for row in reversed(page.items)]


def _request(to: Addressees, raw_to: dict[str, Any]) -> SendRequest:
    return SendRequest(to, Segment(), Message(title="x"), {"title": "x", "to": raw_to}, "hash")


def test_created_segment_is_stored_and_audited() -> None:
    deps = fake_deps()
    segment = create_segment(deps, CALL, "Beta", BETA)
    assert get_segment(deps, TENANT_ID, segment.id) == segment
    assert (segment.name, segment.filter, segment.created_at, segment.updated_at) == ("Beta", BETA, NOW, NOW)
    ((action, ids, changes),) = _audit(deps)
    assert (action, ids) == ("segment.created", (segment.id,))
    assert {"name", "filter"} <= changes


def test_two_segments_may_have_one_name() -> None:
    deps = fake_deps()
    assert create_segment(deps, CALL, "Beta", BETA).id != create_segment(deps, CALL, "Beta", BETA).id


def test_change_is_stored_and_audited_once() -> None:
    clock = FixedClock()
    deps = fake_deps(clock=clock)
    segment = create_segment(deps, CALL, "Beta", BETA)
    clock.advance(timedelta(hours=1))
    after = replace_segment(deps, CALL, segment.id, "Beta", Segment())
    assert after == replace(segment, filter=Segment(), updated_at=LATER)
    assert replace_segment(deps, CALL, segment.id, "Beta", Segment()) == after
    assert get_segment(deps, TENANT_ID, segment.id) == after
    assert [(action, changes) for action, _, changes in _audit(deps)][1:] == [("segment.updated", {"filter"})]


def test_deleted_segment_is_gone() -> None:
    deps = fake_deps()
    segment = create_segment(deps, CALL, "Beta", BETA)
    delete_segment(deps, CALL, segment.id)
    for attempt in (
        lambda: get_segment(deps, TENANT_ID, segment.id),
        lambda: replace_segment(deps, CALL, segment.id, "x", BETA),
        lambda: delete_segment(deps, CALL, segment.id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert [action for action, _, _ in _audit(deps)] == ["segment.created", "segment.deleted"]


def test_another_tenants_segment_is_unknown() -> None:
    deps = fake_deps()
    segment = create_segment(deps, CALL, "Beta", BETA)
    with pytest.raises(NotFound):
        get_segment(deps, "globex", segment.id)
    with pytest.raises(InvalidRequest) as refused:
        meaning_of(deps, "globex", segment.id, "segment")
    assert [error.field for error in refused.value.errors] == ["segment"]


def test_list_is_paged_and_its_cursor_belongs_to_its_filter() -> None:
    deps = fake_deps()
    for name in ("b1", "a", "b2"):
        create_segment(deps, CALL, name, BETA)
    items, cursor = list_segments(deps, TENANT_ID, SegmentFilter("b"), 1, None)
    assert [segment.name for segment in items] == ["b1"]
    assert cursor is not None
    items, end = list_segments(deps, TENANT_ID, SegmentFilter("b"), 1, cursor)
    assert ([segment.name for segment in items], end) == (["b2"], None)
    with pytest.raises(InvalidRequest):
        list_segments(deps, TENANT_ID, SegmentFilter("a"), 1, cursor)


# The one that a request names


def test_named_segment_is_replaced_by_what_it_means_now_and_stays_named() -> None:
    deps = fake_deps()
    segment = create_segment(deps, CALL, "Beta", BETA)
    resolved = resolve_segment(deps, TENANT_ID, _request(Addressees(segment_id=segment.id), {"segment": segment.id}))
    replace_segment(deps, CALL, segment.id, "Beta", Segment())
    assert resolved.to == Addressees(segment=BETA, segment_id=segment.id)
    assert resolved.raw == {"title": "x", "to": {"segment": {"tags": ["beta"], "app_version": ">=3.2,<4"}, "segment_id": segment.id}}
    assert segments_of(resolved.raw) == (BETA,)
    assert resolve_segment(deps, TENANT_ID, resolved) is resolved


@pytest.mark.parametrize(
    ("to", "raw_to"),
    [(Addressees(segment=BETA), {"segment": {"tags": ["beta"]}}), (Addressees(device_ids=("d1",)), {"device_ids": ["d1"]})],
)
def test_request_that_names_none_stays_as_it_is(to: Addressees, raw_to: dict[str, Any]) -> None:
    request = _request(to, raw_to)
    assert resolve_segment(fake_deps(), TENANT_ID, request) is request


def test_unknown_segment_is_refused_by_its_field() -> None:
    with pytest.raises(InvalidRequest) as refused:
        resolve_segment(fake_deps(), TENANT_ID, _request(Addressees(segment_id="none"), {"segment": "none"}))
    assert [error.field for error in refused.value.errors] == ["to.segment"]


def test_broken_segment_reaches_nobody_until_it_is_mended() -> None:
    segments = MemorySegmentStore()
    deps = fake_deps(segments=segments)
    segment = create_segment(deps, CALL, "Beta", BETA)
    segments.spoil(TENANT_ID, segment.id, "filter.tag: is unknown")
    request = _request(Addressees(segment_id=segment.id), {"segment": segment.id})
    with pytest.raises(SegmentBroken, match=r"filter\.tag: is unknown"):
        resolve_segment(deps, TENANT_ID, request)
    assert get_segment(deps, TENANT_ID, segment.id).defect == "filter.tag: is unknown"
    replace_segment(deps, CALL, segment.id, "Beta", BETA)
    assert resolve_segment(deps, TENANT_ID, request).to.segment == BETA
