"""Wires the stand-in together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from aiohttp import web

from local.cloud import admin_routes
from local.cloud.activity import Activity, BackgroundTasks
from local.cloud.caller import HttpCaller
from local.cloud.errors import answer_errors
from local.cloud.identity import routes as identity_routes
from local.cloud.identity.grants import ServiceAccounts
from local.cloud.identity.keys import SigningKey
from local.cloud.identity.tokens import OidcIssuer
from local.cloud.scheduler import routes as scheduler_routes
from local.cloud.scheduler.firing import JobRegistry
from local.cloud.secret_manager import routes as secret_routes
from local.cloud.secret_manager.file import read_secrets, write_secrets
from local.cloud.tasks import queue_routes, task_routes
from local.cloud.tasks.faults import Faults
from local.cloud.tasks.queue import Surroundings
from local.cloud.tasks.registry import QueueRegistry

# A task of 1 MB grows by a third in base64, and the limit is ours to tell, in Google's words.
_LARGEST_BODY_BYTES = 8 * 1024 * 1024


def build_app(secrets_file: Path | None = None) -> web.Application:
    """Return the application; what needs the event loop is made when it starts.

    The secrets begin as those of the file and are written there at the end. Raises OSError or ValueError where it can't be read.
    """
    app = web.Application(middlewares=[answer_errors], client_max_size=_LARGEST_BODY_BYTES)
    app[identity_routes.ISSUER] = OidcIssuer(SigningKey())
    app[identity_routes.ACCOUNTS] = ServiceAccounts()
    app[secret_routes.SECRETS] = read_secrets(secrets_file)
    app.cleanup_ctx.append(_run_dispatch)
    if secrets_file is not None:
        app.on_cleanup.append(_keep_secrets(secrets_file))
    for rooms in (identity_routes, queue_routes, task_routes, secret_routes, scheduler_routes, admin_routes):
        app.add_routes(rooms.ROUTES)
    return app


def _keep_secrets(file: Path) -> Callable[[web.Application], Awaitable[None]]:
    async def keep(app: web.Application) -> None:
        write_secrets(app[secret_routes.SECRETS], file)

    return keep


async def _run_dispatch(app: web.Application) -> AsyncIterator[None]:
    caller, activity, background = HttpCaller(app[identity_routes.ISSUER]), Activity(), BackgroundTasks()
    queues = QueueRegistry(Surroundings(caller, Faults(), activity, background))
    jobs = JobRegistry(caller, activity, background)
    app[queue_routes.QUEUES] = queues
    app[scheduler_routes.JOBS] = jobs
    yield
    queues.close()
    jobs.close()
    await background.cancel()
    await caller.close()
