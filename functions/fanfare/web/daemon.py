"""The fcmpy daemon's routes, at the root path: whoever posts to the daemon today changes its URL and adds its key (docs/daemon.md)."""

from __future__ import annotations

from flask import Response, request

from fanfare.domain.client import Scope
from fanfare.domain.daemon import read_message, read_replying
from fanfare.domain.limits import LimitGroup
from fanfare.services.keepalive_reply import Replying, note_reply
from fanfare.services.reload_configuration import reload_configuration
from fanfare.services.send_from_daemon import send_from_daemon
from fanfare.services.show_daemon_stats import show_daemon_stats
from fanfare.web.daemon_answers import answer_queued, say, show_stats
from fanfare.web.forms import read_form, read_form_or_object
from fanfare.web.gate import authorized, call, caller, deps, public, reads_its_body
from fanfare.web.once import repeatable, request_hash
from fanfare.web.resource import Resource

routes = Resource("daemon", "What callers of the fcmpy daemon find.", prefix="")


@routes.get("/", responses={})
@public
def running() -> Response:
    """Say that the service runs."""
    return say("fanfare running")


@routes.get("/stats", responses={})
@authorized(Scope.READ, group=LimitGroup.ANALYTICS, access_key=True)
def stats() -> Response:
    """Show what was sent, failed and cleaned, today and on the days before, and how this instance is."""
    return show_stats(show_daemon_stats(deps(), caller().tenant), deps().instance.vitals())


@routes.post("/", responses={})
@authorized(Scope.SEND, group=LimitGroup.SEND, access_key=True)
@repeatable
@reads_its_body
def send() -> Response:
    """Send a push to a username's devices by the template of a type."""
    return answer_queued(send_from_daemon(deps(), call(), read_message(read_form(request)), request_hash()))


@routes.post("/keepalive-reply", responses={})
@authorized(Scope.DEVICES, group=LimitGroup.DEVICES, access_key=True)
@reads_its_body
def keepalive_reply() -> Response:
    """Note that the app that has a token has replied to a ping."""
    note_reply(deps(), call(), Replying(target=read_replying(read_form_or_object(request))))
    return say("noted")


@routes.post("/reload", responses={})
@authorized(Scope.ADMIN, group=LimitGroup.BULK, access_key=True, key_in_query=True)
@reads_its_body
def reload() -> Response:
    """Have every instance read the tenant's templates, settings and credential anew, within 60 seconds, and try database and credential now."""
    tenant = reload_configuration(deps(), call())
    return say("reloaded", config_version=tenant.config_version)
