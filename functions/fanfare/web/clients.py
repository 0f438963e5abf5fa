"""`/clients`: a tenant's API clients."""

from __future__ import annotations

from flask import Response, jsonify, request

from fanfare.domain.client import Scope
from fanfare.services.clients import add_client, get_client, revoke_client, rotate_client, update_client
from fanfare.services.list_pages import list_clients
from fanfare.services.perform_once import HttpAnswer
from fanfare.web.client_answers import ClientOut, ClientPage, ClientWithToken, show_client, show_with_token
from fanfare.web.client_schemas import ClientIn, ClientPath, ClientUpdate, RotateIn
from fanfare.web.gate import authorized, call, caller, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import PageQuery, show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems

routes = Resource("clients", "API clients: who may call, and for what.")


@routes.get("/clients", responses={200: ClientPage})
@authorized(Scope.ADMIN)
def index(query: PageQuery) -> Response:
    """List the tenant's clients, the revoked ones included."""
    return show_page(list_clients(deps(), call().tenant, query.limit, query.cursor), show_client)


@routes.post("/clients", responses={201: ClientWithToken, **problems(409)})
@authorized(Scope.ADMIN)
@repeatable
def create(body: ClientIn) -> Response:
    """Make a client; its token is in this answer alone."""
    return once("POST /clients", lambda: HttpAnswer(201, show_with_token(add_client(deps(), call(), caller(), call().tenant, body.given()))))


@routes.get("/clients/<id>", responses={200: ClientOut, **problems(404)})
@authorized(Scope.ADMIN)
def show(path: ClientPath) -> Response:
    """Show a client."""
    return jsonify(show_client(get_client(deps(), call().tenant, path.id)))


@routes.put("/clients/<id>", responses={200: ClientOut, **problems(404, 409)})
@authorized(Scope.ADMIN)
def change(path: ClientPath, body: ClientUpdate) -> Response:
    """Change what is given of a client; other instances know it within 60 seconds."""
    return jsonify(show_client(update_client(deps(), call(), caller(), path.id, body.given())))


@routes.delete("/clients/<id>", responses={200: ClientOut, **problems(404, 409)})
@authorized(Scope.ADMIN)
def revoke(path: ClientPath) -> Response:
    """Revoke a client for ever: nothing opens it any more, everywhere within 60 seconds. It stays in the list."""
    return jsonify(show_client(revoke_client(deps(), call(), caller(), path.id)))


@routes.post("/clients/<id>/rotate", responses={201: ClientWithToken, **problems(404, 409)})
@authorized(*Scope)
@repeatable
def rotate(path: ClientPath, body: RotateIn) -> Response:
    """Give a client a new token, which is in this answer alone; an admin does it for every client of its tenant, any other client for itself."""

    def perform() -> HttpAnswer:
        token = request.headers.get("Client-Token", "")
        return HttpAnswer(201, show_with_token(rotate_client(deps(), call(), caller(), path.id, overlap_seconds=body.overlap_seconds, token=token)))

    return once(f"POST /clients/{path.id}/rotate", perform)
