"""`/topics`: names under which devices are gathered, here and at FCM.

A subscription is a fact about a device, so whoever may change devices may change topics.
"""

from __future__ import annotations

from flask import Response, jsonify

from fanfare.domain.client import Scope
from fanfare.domain.filters import TopicFilter
from fanfare.services.delete_topic import delete_topic
from fanfare.services.list_pages import list_topics
from fanfare.services.perform_once import HttpAnswer
from fanfare.services.subscribe import Change, change_devices, change_profiles
from fanfare.services.topics import count_topic, create_topic, get_topic
from fanfare.web.gate import authorized, call, deps
from fanfare.web.once import once, repeatable
from fanfare.web.paging import show_page
from fanfare.web.resource import Resource
from fanfare.web.schema import problems
from fanfare.web.topic_answers import SubscribersOut, TopicOut, TopicPage, show_changed, show_topic
from fanfare.web.topic_schemas import SubscribersIn, TopicIn, TopicPath, TopicQuery

routes = Resource("topics", "Names under which devices are gathered.")


@routes.post("/topics", responses={201: TopicOut, **problems(409)})
@authorized(Scope.DEVICES)
@repeatable
def create(body: TopicIn) -> Response:
    """Create a topic."""
    return once("POST /topics", lambda: HttpAnswer(201, show_topic(create_topic(deps(), call(), body.name, body.description))))


@routes.get("/topics", responses={200: TopicPage})
@authorized(Scope.DEVICES, Scope.READ)
def index(query: TopicQuery) -> Response:
    """List topics by name."""
    return show_page(list_topics(deps(), call().tenant, TopicFilter(query.prefix), query.limit, query.cursor), show_topic)


@routes.get("/topics/<name>", responses={200: TopicOut, **problems(404)})
@authorized(Scope.DEVICES, Scope.READ)
def show(path: TopicPath) -> Response:
    """Show a topic."""
    tenant = call().tenant
    return jsonify(show_topic(count_topic(deps(), tenant, get_topic(deps(), tenant, path.name))))


@routes.delete("/topics/<name>", responses={204: None, **problems(404)})
@authorized(Scope.DEVICES)
def delete(path: TopicPath) -> Response:
    """Delete a topic: nothing can be sent to it any more, and everybody is unsubscribed. Its name can be taken again some minutes later."""
    delete_topic(deps(), call(), path.name)
    return Response(status=204)


@routes.post("/topics/<name>/subscribe", responses={200: SubscribersOut, **problems(404)})
@authorized(Scope.DEVICES)
def subscribe(path: TopicPath, body: SubscribersIn) -> Response:
    """Subscribe devices, or profiles with all their devices. Whoever is not refused is subscribed; FCM may learn of it some seconds later."""
    return _change(path.name, body, Change.SUBSCRIBE)


@routes.post("/topics/<name>/unsubscribe", responses={200: SubscribersOut, **problems(404)})
@authorized(Scope.DEVICES)
def unsubscribe(path: TopicPath, body: SubscribersIn) -> Response:
    """Unsubscribe devices, or profiles with all their devices. FCM may learn of it some seconds later."""
    return _change(path.name, body, Change.UNSUBSCRIBE)


def _change(name: str, body: SubscribersIn, change: Change) -> Response:
    if body.device_ids is not None:
        return jsonify(show_changed(change_devices(deps(), call(), name, body.device_ids, change)))
    return jsonify(show_changed(change_profiles(deps(), call(), name, body.addresses(), change)))
