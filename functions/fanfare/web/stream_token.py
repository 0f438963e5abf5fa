"""`/stream-token`: letting an app listen in Firestore."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.authenticate import authorize_client
from fanfare.services.mint_stream_token import mint_profile_token, mint_tenant_token, mint_user_token
from fanfare.web.gate import authorized, call, caller, deps
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.stream_token_answers import StreamTokenOut, show_stream_token
from fanfare.web.stream_token_schemas import StreamTokenIn

routes = Resource("stream-token", "Firebase custom tokens, by which an app listens in Firestore.")


@routes.post("/stream-token", responses={200: StreamTokenOut, **problems(404)})
@authorized(Scope.READ, users=True)
def mint(body: StreamTokenIn) -> Response:
    """Make a Firebase custom token: for a profile's app, or without `profile_id` for all of the tenant's notifications, which needs `admin` too.

    An app's user gets one for the own profile alone.
    """
    if call().user is not None:
        return jsonify(show_stream_token(mint_user_token(deps(), call(), body.profile_id)))
    if body.profile_id is not None:
        return jsonify(show_stream_token(mint_profile_token(deps(), call(), body.profile_id)))
    authorize_client(deps(), caller(), (Scope.ADMIN,))
    return jsonify(show_stream_token(mint_tenant_token(deps(), call())))
