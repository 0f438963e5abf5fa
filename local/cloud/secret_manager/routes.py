"""HTTP surface of Secret Manager REST v1."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from local.cloud.requests import read_document, read_page
from local.cloud.secret_manager.secret import Secret, SecretVersion, VersionState
from local.cloud.secret_manager.store import SecretStore
from local.cloud.wire import section

SECRETS = web.AppKey("secrets", SecretStore)

_PROJECT = "/v1/projects/{project:[^/]+}"
_SECRET = _PROJECT + "/secrets/{secret:[^/:]+}"
_VERSION = _SECRET + "/versions/{version:[^/:]+}"


async def create_secret(request: web.Request) -> web.Response:
    """Make a secret."""
    document = await read_document(request)
    secret = request.app[SECRETS].create(_parent(request), request.query.get("secretId", ""), document, time.time())
    return web.json_response(secret.to_document())


async def list_secrets(request: web.Request) -> web.Response:
    """List a project's secrets."""
    secrets = request.app[SECRETS].within(_parent(request))
    page, token = read_page(request, secrets, lambda secret: secret.name)
    shown = [secret.to_document() for secret in page]
    return web.json_response({"secrets": shown, "nextPageToken": token, "totalSize": len(secrets)})


async def get_secret(request: web.Request) -> web.Response:
    """Show a secret."""
    return web.json_response(_secret(request).to_document())


async def delete_secret(request: web.Request) -> web.Response:
    """Remove a secret."""
    request.app[SECRETS].delete(_secret(request).name)
    return web.json_response({})


async def add_version(request: web.Request) -> web.Response:
    """Add a value."""
    document = await read_document(request)
    version = _secret(request).add_version(section(document, "payload"), time.time())
    return web.json_response(version.to_document())


async def list_versions(request: web.Request) -> web.Response:
    """List a secret's versions, the newest first."""
    versions = _secret(request).versions
    newest_first = {version.name: f"{len(versions) - place:010d}" for place, version in enumerate(versions)}
    page, token = read_page(request, versions, lambda version: newest_first[version.name])
    shown = [version.to_document() for version in page]
    return web.json_response({"versions": shown, "nextPageToken": token, "totalSize": len(versions)})


async def get_version(request: web.Request) -> web.Response:
    """Show a version without its value."""
    return web.json_response(_version(request).to_document())


async def access_version(request: web.Request) -> web.Response:
    """Show a version's value."""
    return web.json_response(_version(request).access())


def _mover(state: VersionState) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def move_version(request: web.Request) -> web.Response:
        version = _version(request)
        version.move_to(state, time.time())
        return web.json_response(version.to_document())

    return move_version


def _parent(request: web.Request) -> str:
    return f"projects/{request.match_info['project']}"


def _secret(request: web.Request) -> Secret:
    return request.app[SECRETS].find(f"{_parent(request)}/secrets/{request.match_info['secret']}")


def _version(request: web.Request) -> SecretVersion:
    return _secret(request).find_version(request.match_info["version"])


ROUTES = [
    web.post(_PROJECT + "/secrets", create_secret),
    web.get(_PROJECT + "/secrets", list_secrets),
    web.get(_SECRET, get_secret),
    web.delete(_SECRET, delete_secret),
    web.post(_SECRET + ":addVersion", add_version),
    web.get(_SECRET + "/versions", list_versions),
    web.get(_VERSION, get_version),
    web.get(_VERSION + ":access", access_version),
    web.post(_VERSION + ":disable", _mover(VersionState.DISABLED)),
    web.post(_VERSION + ":enable", _mover(VersionState.ENABLED)),
    web.post(_VERSION + ":destroy", _mover(VersionState.DESTROYED)),
]
