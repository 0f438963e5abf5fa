"""A push that a caller of the fcmpy daemon asks for."""

from __future__ import annotations

from fanfare.domain.call import Call
from fanfare.domain.daemon import DaemonMessage, request_of
from fanfare.domain.starter_templates import DEFAULT
from fanfare.domain.template import Template
from fanfare.ports import Deps
from fanfare.services.accept_notification import accept_notification
from fanfare.services.new_notification import Accepted

DAEMON_ROUTE = "POST /"
"""What an Idempotency-Key of these callers belongs to."""


def send_from_daemon(deps: Deps, call: Call, message: DaemonMessage, request_hash: str) -> Accepted:
    """Accept a push to all active devices of a username, worded by the template of its type or by `default`.

    Nobody of this username is nobody to send to, and no error. InvalidRequest, TemplateInactive, TemplateBroken.
    """
    request = request_of(message, _template(deps, call.tenant, message.type), request_hash)
    return accept_notification(deps, call, request, route=DAEMON_ROUTE)


def _template(deps: Deps, tenant: str, name: str) -> Template | None:
    return deps.templates.get(tenant, name) or deps.templates.get(tenant, DEFAULT)
