"""`/analytics`: what was sent and what became of it, by day, week and month."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.limits import LimitGroup
from fanfare.services.keepalive_health import fleet_health
from fanfare.services.recompute_day import request_recomputation
from fanfare.services.show_analytics import show_analytics, today
from fanfare.web.analytics_answers import AnalyticsOut, DailyOut, RecomputationOut, show_daily, show_report
from fanfare.web.analytics_schemas import AnalyticsQuery, DailyQuery, RecomputeIn
from fanfare.web.gate import authorized, call, deps
from fanfare.web.resource import Resource

routes = Resource("analytics", "What was sent and what became of it.")


@routes.get("/analytics", responses={200: AnalyticsOut})
@authorized(Scope.READ, group=LimitGroup.ANALYTICS)
def show(query: AnalyticsQuery) -> Response:
    """Sum what was sent, by interval, client, topic, platform and template. What happens now is in it within five minutes."""
    tenant = call().tenant
    found = show_analytics(deps(), tenant, query.question(today(deps())))
    return jsonify(show_report(found, fleet_health(deps(), tenant)))


@routes.get("/analytics/daily", responses={200: DailyOut})
@authorized(Scope.READ, group=LimitGroup.ANALYTICS)
def daily(query: DailyQuery) -> Response:
    """Show what was sent on each day."""
    return jsonify(show_daily(show_analytics(deps(), call().tenant, query.question(today(deps())))))


@routes.post("/analytics/recompute", responses={202: RecomputationOut})
@authorized(Scope.ADMIN, group=LimitGroup.ANALYTICS)
def recompute(body: RecomputeIn) -> Response:
    """Recompute a day from what is kept of its notifications; repeated, it changes nothing more."""
    request_recomputation(deps(), call(), body.day)
    response = jsonify({"day": body.day.isoformat()})
    response.status_code = HTTPStatus.ACCEPTED
    return response
