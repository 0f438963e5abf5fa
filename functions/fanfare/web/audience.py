"""`/apps/{id}/audience`: how large a tenant's audience is, and how far it lags behind its devices."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.apps import admit
from fanfare.services.show_audience import show_audience
from fanfare.web.app_schemas import AppPath
from fanfare.web.audience_answers import AppAudienceOut, show_audience_state
from fanfare.web.gate import authorized, caller, deps
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("audience", "Tenants: one app each, with its own Firebase project.", tag="apps")


@routes.get("/apps/<id>/audience", responses={200: AppAudienceOut, **problems(404)})
@authorized(Scope.READ, Scope.ADMIN, Scope.PLATFORM)
def show(path: AppPath) -> Response:
    """Show how many devices a broadcast to everyone would reach, and how far the packed audience lags behind them."""
    return jsonify(show_audience_state(show_audience(deps(), admit(caller(), path.id)), deps().clock.now()))
