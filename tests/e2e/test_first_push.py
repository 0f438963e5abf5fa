"""One push through the whole stack, and what FCM gets of every kind of request."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import warnings
from typing import Any

import pytest
import requests
from firebase_admin import messaging

from fanfare.config import Settings
from fanfare.domain.device import InactiveReason
from fanfare.ports import Deps
from local.demo import create_demo, send_first_push
from local.firebase import PROJECT
from local.stack import Stack
from tests.discovery import violations
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Cloud, Simulator, Tenant, content_of, deliveries, fresh, fresh_target, problem_of, wait_for_status

RICH: dict[str, Any] = {
    "title": "Order confirmed",
    "body": "Your order № 1234 has been confirmed.",
    "data": {"order_id": "1234"},
    "priority": "high",
    "ttl_seconds": 3600,
    "collapse_key": "order_updates",
    "group": "orders",
    "image_url": "https://example.com/image.png",
    "deep_link": "https://example.com/orders/1234",
    "actions": [{"id": "track", "title": "Track"}],
    "channel": "orders",
    "sound": "default",
    "badge": 1,
}


def receipt_of(stack: Stack, tenant: str, notification_id: str, device_id: str) -> str:
    """The receipt token by its definition: HMAC-SHA256 under the tenant's key, which is HKDF-Expand (RFC 5869) of the deployment's."""
    url = f"{stack.cloud_url}/v1/projects/{PROJECT}/secrets/fanfare-receipt-key/versions/latest:access"
    secret = content_of(requests.get(url, timeout=TIMEOUT_SECONDS), 200)["payload"]["data"]
    key = base64.urlsafe_b64decode(base64.b64decode(secret))
    tenants_key = hmac.digest(key, f"receipt/{tenant}\x01".encode(), hashlib.sha256)
    subject = f"{notification_id}.{device_id}" if device_id else notification_id
    mac = hmac.digest(tenants_key, subject.encode(), hashlib.sha256)[:16]
    return f"{subject}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def send_and_wait(api: Api, to: dict[str, Any], **fields: Any) -> tuple[str, dict[str, dict[str, Any]]]:
    """Send, wait until it is completed, and return its id and deliveries."""
    notification_id = api.send(to, **fields)
    wait_for_status(api, notification_id)
    return notification_id, deliveries(api, notification_id)


def test_the_first_push_of_make_run_arrives(deps: Deps, stack: Stack, fcm: Simulator) -> None:
    demo = create_demo(deps, Settings.from_env(stack.environment), stack.client_environment)
    status, items = send_first_push(demo)
    assert status["counts"] == {"targeted": 3, "sent": 3, "failed": 0, "retrying": 0, "unsent": 0, "delivered": 0, "read": 0}
    targets = {
        "android": "demo-android:APA91bFirstPushOfTheLocalStack",
        "ios": "cDemoInstallationIdIos",
        "web": "demo-web:APA91bFirstPushOfTheLocalStack",
    }
    assert {item["platform"]: [item["fcm_message_id"]] for item in items} == {
        # Other tenants may know these targets too: they are the examples of the document.
        platform: [name for name in fcm.record(target)["names"] if name.startswith("projects/fanfare-demo/")]
        for platform, target in targets.items()
    }


def test_each_delivery_names_the_message_id_that_fcm_gave_its_target(api: Api, fcm: Simulator) -> None:
    username = fresh("many")
    devices = [api.register(username=username, platform=platform) for platform in ("android", "ios", "web", "android")]
    targets = {device["id"]: fresh("replaced") for device in devices}
    for device_id, token in targets.items():
        api.put(f"/devices/{device_id}/", {"token": token})
    _, found = send_and_wait(api, {"usernames": [username]})
    assert {device_id: [item["fcm_message_id"]] for device_id, item in found.items()} == {
        device_id: fcm.record(token)["names"] for device_id, token in targets.items()
    }
    assert {(item["outcome"], item["http_status"], item["attempts"], item["username"], item["error_code"]) for item in found.values()} == {
        ("sent", 200, 1, username, None)
    }


@pytest.mark.parametrize("kind", ["token", "fid"])
def test_message_carries_its_id_its_receipt_and_the_default_tag(api: Api, tenant: Tenant, stack: Stack, fcm: Simulator, kind: str) -> None:
    target = fresh_target(kind)
    device = api.register(**{kind: target})
    notification_id, _ = send_and_wait(api, {"device_ids": [device["id"]]})
    message = fcm.only_message(target)
    assert message[kind] == target
    assert message["data"] == {"fanfare_id": notification_id, "fanfare_receipt": receipt_of(stack, tenant.id, notification_id, device["id"])}
    assert message["android"]["notification"]["tag"] == notification_id
    assert "collapse_key" not in message["android"]


def test_default_tag_is_the_notification_on_ios_and_on_the_web(api: Api, fcm: Simulator) -> None:
    username, ios, web = fresh("both"), fresh("token"), fresh("token")
    api.register(username=username, token=ios, platform="ios")
    api.register(username=username, token=web, platform="web")
    notification_id, _ = send_and_wait(api, {"usernames": [username]})
    assert fcm.only_message(ios)["apns"]["headers"]["apns-collapse-id"] == notification_id
    assert fcm.only_message(web)["webpush"]["notification"]["tag"] == notification_id
    assert "Topic" not in fcm.only_message(web)["webpush"]["headers"]


def encoded(target: str, data: dict[str, str], **platform: Any) -> Any:
    """What firebase_admin's own encoder makes of the rich message for one platform."""
    shown = messaging.Notification(RICH["title"], RICH["body"], RICH["image_url"])
    with warnings.catch_warnings():
        # firebase_admin 7.7 calls tokens deprecated; devices that hold one are still sent to.
        warnings.simplefilter("ignore", DeprecationWarning)
        return json.loads(str(messaging.Message(data={**RICH["data"], **data}, notification=shown, token=target, **platform)))


def rich_android() -> dict[str, Any]:
    shown = messaging.AndroidNotification(tag="order_updates", image=RICH["image_url"], channel_id="orders", sound="default", notification_count=1)
    return {"android": messaging.AndroidConfig(collapse_key="order_updates", priority="high", ttl=3600, notification=shown)}


def rich_ios(expiration: str) -> dict[str, Any]:
    headers = {"apns-push-type": "alert", "apns-priority": "10", "apns-expiration": expiration, "apns-collapse-id": "order_updates"}
    payload = messaging.APNSPayload(messaging.Aps(badge=1, sound="default", thread_id="orders", mutable_content=True))
    return {"apns": messaging.APNSConfig(headers=headers, payload=payload, fcm_options=messaging.APNSFCMOptions(image=RICH["image_url"]))}


def rich_web() -> dict[str, Any]:
    shown = messaging.WebpushNotification(
        tag="order_updates",
        renotify=False,
        image=RICH["image_url"],
        actions=[messaging.WebpushNotificationAction("track", "Track")],
    )
    headers = {"TTL": "3600", "Urgency": "high", "Topic": "order_updates"}
    return {
        "webpush": messaging.WebpushConfig(headers=headers, notification=shown, fcm_options=messaging.WebpushFCMOptions(RICH["deep_link"])),
    }


def test_rich_message_is_what_firebase_admin_encodes_on_each_platform(api: Api, fcm: Simulator) -> None:
    username = fresh("rich")
    tokens = {platform: fresh("token") for platform in ("android", "ios", "web")}
    for platform, token in tokens.items():
        api.register(username=username, token=token, platform=platform)
    notification_id, _ = send_and_wait(api, {"usernames": [username]}, **RICH)
    messages = {platform: fcm.only_message(token) for platform, token in tokens.items()}
    expiration = messages["ios"]["apns"]["headers"]["apns-expiration"]
    blocks = {"android": rich_android(), "ios": rich_ios(expiration), "web": rich_web()}
    buttons = {"actions": '[{"id":"track","title":"Track"}]'}
    for platform, message in messages.items():
        receipt = message["data"].pop("fanfare_receipt")
        data = {"deep_link": RICH["deep_link"], "fanfare_id": notification_id, **({} if platform == "web" else buttons)}
        assert receipt.startswith(f"{notification_id}.")
        assert message == encoded(tokens[platform], data, **blocks[platform])
        assert violations(message) == []
    (arrived,) = fcm.messages(tokens["ios"])
    assert int(expiration) - arrived["received_at"] == pytest.approx(3600, abs=30)


def test_topic_is_one_message_with_every_platforms_block(api: Api, tenant: Tenant, stack: Stack, fcm: Simulator) -> None:
    topic = fresh("news")
    notification_id, found = send_and_wait(api, {"topic": topic}, priority="high")
    message = fcm.only_message(topic)
    assert message["topic"] == topic
    assert message["data"]["fanfare_receipt"] == receipt_of(stack, tenant.id, notification_id, "")
    assert {"android", "apns", "webpush"} < message.keys()
    (delivery,) = found.values()
    assert (delivery["device_id"], delivery["platform"], delivery["outcome"]) == (None, None, "sent")


def test_condition_arrives_as_it_was_written(api: Api, fcm: Simulator) -> None:
    condition = f"'{fresh('a')}' in topics && ('b' in topics || !('c' in topics))"
    send_and_wait(api, {"condition": condition})
    assert fcm.only_message(condition)["condition"] == condition


def test_bare_targets_are_sent_to_and_not_stored(api: Api, fcm: Simulator) -> None:
    token, fid = fresh("bare-token"), fresh("bare-fid")
    before = api.get("/devices/", params={"limit": 200})["items"]
    notification_id, found = send_and_wait(api, {"targets": [{"token": token}, {"fid": fid, "platform": "ios"}]})
    assert fcm.only_message(token)["token"] == token
    assert fcm.only_message(fid)["fid"] == fid
    assert {item["platform"]: item["outcome"] for item in found.values()} == {"android": "sent", "ios": "sent"}
    assert api.get("/devices/", params={"limit": 200})["items"] == before
    shown = api.get(f"/notifications/{notification_id}/")
    assert shown["request"]["to"] == {"targets": 2}
    assert token not in str(shown)
    assert fid not in str(shown)


@pytest.fixture
def crowd(own_tenant: Tenant) -> dict[str, str]:
    """Device ids by a short name, in a tenant of their own."""
    api = own_tenant.api()
    devices = {
        "old": {"platform": "android", "app_version": "3.1.9", "tags": ["beta"], "locale": "sw-TZ"},
        "new": {"platform": "android", "app_version": "3.10", "tags": ["beta", "staff"], "locale": "de"},
        "phone": {"platform": "ios", "app_version": "3.4", "os_version": "18.1", "timezone": "Europe/Berlin"},
        "browser": {"platform": "web", "locale": "sw"},
    }
    return {name: api.register(username="crowd", **fields)["id"] for name, fields in devices.items()}


FILTERS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "everyone's platform": ({"platform": ["android"]}, {"old", "new"}),
    "version range": ({"app_version": ">=3.2,<4"}, {"new", "phone"}),
    "os version": ({"os_version": ">18"}, {"phone"}),
    "all tags": ({"tags": ["beta", "staff"]}, {"new"}),
    "any tag": ({"tags_any": ["beta", "staff"]}, {"old", "new"}),
    "no tag": ({"tags_none": ["staff"]}, {"old", "phone", "browser"}),
    "language": ({"locale": ["sw"]}, {"old", "browser"}),
    "timezone": ({"timezone": ["Europe/Berlin"]}, {"phone"}),
    "seen": ({"seen_within_days": 1}, {"old", "new", "phone", "browser"}),
    "nobody": ({"platform": ["web"], "tags": ["beta"]}, set()),
}


def test_filters_choose_the_same_devices_as_segment_and_as_only(own_tenant: Tenant, crowd: dict[str, str]) -> None:
    api = own_tenant.api()
    names = {device_id: name for name, device_id in crowd.items()}
    for label, (filters, expected) in FILTERS.items():
        as_segment = api.send({"segment": filters})
        as_only = api.send({"usernames": ["crowd"]}, only=filters)
        everyone = api.send({"everyone": True}, only=filters)
        for notification_id in (as_segment, as_only, everyone):
            wait_for_status(api, notification_id)
            assert {names[device_id] for device_id in deliveries(api, notification_id)} == expected, label


def test_everyone_reaches_every_active_device(own_tenant: Tenant, crowd: dict[str, str]) -> None:
    api = own_tenant.api()
    assert api.call("DELETE", f"/devices/{crowd['old']}/").status_code == 204
    _, found = send_and_wait(api, {"everyone": True})
    assert found.keys() == set(crowd.values()) - {crowd["old"]}


def test_a_device_is_reached_once_however_often_it_is_named(api: Api, fcm: Simulator) -> None:
    token, first, second = fresh("token"), fresh("first"), fresh("second")
    api.register(token=token, username=first)
    device = api.register(expected=200, token=token, username=second, shared=True)
    assert device["usernames"] == [first, second]
    notification_id, found = send_and_wait(api, {"usernames": [second, first, second]})
    assert found.keys() == {device["id"]}
    assert fcm.only_message(token)["data"]["fanfare_id"] == notification_id


def test_a_send_to_nobody_completes_with_zeros_and_a_reason(api: Api, cloud: Cloud) -> None:
    answer = api.post("/notify/", {"to": {"usernames": [fresh("nobody")]}, "title": "Hello"}, 202)
    status = api.get(f"/notifications/{answer['id']}/status/")
    assert (answer["status"], status["status"], status["status_reason"]) == ("completed", "completed", "no_recipients")
    assert set(status["counts"].values()) == {0}
    cloud.wait_idle()
    assert deliveries(api, answer["id"]) == {}


def test_validate_only_asks_fcm_and_delivers_nothing(api: Api, fcm: Simulator) -> None:
    token = fresh("token")
    device = api.register(token=token)
    _, found = send_and_wait(api, {"device_ids": [device["id"]]}, validate_only=True)
    assert found[device["id"]]["outcome"] == "sent"
    (message,) = fcm.messages(token)
    assert message["validate_only"] is True
    assert fcm.record(token)["accepted"] == 0


def test_silent_message_shows_nothing_and_is_of_priority_5_on_ios(api: Api, fcm: Simulator) -> None:
    username, ios, android = fresh("silent"), fresh("token"), fresh("token")
    api.register(username=username, token=ios, platform="ios")
    api.register(username=username, token=android)
    send_and_wait(api, {"usernames": [username]}, title=None, silent=True, priority="high", data={"sync": "now"})
    message = fcm.only_message(ios)
    assert (message["apns"]["headers"]["apns-priority"], message["apns"]["headers"]["apns-push-type"]) == ("5", "background")
    assert message["apns"]["payload"] == {"aps": {"content-available": 1}}
    assert message["data"]["sync"] == "now"
    assert "notification" not in message
    assert "notification" not in fcm.only_message(android) | fcm.only_message(android)["android"]


def test_collapse_key_and_group_stand_where_each_platform_reads_them(api: Api, fcm: Simulator) -> None:
    username = fresh("grouped")
    tokens = {platform: fresh("token") for platform in ("android", "ios", "web")}
    for platform, token in tokens.items():
        api.register(username=username, token=token, platform=platform)
    send_and_wait(api, {"usernames": [username]}, collapse_key="score", group="sport")
    android, ios, web = (fcm.only_message(token) for token in tokens.values())
    assert (android["android"]["collapse_key"], android["android"]["notification"]["tag"]) == ("score", "score")
    assert (ios["apns"]["headers"]["apns-collapse-id"], ios["apns"]["payload"]["aps"]["thread-id"]) == ("score", "sport")
    assert (web["webpush"]["headers"]["Topic"], web["webpush"]["notification"]["tag"]) == ("score", "score")


def test_flat_form_reaches_a_phone_number(api: Api, fcm: Simulator) -> None:
    token, number = fresh("token"), "+255712345678"
    device = api.register(token=token, phone_number=number)
    answer = api.post("/notify/", {"phone_number": number, "body": "Karibu"}, 202)
    wait_for_status(api, answer["id"])
    assert deliveries(api, answer["id"]).keys() == {device["id"]}
    assert fcm.only_message(token)["notification"] == {"body": "Karibu"}


def test_dead_target_is_retired_with_evidence_and_not_sent_to_again(api: Api, tenant: Tenant, deps: Deps, fcm: Simulator) -> None:
    token, username = fresh("dead"), fresh("person")
    device = api.register(token=token, username=username)
    with fcm.answering([token], error="UNREGISTERED"):
        notification_id, found = send_and_wait(api, {"usernames": [username]})
    assert (found[device["id"]]["outcome"], found[device["id"]]["error_code"], found[device["id"]]["http_status"]) == ("failed", "UNREGISTERED", 404)
    shown = api.get(f"/devices/{device['id']}/")
    assert (shown["active"], shown["inactive_reason"]) == (False, "unregistered")
    (stored,) = deps.devices.get(tenant.id, [device["id"]])
    assert stored.inactive_reason is InactiveReason.UNREGISTERED
    assert stored.retirement
    assert (stored.retirement.code, stored.retirement.notification_id) == ("UNREGISTERED", notification_id)
    again = api.send({"usernames": [username]})
    assert wait_for_status(api, again)["status_reason"] == "no_recipients"
    assert fcm.record(token)["attempts"] == 1


def test_registering_a_dead_target_again_revives_it(api: Api, fcm: Simulator) -> None:
    token, username = fresh("dead"), fresh("person")
    device = api.register(token=token, username=username)
    with fcm.answering([token], error="UNREGISTERED"):
        send_and_wait(api, {"usernames": [username]})
    revived = api.register(expected=200, token=token, username=username)
    assert (revived["id"], revived["active"], revived["inactive_reason"]) == (device["id"], True, None)
    _, found = send_and_wait(api, {"usernames": [username]})
    assert [item["fcm_message_id"] for item in found.values()] == fcm.record(token)["names"]


def test_target_of_another_project_is_retired(api: Api, fcm: Simulator) -> None:
    token = fresh("foreign")
    device = api.register(token=token)
    with fcm.answering([token], error="SENDER_ID_MISMATCH"):
        _, found = send_and_wait(api, {"device_ids": [device["id"]]})
    assert (found[device["id"]]["outcome"], found[device["id"]]["error_code"]) == ("failed", "SENDER_ID_MISMATCH")
    assert api.get(f"/devices/{device['id']}/")["inactive_reason"] == "sender_id_mismatch"


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "INVALID_ARGUMENT_PAYLOAD"},
        {"error": "MESSAGE_TOO_BIG"},
        {"error": "PERMISSION_DENIED"},
        {"error": "THIRD_PARTY_AUTH_ERROR"},
        {"error": "UNAUTHENTICATED"},
        {"error": "INTERNAL"},
        {"error": "UNAVAILABLE"},
        {"error": "QUOTA_EXCEEDED_MESSAGE_RATE"},
        {"status": 404, "body": "<html>Not Found</html>"},
        {"status": 410, "body": ""},
        {"drop": "before"},
    ],
    ids=str,
)
def test_no_other_answer_condemns_a_target(own_tenant: Tenant, fcm: Simulator, cloud: Cloud, answer: dict[str, Any]) -> None:
    api, token = own_tenant.api(), fresh("alive")
    device = api.register(token=token)
    with fcm.answering([token], **answer):
        notification_id = api.send({"device_ids": [device["id"]]})
        cloud.wait_idle()
    found = deliveries(api, notification_id)[device["id"]]
    assert found["outcome"] != "sent"
    record = fcm.record(token)
    assert record["attempts"] > record["accepted"] == 0
    shown = api.get(f"/devices/{device['id']}/")
    assert (shown["active"], shown["inactive_reason"]) == (True, None)


def test_one_dead_target_does_not_hold_up_the_others(api: Api, fcm: Simulator) -> None:
    username, dead, alive = fresh("person"), fresh("dead"), fresh("alive")
    api.register(token=dead, username=username)
    device = api.register(token=alive, username=username)
    with fcm.answering([dead], error="UNREGISTERED"):
        notification_id = api.send({"usernames": [username]})
        status = wait_for_status(api, notification_id)
    assert (status["counts"]["sent"], status["counts"]["failed"]) == (1, 1)
    assert deliveries(api, notification_id)[device["id"]]["fcm_message_id"] == fcm.record(alive)["names"][0]
    assert api.get(f"/notifications/{notification_id}/")["errors"] == {"UNREGISTERED": 1}


def test_another_tenants_message_id_is_unknown(api: Api, stranger: Api) -> None:
    notification_id = api.send({"topic": fresh("news")})
    for path in ("", "status/", "deliveries/"):
        assert problem_of(stranger.call("GET", f"/notifications/{notification_id}/{path}"), 404)["code"] == "not_found"
