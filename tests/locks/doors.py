"""One entry for each route: how its owner asks for something good, and how another tenant's things get into the request.

`ask` makes a request about things of one place; where the place is another tenant's, its names stand in the path. `mentions` makes, for each field of
query or body that names a thing, a request about one's own things that names something of another place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.locks.asking import Ask
from tests.locks.door import Door, Mention, at, in_body, in_query, lists, nothing
from tests.locks.place import Place


def _device(place: Place) -> str:
    return place.device()


def _profile(place: Place) -> str:
    return place.profile()


def _app(place: Place) -> str:
    return place.app()


def _client(place: Place) -> str:
    return place.client()


def _template(place: Place) -> str:
    return place.template()


def _topic(place: Place) -> str:
    return place.topic()


def _segment(place: Place) -> str:
    return place.segment()


def _notification(place: Place) -> str:
    return place.notification()[0]


def _failed(place: Place) -> str:
    return place.failed_notification()[0]


def _dead_letter(place: Place) -> str:
    return f"{_failed(place)}-0"


def _username(place: Place) -> str:
    return place.username()


def _phone_number(place: Place) -> str:
    return place.phone_number()


def _external_id(place: Place) -> str:
    return place.external_id()


def _install(place: Place) -> str:
    return place.install()


def _token(place: Place) -> str:
    return place.target("token")


def _fid(place: Place) -> str:
    return place.target("fid")


def _new_device(place: Place) -> Ask:
    return Ask(body={"token": place.names.new_target("token"), "username": place.username()})


def _change_device(place: Place) -> Ask:
    return Ask({"id": place.device()}, body={"app_version": "2.0"})


def _listen(place: Any) -> Ask:
    return Ask(body={"profile_id": place.profile()})


def _reply(place: Place) -> Ask:
    return Ask(body={"device_id": place.device()})


def _report(token: str, **fields: str) -> dict[str, str]:
    return {"token": token, "event": "delivered", **fields}


def _receipt(place: Any) -> Ask:
    return Ask(body={"receipts": [_report(place.receipt())]})


def _new_profile(place: Place) -> Ask:
    return Ask(body={"username": place.names.new_private("username"), "tags": ["beta"]})


def _change_profile(place: Place) -> Ask:
    return Ask({"id": place.profile()}, body={"locale": "sw"})


def _words(place: Place) -> dict[str, str]:
    return {"title": place.names.new_private("title"), "body": place.names.new_private("body")}


def _new_template(place: Place) -> Ask:
    return Ask(body={"name": place.names.new_name("template"), **_words(place)})


def _new_segment(place: Place) -> Ask:
    return Ask(body={"name": place.names.new_name("segment"), "filter": {"tags": [place.names.new_private("tag")]}})


def _change_app(place: Place) -> Ask:
    return Ask({"id": place.app()}, body={"name": place.names.new_name("app")})


def _new_app(place: Place) -> Ask:
    return Ask(body={"name": place.names.new_name("app"), "firebase_project_id": place.names.new_project()})


def _new_client(place: Place) -> Ask:
    return Ask(body={"name": place.names.new_name("client"), "scopes": ["read"]})


def _recipient(place: Place) -> Ask:
    notification_id, device = place.notification()
    return Ask({"id": notification_id, "device": device})


def _inactive(place: Place) -> Ask:
    place.inactive_device()
    return Ask(body={"older_than_days": 0})


def _send_to(name: str, find: Callable[[Place], Any]) -> Mention:
    return lambda own, other: Ask(body={"to": {name: find(other)}, **_words(own)})


def _notify(place: Place) -> Ask:
    return Ask(body={"to": {"device_ids": [place.device()]}, "data": {"order": place.names.new_private("data")}, **_words(place)})


def _subscribers(place: Place) -> Ask:
    return Ask({"name": place.topic()}, body={"device_ids": [place.device()]})


def _subscribed(name: str, find: Callable[[Place], str]) -> Mention:
    return lambda own, other: Ask({"name": own.topic()}, body={name: [find(other)]})


_SUBSCRIBER_MENTIONS: dict[str, Mention] = {
    "device_ids": _subscribed("device_ids", _device),
    "profile_ids": _subscribed("profile_ids", _profile),
    "usernames": _subscribed("usernames", _username),
}
_SEND_MENTIONS: dict[str, Mention] = {
    "to.device_ids": _send_to("device_ids", lambda place: [place.device()]),
    "to.profile_ids": _send_to("profile_ids", lambda place: [place.profile()]),
    "to.usernames": _send_to("usernames", lambda place: [place.username()]),
    "to.phone_numbers": _send_to("phone_numbers", lambda place: [place.phone_number()]),
    "to.targets.token": _send_to("targets", lambda place: [{"token": place.target("token")}]),
    "to.targets.fid": _send_to("targets", lambda place: [{"fid": place.target("fid")}]),
    "to.segment": _send_to("segment", _segment),
    "to.segment.profile_ids": _send_to("segment", lambda place: {"profile_ids": [place.profile()]}),
    "only.profile_ids": lambda own, other: Ask(
        body={"to": {"device_ids": [own.device()]}, "only": {"profile_ids": [other.profile()]}, **_words(own)}
    ),
    "phone_number": lambda own, other: Ask(body={"phone_number": other.phone_number(), **_words(own)}),
    "template": lambda own, other: Ask(body={"to": {"device_ids": [own.device()]}, "template": other.template()}),
}


def _notify_topic(place: Place) -> Ask:
    return Ask({"name": place.topic()}, body={"data": {"order": place.names.new_private("data")}, **_words(place)})


def _to_devices_of_topic(own: Place, **said: Any) -> Ask:
    return Ask({"name": own.topic()}, body={"fanout": "devices", **_words(own), **said})


_TOPIC_MENTIONS: dict[str, Mention] = {
    "only.profile_ids": lambda own, other: _to_devices_of_topic(own, only={"profile_ids": [other.profile()]}),
    "template": lambda own, other: Ask({"name": own.topic()}, body={"template": other.template()}),
}


def _notify_many(place: Place) -> Ask:
    return Ask(body={"messages": [_notify(place).body]})


def _in_messages(mention: Mention) -> Mention:
    """A message of many that names something of another place, after one that names one's own."""
    return lambda own, other: Ask(body={"messages": [_notify(own).body, mention(own, other).body], "on_invalid": "skip"})


def _daemons(place: Place, username: str) -> Ask:
    """What a caller of the fcmpy daemon posts."""
    return Ask(form={"username": username, "type": "message", "from": place.names.new_private("caller"), "body": place.names.new_private("body")})


def _schedule(place: Place) -> str:
    return place.schedule()


def _scheduled(place: Place) -> Ask:
    return Ask(body={"notification": _notify(place).body, "at": "2030-12-24T08:00:00Z"})


def _change_schedule(place: Place) -> Ask:
    return Ask({"id": place.schedule()}, body=_scheduled(place).body)


def _in_schedule(mention: Mention, *, path: bool = False) -> Mention:
    """A schedule of a message that names something of another place."""
    return lambda own, other: Ask(
        {"id": own.schedule()} if path else {}, body={"notification": mention(own, other).body, "at": "2030-12-24T08:00:00Z"}
    )


def _beside_time(mention: Mention) -> Mention:
    """The same with the time beside the message."""
    return lambda own, other: Ask(body={**mention(own, other).body, "scheduled_at": "2030-12-24T08:00:00Z"})


def _webhook(place: Place) -> str:
    return place.webhook()


def _new_webhook(place: Place) -> Ask:
    return Ask(body={"url": place.names.new_endpoint(), "events": ["notification.failed"]})


def _replay(own: Place, other: Place) -> Ask:
    return Ask({"id": own.webhook()}, body={"event_ids": [other.event()]})


_ACTIONS = {"actions.id": "a word of the message itself, looked up nowhere"}
_LATER_MENTIONS = {name: mention for name, mention in _SEND_MENTIONS.items() if not name.startswith("to.targets")}
_SCHEDULE_MENTIONS = {f"notification.{name}": _in_schedule(mention) for name, mention in _LATER_MENTIONS.items()}
_NO_NAMES_LATER = {f"{path}{name}": why for path in ("", "notification.") for name, why in _ACTIONS.items()}
_MANY_KINDS = ("device_ids", "profile_ids", "usernames", "phone_numbers", "targets.token", "targets.fid")
_NOTIFY_MANY_MENTIONS: dict[str, Mention] = {
    **{f"to.{name}": _SEND_MENTIONS[f"to.{name}"] for name in _MANY_KINDS},
    **{name: _SEND_MENTIONS[name] for name in ("template", "only.profile_ids")},
    **{f"messages.to.{name}": _in_messages(_SEND_MENTIONS[f"to.{name}"]) for name in _MANY_KINDS},
    **{f"messages.{name}": _in_messages(_SEND_MENTIONS[name]) for name in ("template", "only.profile_ids", "phone_number")},
}
_BULK_MENTIONS: dict[str, Mention] = {
    f"devices.{name}": lambda own, other, mention=mention: Ask(body={"devices": [mention(own, other).body, _new_device(own).body]})
    for name, mention in in_body(
        _new_device, token=_token, fid=_fid, profile_id=_profile, username=_username, phone_number=_phone_number, device_id=_install
    ).items()
}
_PLATFORM_SEES_ALL = "the platform sees every tenant, and a project belongs to one"
_OF_A_TEMPLATE = {
    f"{path}actions.id": _ACTIONS["actions.id"] for path in ("", "platforms.android.", "platforms.ios.", "platforms.web.", "locales.*.")
}
_CHANNELS = {"channels.id": "a word of the setting itself, looked up nowhere"}

OPEN = {
    "GET ~/": "that the service runs",
    "GET /docs": "the document, for people",
    "GET /docs/scalar.js": "the page's script",
    "GET /health": "how the service is, without anything of a tenant",
    "GET /health/live": "that the process runs",
    "GET /openapi.json": "the document, which is public",
}
"""Routes without a lock, and what they show."""
DOORS = (
    Door("GET ~/stats", nothing),
    Door(
        "POST ~/",
        lambda place: _daemons(place, place.username()),
        mentions={
            "username": lambda own, other: _daemons(own, other.username()),
            "type": lambda own, other: Ask(form={"username": own.username(), "type": other.template()}),
        },
    ),
    Door("POST ~/reload", nothing),
    Door(
        "POST ~/keepalive-reply",
        lambda place: Ask(form={"token": _token(place)}),
        mentions={"token": lambda _, other: Ask(form={"token": _token(other)})},
    ),
    Door("GET /analytics", nothing, mentions=in_query("client_id", lambda place: place.actor()) | in_query("template", _template)),
    Door("GET /analytics/daily", nothing, mentions=in_query("client_id", lambda place: place.actor()) | in_query("template", _template)),
    Door("POST /analytics/recompute", lambda _: Ask(body={"day": "2026-11-24"})),
    Door("GET /apps", nothing, paged_for_platform=True),
    Door(
        "POST /apps",
        _new_app,
        platform=True,
        nothing_in={"firebase_project_id": _PLATFORM_SEES_ALL, "credential": _PLATFORM_SEES_ALL, **_CHANNELS},
    ),
    Door("GET /apps/<id>", at(_app)),
    Door("PUT /apps/<id>", _change_app, mentions=in_body(_change_app, credential=lambda place: place.account()), nothing_in=_CHANNELS),
    Door("GET /apps/<id>/audience", at(_app)),
    Door("POST /apps/<id>/clients", lambda place: Ask({"id": place.app()}, body=_new_client(place).body)),
    Door("POST /apps/<id>/release", at(lambda place: place.held_app(), targets="keep")),
    Door("GET /apps/<id>/rotate-keys", at(_app)),
    Door("POST /apps/<id>/rotate-keys", at(_app)),
    Door("POST /apps/<id>/verify", at(_app)),
    Door(
        "GET /audit",
        lists(_device),
        mentions=in_query("client_id", lambda place: place.actor()) | in_query("resource_id", _device),
        narrower={"resource": "device"},
    ),
    Door("GET /clients", lists(_client)),
    Door("POST /clients", _new_client),
    Door("DELETE /clients/<id>", at(_client)),
    Door("GET /clients/<id>", at(_client)),
    Door("PUT /clients/<id>", at(_client, "id", name="Renamed")),
    Door("POST /clients/<id>/rotate", at(_client, overlap_seconds=60), admins_for_others=True),
    Door("GET /dead-letters", lists(_failed), narrower={"kind": "notification"}),
    Door("GET /dead-letters/<id>", at(_dead_letter)),
    Door("POST /dead-letters/<id>/replay", at(_dead_letter)),
    Door(
        "GET /devices",
        lists(_device),
        mentions=in_query("profile_id", _profile) | in_query("device_id", _install) | in_query("username", _username),
        narrower={"platform": "android"},
    ),
    Door(
        "POST /devices",
        _new_device,
        mentions=in_body(
            _new_device, token=_token, fid=_fid, profile_id=_profile, username=_username, phone_number=_phone_number, device_id=_install
        ),
        by_user=lambda user: Ask(body={"token": user.names.new_target("token")}),
    ),
    Door("POST /devices/bulk", lambda place: Ask(body={"devices": [_new_device(place).body]}), mentions=_BULK_MENTIONS),
    Door("POST /devices/delete-inactive", _inactive),
    Door(
        "POST /devices/lookup",
        lambda place: Ask(body={"token": _token(place)}),
        mentions={"token": lambda _, other: Ask(body={"token": _token(other)}), "fid": lambda _, other: Ask(body={"fid": _fid(other)})},
    ),
    Door("DELETE /devices/<id>", at(_device), by_user=at(_device)),
    Door("GET /devices/<id>", at(_device), by_user=at(_device)),
    Door(
        "PUT /devices/<id>",
        _change_device,
        mentions=in_body(
            _change_device, token=_token, fid=_fid, profile_id=_profile, username=_username, phone_number=_phone_number, device_id=_install
        ),
        by_user=_change_device,
    ),
    Door("POST /devices/<id>/activate", at(lambda place: place.inactive_device())),
    Door("POST /devices/<id>/deactivate", at(_device)),
    Door("POST /devices/<id>/erase", at(_device)),
    Door(
        "GET /events",
        lists(lambda place: place.event()),
        narrower={"kind": "notification.sent"},
        nothing_in={
            "notification_id": "every query has another cursor, so that no two answers are the same; tests/surface/test_event_routes.py compares"
        },
    ),
    Door("GET /events/<id>", at(lambda place: place.event())),
    Door("GET /health/ready", nothing),
    Door("GET /metrics", nothing, platform=True),
    Door(
        "POST /keepalive-reply",
        _reply,
        mentions={
            "token": lambda _, other: Ask(body={"token": _token(other)}),
            "fid": lambda _, other: Ask(body={"fid": _fid(other)}),
            "device_id": lambda _, other: _reply(other),
        },
        by_user=_reply,
        nothing_in={"project": "names the tenant whose key has signed a receipt; whoever comes with another credential has a tenant already"},
    ),
    Door(
        "POST /receipts",
        _receipt,
        mentions={
            "receipts.token": lambda _, other: _receipt(other),
            "receipts.device_id": lambda own, other: Ask(body={"receipts": [_report(own.receipt(""), device_id=other.device())]}),
        },
        by_user=_receipt,
        nothing_in={"project": "names the tenant whose key has signed a receipt; whoever comes with another credential has a tenant already"},
    ),
    Door(
        "GET /notifications",
        lists(_notification),
        mentions=in_query("username", _username)
        | in_query("profile_id", _profile)
        | in_query("client_id", lambda place: place.actor())
        | in_query("template", _template)
        | in_query("schedule_id", _schedule),
        narrower={"status": "queued"},
    ),
    Door("GET /notifications/<id>", at(_notification)),
    Door("POST /notifications/<id>/cancel", at(_notification)),
    Door("GET /notifications/<id>/deliveries", at(_notification)),
    Door("GET /notifications/<id>/devices/<device>", _recipient),
    Door("POST /notifications/<id>/pause", at(_notification)),
    Door("POST /notifications/<id>/resume", at(_notification)),
    Door("POST /notifications/<id>/retry", at(_failed)),
    Door("GET /notifications/<id>/status", at(_notification)),
    Door(
        "POST /notifications/status",
        lambda place: Ask(body={"ids": [_notification(place)]}),
        mentions={"ids": lambda own, other: Ask(body={"ids": [_notification(own), _notification(other)]})},
    ),
    Door("POST /notify", _notify, mentions=_SEND_MENTIONS, nothing_in=_ACTIONS),
    # A topic that is not there is a wrong field of the request, as in `to.topic`.
    Door("POST /notify/topic/<name>", _notify_topic, mentions=_TOPIC_MENTIONS, nothing_in=_ACTIONS, refusal=400),
    Door(
        "POST /notify/schedule",
        _scheduled,
        mentions={**_SCHEDULE_MENTIONS, **{name: _beside_time(mention) for name, mention in _LATER_MENTIONS.items()}},
        nothing_in=_NO_NAMES_LATER,
    ),
    Door("POST /notify/preview", _notify, mentions=_SEND_MENTIONS, nothing_in=_ACTIONS),
    Door(
        "POST /notify/bulk",
        _notify_many,
        mentions=_NOTIFY_MANY_MENTIONS,
        nothing_in={f"{path}{name}": why for path in ("", "messages.") for name, why in _ACTIONS.items()},
    ),
    Door(
        "GET /profiles",
        lists(_profile),
        mentions=in_query("username", _username) | in_query("phone_number", _phone_number) | in_query("external_id", _external_id),
        narrower={"deleted": "true"},
    ),
    Door("POST /profiles", _new_profile, mentions=in_body(_new_profile, username=_username, phone_number=_phone_number, external_id=_external_id)),
    Door("DELETE /profiles/<id>", at(_profile)),
    Door("GET /profiles/<id>", at(_profile)),
    Door(
        "PUT /profiles/<id>",
        _change_profile,
        mentions=in_body(_change_profile, username=_username, phone_number=_phone_number, external_id=_external_id),
    ),
    Door("POST /profiles/<id>/erase", at(_profile)),
    Door("GET /profiles/<id>/export", at(lambda place: place.profile_with_devices())),
    Door("POST /profiles/<id>/restore", at(_profile)),
    Door("GET /schedules", lists(_schedule), narrower={"status": "pending"}),
    Door("POST /schedules", _scheduled, mentions=_SCHEDULE_MENTIONS, nothing_in={"notification.actions.id": _ACTIONS["actions.id"]}),
    Door("DELETE /schedules/<id>", at(_schedule)),
    Door("GET /schedules/<id>", at(_schedule)),
    Door(
        "PUT /schedules/<id>",
        _change_schedule,
        mentions={f"notification.{name}": _in_schedule(mention, path=True) for name, mention in _LATER_MENTIONS.items()},
        nothing_in={"notification.actions.id": _ACTIONS["actions.id"]},
    ),
    Door("POST /schedules/<id>/pause", at(_schedule)),
    Door("POST /schedules/<id>/preview", at(_schedule)),
    Door("POST /schedules/<id>/resume", at(_schedule)),
    Door("GET /segments", lists(_segment), narrower={"prefix": "s"}),
    Door(
        "POST /segments",
        _new_segment,
        mentions={
            "filter.profile_ids": lambda own, other: Ask(body={"name": own.names.new_name("segment"), "filter": {"profile_ids": [_profile(other)]}})
        },
    ),
    Door("DELETE /segments/<id>", at(_segment)),
    Door("GET /segments/<id>", at(_segment)),
    Door(
        "PUT /segments/<id>",
        lambda place: Ask({"id": _segment(place)}, body=_new_segment(place).body),
        mentions={
            "filter.profile_ids": lambda own, other: Ask({"id": _segment(own)}, body={"name": "s", "filter": {"profile_ids": [_profile(other)]}})
        },
    ),
    Door(
        "POST /segments/count",
        lambda place: Ask(body={"segment": _segment(place)}),
        mentions={
            "segment": lambda _, other: Ask(body={"segment": _segment(other)}),
            "segment.profile_ids": lambda _, other: Ask(body={"segment": {"profile_ids": [_profile(other)]}}),
        },
    ),
    Door("POST /stream-token", _listen, mentions={"profile_id": lambda _, other: _listen(other)}, by_user=_listen),
    Door("GET /templates", lists(_template), narrower={"prefix": "t"}),
    Door("POST /templates", _new_template, mentions=in_body(_new_template, name=_template), nothing_in=_OF_A_TEMPLATE),
    Door("DELETE /templates/<name>", at(_template, "name")),
    Door("GET /templates/<name>", at(_template, "name")),
    Door("PUT /templates/<name>", lambda place: Ask({"name": _template(place)}, body=_words(place)), nothing_in=_OF_A_TEMPLATE),
    Door(
        "POST /templates/<name>/render",
        lambda place: Ask({"name": _template(place)}, body={"variables": {"order": place.names.new_private("variable")}}),
        mentions={"username": lambda own, other: Ask({"name": _template(own)}, body={"username": _username(other)})},
    ),
    Door("GET /topics", lists(_topic), narrower={"prefix": "t"}),
    Door("POST /topics", lambda place: Ask(body={"name": place.names.new_name("topic")})),
    Door("DELETE /topics/<name>", at(_topic, "name")),
    Door("GET /topics/<name>", at(_topic, "name")),
    Door("POST /topics/<name>/subscribe", _subscribers, mentions=_SUBSCRIBER_MENTIONS),
    Door("POST /topics/<name>/unsubscribe", _subscribers, mentions=_SUBSCRIBER_MENTIONS),
    Door("GET /webhooks", lists(_webhook), narrower={"active": "true"}),
    Door("POST /webhooks", _new_webhook),
    Door("DELETE /webhooks/<id>", at(_webhook)),
    Door("GET /webhooks/<id>", at(_webhook)),
    Door("PUT /webhooks/<id>", lambda place: Ask({"id": _webhook(place)}, body=_new_webhook(place).body)),
    Door("GET /webhooks/<id>/deliveries", at(lambda place: place.webhook_with_deliveries()), narrower={"state": "pending"}),
    Door("POST /webhooks/<id>/replay", lambda place: _replay(place, place), mentions={"event_ids": _replay}),
    Door("POST /webhooks/<id>/rotate", at(_webhook)),
    Door("POST /webhooks/<id>/test", at(_webhook)),
)
