"""`/profiles`: create, list, show, change, delete, restore, erase, export."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.change_profile import delete_profile, erase_profile, restore_profile, update_profile
from fanfare.services.export_profile import export_profile
from fanfare.services.list_pages import list_profiles
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.profiles import create_profile, get_profile
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.profile_answers import ExportOut, ProfileOut, ProfilePage, show_export, show_profile
from fanfare.web.profile_schemas import ProfileIn, ProfilePath, ProfileQuery, ProfileUpdate
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("profiles", "People, who own devices.")


@routes.post("/profiles", responses={201: ProfileOut, **problems(409)})
@authorized(Scope.DEVICES)
@repeatable
def create(body: ProfileIn) -> Response:
    """Create a profile."""
    return once("POST /profiles", lambda: HttpAnswer(201, show_profile(create_profile(deps(), call(), body.new_profile()))))


@routes.get("/profiles", responses={200: ProfilePage})
@authorized(Scope.DEVICES)
def index(query: ProfileQuery) -> Response:
    """List profiles; deleted ones only if they are asked for."""
    return show_page(list_profiles(deps(), call().tenant, query.filters(), query.limit, query.cursor), show_profile)


@routes.get("/profiles/<id>", responses={200: ProfileOut, **problems(404)})
@authorized(Scope.DEVICES)
def show(path: ProfilePath) -> Response:
    """Show a profile, also a deleted one."""
    return jsonify(show_profile(get_profile(deps(), call().tenant, path.id)))


@routes.put("/profiles/<id>", responses={200: ProfileOut, **problems(404, 409)})
@authorized(Scope.DEVICES)
def change(path: ProfilePath, body: ProfileUpdate) -> Response:
    """Change what is given of a profile; its devices are reached by a new name as soon as this is answered, and no longer by the old one."""
    return jsonify(show_profile(update_profile(deps(), call(), path.id, body.changes())))


@routes.delete("/profiles/<id>", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES)
def delete(path: ProfilePath) -> Response:
    """Delete a profile: it receives nothing and its devices stay. A device that it shares is still reached through its other profiles."""
    delete_profile(deps(), call(), path.id)
    return Response(status=204)


@routes.post("/profiles/<id>/restore", responses={200: ProfileOut, **problems(404)})
@authorized(Scope.DEVICES)
def restore(path: ProfilePath) -> Response:
    """Undo the deletion of a profile."""
    return jsonify(show_profile(restore_profile(deps(), call(), path.id)))


@routes.post("/profiles/<id>/erase", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES)
def erase(path: ProfilePath) -> Response:
    """Erase a profile at once and for good, with all devices that no other profile owns."""
    erase_profile(deps(), call(), path.id)
    return Response(status=204)


@routes.get("/profiles/<id>/export", responses={200: ExportOut, **problems(404)})
@authorized(Scope.ADMIN)
def export(path: ProfilePath, query: PageQuery) -> Response:
    """Export what is held about a profile, page by page: devices, then notifications, then the audit log about it.

    Of notifications those that addressed it by its id or username, among the first twenty names; sends by phone number, device or tag name nobody.
    """
    return jsonify(show_export(export_profile(deps(), call(), path.id, query.limit, query.cursor)))
