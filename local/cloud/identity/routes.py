"""HTTP surface of the identity endpoints."""

from __future__ import annotations

import secrets
import time

from aiohttp import web
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from local.cloud.errors import invalid_argument
from local.cloud.identity.grants import InvalidGrant, ServiceAccounts
from local.cloud.identity.tokens import OidcIssuer
from local.cloud.requests import read_document
from local.cloud.wire import parse_text

ISSUER = web.AppKey("issuer", OidcIssuer)
ACCOUNTS = web.AppKey("accounts", ServiceAccounts)

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_CACHEABLE = {"Cache-Control": "public, max-age=3600"}


async def get_jwk_set(request: web.Request) -> web.Response:
    """Answer the OIDC key as a JWK set."""
    return web.json_response(request.app[ISSUER].key.jwk_set(), headers=_CACHEABLE)


async def get_certificates(request: web.Request) -> web.Response:
    """Answer the OIDC key as certificates by key id."""
    return web.json_response(request.app[ISSUER].key.certificates(), headers=_CACHEABLE)


async def exchange_assertion(request: web.Request) -> web.Response:
    """Answer an access token for a service account's assertion."""
    form = await request.post()
    if form.get("grant_type") != _GRANT_TYPE:
        return _refuse("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type')!r}")
    try:
        request.app[ACCOUNTS].check_assertion(str(form.get("assertion", "")), time.time())
    except InvalidGrant as error:
        return _refuse("invalid_grant", str(error))
    return web.json_response({"access_token": f"ya29.{secrets.token_urlsafe(48)}", "expires_in": 3600, "token_type": "Bearer"})


async def issue_token(request: web.Request) -> web.Response:
    """Answer the OIDC token that a task for this audience would carry."""
    document = await read_document(request)
    email = parse_text(document.get("email"), "email", 320)
    audience = parse_text(document.get("audience"), "audience", 2083)
    return web.json_response({"token": request.app[ISSUER].token(email, audience, time.time())})


async def register_account(request: web.Request) -> web.Response:
    """Keep a service account's public key."""
    document = await read_document(request)
    email = parse_text(document.get("client_email"), "client_email", 320)
    pem = parse_text(document.get("public_key_pem"), "public_key_pem", 10_000)
    try:
        load_pem_public_key(pem.encode())
    except ValueError as error:
        raise invalid_argument("public_key_pem must be a PEM public key") from error
    request.app[ACCOUNTS].register(email, pem)
    return web.json_response({})


def _refuse(error: str, description: str) -> web.Response:
    return web.json_response({"error": error, "error_description": description}, status=400)


ROUTES = [
    web.get("/oauth2/v3/certs", get_jwk_set),
    web.get("/oauth2/v1/certs", get_certificates),
    web.post("/token", exchange_assertion),
    web.post("/_local/oidc-token", issue_token),
    web.post("/_local/service-accounts", register_account),
]
