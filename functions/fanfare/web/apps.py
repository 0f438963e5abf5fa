"""`/apps`: tenants, their settings, their credential, and what an operator does to one."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.credential import parse_service_account
from fanfare.domain.limits import LimitGroup
from fanfare.services.apps import NewApp, admit, create_app, get_app, update_app, verify_app
from fanfare.services.clients import add_client
from fanfare.services.list_pages import list_apps
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.release_tenant import HeldTargets, release_tenant
from fanfare.web.app_answers import AppOut, AppPage, VerifiedOut, show_app
from fanfare.web.app_schemas import AppIn, AppPath, AppUpdate, ReleaseIn
from fanfare.web.app_state_answers import AppStateOut, show_state
from fanfare.web.client_answers import ClientWithToken, show_with_token
from fanfare.web.client_schemas import ClientIn
from fanfare.web.gate import authorized, call, caller, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("apps", "Tenants: one app each, with its own Firebase project.")


@routes.get("/apps", responses={200: AppPage})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def index(query: PageQuery) -> Response:
    """List tenants: all of them for the platform, its own for a tenant's admin."""
    return show_page(list_apps(deps(), caller(), query.limit, query.cursor), show_app)


@routes.post("/apps", responses={201: AppOut, **problems(409)})
@authorized(Scope.PLATFORM, group=LimitGroup.BULK)
@repeatable
def create(body: AppIn) -> Response:
    """Make a tenant. Its credential, if it is given, is tried with FCM first; a Firebase project belongs to one tenant."""

    def perform() -> HttpAnswer:
        credential = None if body.credential is None else parse_service_account(body.credential)
        return HttpAnswer(201, show_app(create_app(deps(), call(), NewApp(body.name, body.firebase_project_id, credential, body.settings()))))

    return once("POST /apps", perform)


@routes.get("/apps/<id>", responses={200: AppOut, **problems(404)})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def show(path: AppPath) -> Response:
    """Show a tenant."""
    return jsonify(show_app(get_app(deps(), admit(caller(), path.id))))


@routes.put("/apps/<id>", responses={200: AppOut, **problems(404, 409)})
@authorized(Scope.ADMIN, Scope.PLATFORM, group=LimitGroup.BULK)
def change(path: AppPath, body: AppUpdate) -> Response:
    """Change what is given of a tenant; settings take effect everywhere within 60 seconds."""
    credential = None if body.credential is None else parse_service_account(body.credential)
    tenant = update_app(deps(), call(), admit(caller(), path.id), settings=body.settings(), name=body.name, credential=credential)
    return jsonify(show_app(tenant))


@routes.post("/apps/<id>/verify", responses={200: VerifiedOut, **problems(404)})
@authorized(Scope.ADMIN, Scope.PLATFORM, group=LimitGroup.BULK)
def verify(path: AppPath) -> Response:
    """Let FCM check a message with the tenant's credential, deliver nothing, and say what it answered."""
    said = verify_app(deps(), call(), admit(caller(), path.id))
    code = None if said.is_accepted else said.code
    return jsonify({"id": path.id, "ok": said.is_accepted, "result": said.kind.value, "code": code, "http_status": said.http_status or None})


@routes.post("/apps/<id>/clients", responses={201: ClientWithToken, **problems(404, 409)})
@authorized(Scope.ADMIN, Scope.PLATFORM)
@repeatable
def create_client(path: AppPath, body: ClientIn) -> Response:
    """Make a client of a tenant, such as its first one; its token is in this answer alone."""
    tenant = admit(caller(), path.id)

    def perform() -> HttpAnswer:
        return HttpAnswer(201, show_with_token(add_client(deps(), call(), caller(), tenant, body.given())))

    return once(f"POST /apps/{tenant}/clients", perform)


@routes.post("/apps/<id>/release", responses={200: AppStateOut, **problems(404, 409)})
@authorized(Scope.ADMIN, Scope.PLATFORM)
def release(path: AppPath, body: ReleaseIn) -> Response:
    """End a tenant's quarantine; what was parked is sent within a minute."""
    return jsonify(show_state(release_tenant(deps(), call(), admit(caller(), path.id), HeldTargets(body.targets))))
