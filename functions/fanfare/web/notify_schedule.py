"""`/notify/schedule`: accept a message to be sent later."""

from __future__ import annotations

from flask import Response

from fanfare.domain.client import Scope
from fanfare.domain.errors import InvalidRequest
from fanfare.domain.limits import LimitGroup
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.schedules import create_schedule
from fanfare.web.gate import authorized, call, deps
from fanfare.web.later_schemas import renamed
from fanfare.web.once import once, repeatable
from fanfare.web.resource import Resource
from fanfare.web.schedule_answers import ScheduleOut, show_schedule
from fanfare.web.schedule_schemas import NotifyScheduleIn
from fanfare.web.schema import problems

routes = Resource("notify_schedule", "Sending later.")


@routes.post("/notify/schedule", responses={202: ScheduleOut, **problems(409)})
@authorized(Scope.SEND, group=LimitGroup.SEND)
@repeatable
def notify_schedule(body: NotifyScheduleIn) -> Response:
    """Schedule a message, by itself with `scheduled_at` beside it or as `POST /schedules` takes it; a notification comes into being when it fires."""
    return once("POST /notify/schedule", lambda: HttpAnswer(202, _create(body)))


def _create(body: NotifyScheduleIn) -> object:
    names = body.root.RENAMED
    try:
        return show_schedule(create_schedule(deps(), call(), body.root.draft()))
    except InvalidRequest as error:
        raise renamed(error, lambda field: names.get(field, field)) from error
