"""`/webhooks`: endpoints of a tenant's own that its events are posted to."""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.services.list_pages import list_webhook_deliveries, list_webhooks
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.replay_events import replay_by_ids, replay_by_time
from fanfare.services.webhooks import change_webhook, create_webhook, delete_webhook, get_webhook, rotate_secret, try_webhook
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.webhook_answers import (
    ReplayOut,
    TestedOut,
    WebhookDeliveryPage,
    WebhookOut,
    WebhookPage,
    WebhookWithSecret,
    show_webhook,
    show_webhook_delivery,
    show_with_secret,
)
from fanfare.web.webhook_schemas import ReplayIn, WebhookDeliveryQuery, WebhookIn, WebhookPath, WebhookQuery, WebhookUpdate

routes = Resource("webhooks", "Endpoints that events are posted to, signed by the Standard Webhooks scheme.")


@routes.post("/webhooks", responses={201: WebhookWithSecret, **problems(409)})
@authorized(Scope.WEBHOOKS)
@repeatable
def create(body: WebhookIn) -> Response:
    """Make a webhook; its secret is in this answer alone. Events begin within a minute."""
    return once("POST /webhooks", lambda: HttpAnswer(201, show_with_secret(create_webhook(deps(), call(), body.wanted()))))


@routes.get("/webhooks", responses={200: WebhookPage})
@authorized(Scope.WEBHOOKS)
def index(query: WebhookQuery) -> Response:
    """List webhooks."""
    return show_page(list_webhooks(deps(), call().tenant, query.filters(), query.limit, query.cursor), show_webhook)


@routes.get("/webhooks/<id>", responses={200: WebhookOut, **problems(404)})
@authorized(Scope.WEBHOOKS)
def show(path: WebhookPath) -> Response:
    """Show a webhook."""
    return jsonify(show_webhook(get_webhook(deps(), call().tenant, path.id)))


@routes.put("/webhooks/<id>", responses={200: WebhookOut, **problems(404)})
@authorized(Scope.WEBHOOKS)
def change(path: WebhookPath, body: WebhookUpdate) -> Response:
    """Change what is given of a webhook; `active` true switches one on again that was disabled."""
    return jsonify(show_webhook(change_webhook(deps(), call(), path.id, body.given())))


@routes.delete("/webhooks/<id>", responses={204: None, **problems(404)})
@authorized(Scope.WEBHOOKS)
def delete(path: WebhookPath) -> Response:
    """Delete a webhook; what is on its way to it is dropped."""
    delete_webhook(deps(), call(), path.id)
    return Response(status=204)


@routes.post("/webhooks/<id>/rotate", responses={201: WebhookWithSecret, **problems(404)})
@authorized(Scope.WEBHOOKS)
@repeatable
def rotate(path: WebhookPath) -> Response:
    """Give a webhook a new secret, which is in this answer alone; the one before signs beside it for a day."""
    return once(f"POST /webhooks/{path.id}/rotate", lambda: HttpAnswer(201, show_with_secret(rotate_secret(deps(), call(), path.id))))


@routes.post("/webhooks/<id>/test", responses={202: TestedOut, **problems(404, 409)})
@authorized(Scope.WEBHOOKS)
@repeatable
def test(path: WebhookPath) -> Response:
    """Send a webhook an event of the kind `webhook.test`, signed like any other."""
    return once(f"POST /webhooks/{path.id}/test", lambda: HttpAnswer(202, {"event_id": try_webhook(deps(), call(), path.id).id}))


@routes.get("/webhooks/<id>/deliveries", responses={200: WebhookDeliveryPage, **problems(404)})
@authorized(Scope.WEBHOOKS)
def deliveries(path: WebhookPath, query: WebhookDeliveryQuery) -> Response:
    """List a webhook's deliveries, the newest first."""
    return show_page(list_webhook_deliveries(deps(), call().tenant, path.id, query.filters(), query.limit, query.cursor), show_webhook_delivery)


@routes.post("/webhooks/<id>/replay", responses={202: ReplayOut, **problems(404, 409)})
@authorized(Scope.WEBHOOKS)
@repeatable
def replay(path: WebhookPath, body: ReplayIn) -> Response:
    """Deliver stored events of a webhook's kinds to it once more: these, or all of a span of time."""

    def perform() -> HttpAnswer:
        if body.event_ids is not None:
            return HttpAnswer(202, {"replaying": replay_by_ids(deps(), call(), path.id, body.event_ids)})
        if body.after is not None:
            replay_by_time(deps(), call(), path.id, body.after, body.before)
        return HttpAnswer(202, {"replaying": None})

    return once(f"POST /webhooks/{path.id}/replay", perform)
