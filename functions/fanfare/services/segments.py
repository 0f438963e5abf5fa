"""Saved segments: make, change, delete and find them, and read the one that a request names."""

from __future__ import annotations

from dataclasses import replace

from fanfare.domain.audit import trail
from fanfare.domain.call import Call
from fanfare.domain.errors import InvalidRequest, NotFound, SegmentBroken
from fanfare.domain.saved_segment import SavedSegment, changed
from fanfare.domain.segment import Segment
from fanfare.domain.segment_reading import segment_to_json
from fanfare.domain.send_request import SendRequest
from fanfare.ports import Deps


def create_segment(deps: Deps, call: Call, name: str, meant: Segment) -> SavedSegment:
    """Keep a segment under a fresh id; two may have one name."""
    now = deps.clock.now()
    segment = SavedSegment(deps.identifiers.new_id(), name, meant, now, now)
    deps.segments.create(call.tenant, segment, trail("segment.created", call.actor, now))
    return segment


def replace_segment(deps: Deps, call: Call, segment_id: str, name: str, meant: Segment) -> SavedSegment:
    """Change whom a segment means from now on; what was accepted before reaches whom it meant then. NotFound."""
    now = deps.clock.now()

    def decide(before: SavedSegment) -> SavedSegment | None:
        after = changed(before, name, meant, now)
        return after if after is not before else None

    stored = deps.segments.update(call.tenant, segment_id, decide, trail("segment.updated", call.actor, now))
    if stored is None:
        raise NotFound.of("segment")
    return stored


def delete_segment(deps: Deps, call: Call, segment_id: str) -> None:
    """Delete a segment; what was accepted before reaches whom it meant. NotFound."""
    if not deps.segments.delete(call.tenant, segment_id, trail("segment.deleted", call.actor, deps.clock.now())):
        raise NotFound.of("segment")


def get_segment(deps: Deps, tenant: str, segment_id: str) -> SavedSegment:
    """Find a segment; NotFound."""
    found = deps.segments.get(tenant, segment_id)
    if found is None:
        raise NotFound.of("segment")
    return found


def meaning_of(deps: Deps, tenant: str, segment_id: str, field: str) -> Segment:
    """The filter that a saved segment has now; InvalidRequest at `field` if there is none of this id, SegmentBroken if a hand broke it."""
    found = deps.segments.get(tenant, segment_id)
    if found is None:
        raise InvalidRequest.at(field, "there is no such segment")
    if found.filter is None:
        raise SegmentBroken(f"The segment can't be used: {found.defect}")
    return found.filter


def resolve_segment(deps: Deps, tenant: str, request: SendRequest) -> SendRequest:
    """Put the filter of the saved segment that a request names in its place, so that it reaches whom it means now, whatever becomes of it later.

    A request that names none stays as it is. InvalidRequest, SegmentBroken.
    """
    if request.to.segment_id is None or request.to.segment is not None:
        return request
    meant = meaning_of(deps, tenant, request.to.segment_id, "to.segment")
    to = {**request.raw["to"], "segment": segment_to_json(meant), "segment_id": request.to.segment_id}
    return replace(request, to=replace(request.to, segment=meant), raw={**request.raw, "to": to})
