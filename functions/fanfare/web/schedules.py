"""`/schedules`: what is sent later, or again and again. Whoever may send may schedule."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.list_pages import list_schedules
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.preview_schedule import preview_schedule
from fanfare.services.schedules import (
    cancel_schedule,
    change_schedule,
    create_schedule,
    get_schedule,
    pause_schedule,
    resume_schedule,
)
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schedule_answers import FiringsOut, ScheduleOut, SchedulePage, show_firings, show_schedule
from fanfare.web.schedule_queries import FiringsQuery, SchedulePath, ScheduleQuery
from fanfare.web.schedule_schemas import ScheduleIn
from fanfare.web.schema import problems

routes = Resource("schedules", "What is sent later, or again and again.")


@routes.post("/schedules", responses={201: ScheduleOut, **problems(409)})
@authorized(Scope.SEND)
@repeatable
def create(body: ScheduleIn) -> Response:
    """Schedule a message: once, or again and again."""
    return once("POST /schedules", lambda: HttpAnswer(201, show_schedule(create_schedule(deps(), call(), body.draft()))))


@routes.get("/schedules", responses={200: SchedulePage})
@authorized(Scope.SEND, Scope.READ)
def index(query: ScheduleQuery) -> Response:
    """List schedules, the newest first."""
    return show_page(list_schedules(deps(), call().tenant, query.filters(), query.limit, query.cursor), show_schedule)


@routes.get("/schedules/<id>", responses={200: ScheduleOut, **problems(404)})
@authorized(Scope.SEND, Scope.READ)
def show(path: SchedulePath) -> Response:
    """Show a schedule."""
    return jsonify(show_schedule(get_schedule(deps(), call().tenant, path.id)))


@routes.put("/schedules/<id>", responses={200: ScheduleOut, **problems(404, 409)})
@authorized(Scope.SEND)
def replace(path: SchedulePath, body: ScheduleIn) -> Response:
    """Replace what a schedule sends, and when, from now on; one that is paused stays so."""
    return jsonify(show_schedule(change_schedule(deps(), call(), path.id, body.draft())))


@routes.delete("/schedules/<id>", responses={200: ScheduleOut, **problems(404, 409)})
@authorized(Scope.SEND)
def delete(path: SchedulePath) -> Response:
    """Cancel a schedule; what it has sent already stays sent."""
    return jsonify(show_schedule(cancel_schedule(deps(), call(), path.id)))


@routes.post("/schedules/<id>/pause", responses={200: ScheduleOut, **problems(404, 409)})
@authorized(Scope.SEND)
def pause(path: SchedulePath) -> Response:
    """Pause a schedule: what comes due until it is resumed is not sent."""
    return jsonify(show_schedule(pause_schedule(deps(), call(), path.id)))


@routes.post("/schedules/<id>/resume", responses={200: ScheduleOut, **problems(404, 409)})
@authorized(Scope.SEND)
def resume(path: SchedulePath) -> Response:
    """Resume a schedule: it goes on with what comes due from now on."""
    return jsonify(show_schedule(resume_schedule(deps(), call(), path.id)))


@routes.post("/schedules/<id>/preview", responses={200: FiringsOut, **problems(404, 409)})
@authorized(Scope.SEND, Scope.READ)
def preview(path: SchedulePath, query: FiringsQuery) -> Response:
    """Tell when a schedule fires next, zone by zone; nothing is sent."""
    return jsonify(show_firings(preview_schedule(deps(), call().tenant, path.id, query.count, query.timezones)))
