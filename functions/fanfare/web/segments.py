"""`/segments`: filters that are kept under an id, and how many devices they reach.

A segment decides who is sent to, so whoever may send may write one.
"""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.filters import SegmentFilter
from fanfare.services.count_audience import count_audience
from fanfare.services.list_pages import list_segments
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.segments import create_segment, delete_segment, get_segment, meaning_of, replace_segment
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.segment_answers import CountOut, SegmentOut, SegmentPage, show_count, show_segment
from fanfare.web.segment_schemas import CountIn, SavedSegmentIn, SegmentPath, SegmentQuery

routes = Resource("segments", "Filters that say who is meant.")


@routes.post("/segments", responses={201: SegmentOut})
@authorized(Scope.SEND)
@repeatable
def create(body: SavedSegmentIn) -> Response:
    """Keep a segment under an id that requests to send can name."""
    meant = body.filter.segment("filter")
    return once("POST /segments", lambda: HttpAnswer(201, show_segment(create_segment(deps(), call(), body.name, meant))))


@routes.get("/segments", responses={200: SegmentPage})
@authorized(Scope.SEND, Scope.READ)
def index(query: SegmentQuery) -> Response:
    """List saved segments by name."""
    return show_page(list_segments(deps(), call().tenant, SegmentFilter(query.prefix), query.limit, query.cursor), show_segment)


@routes.get("/segments/<id>", responses={200: SegmentOut, **problems(404)})
@authorized(Scope.SEND, Scope.READ)
def show(path: SegmentPath) -> Response:
    """Show a saved segment."""
    return jsonify(show_segment(get_segment(deps(), call().tenant, path.id)))


@routes.put("/segments/<id>", responses={200: SegmentOut, **problems(404)})
@authorized(Scope.SEND)
def replace(path: SegmentPath, body: SavedSegmentIn) -> Response:
    """Replace a segment's name and filter; what was accepted before reaches whom it meant then."""
    return jsonify(show_segment(replace_segment(deps(), call(), path.id, body.name, body.filter.segment("filter"))))


@routes.delete("/segments/<id>", responses={204: None, **problems(404)})
@authorized(Scope.SEND)
def delete(path: SegmentPath) -> Response:
    """Delete a segment; what was accepted before reaches whom it meant."""
    delete_segment(deps(), call(), path.id)
    return Response(status=204)


@routes.post("/segments/count", responses={200: CountOut, **problems(409)})
@authorized(Scope.SEND, Scope.READ)
def count(body: CountIn) -> Response:
    """Count the devices that a segment reaches; nothing is sent. Of a big audience a part is counted and scaled."""
    found = body.segment
    meant = meaning_of(deps(), call().tenant, found, "segment") if isinstance(found, str) else found.segment("segment")
    return jsonify(show_count(count_audience(deps(), call().tenant, (meant,), call().request_id)))
