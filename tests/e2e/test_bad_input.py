"""Whatever is sent, the answer is a problem document that says what is wrong; nothing answers 500 and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fanfare.domain.client import Scope
from fanfare.services.provision import NewClient, create_client
from local.stack import Stack
from tests.e2e.bodies import MALFORMED
from tests.e2e.harness import Api, Cloud, Credentials, Simulator, Tenant, content_of, fields_of, fresh, problem_of

KIB = 1024
MIB = 1024 * KIB
NEWS = {"to": {"topic": "news"}, "title": "Hello"}
PHONE = {"token": "bad-input", "username": "bad-input"}
JSON = {"Content-Type": "application/json"}

BODY_ROUTES = [
    ("POST", "/devices"), ("POST", "/devices/bulk"), ("PUT", "/devices/x"), ("POST", "/profiles"), ("PUT", "/profiles/x"), ("POST", "/notify"),
    ("POST", "/templates"), ("PUT", "/templates/x"), ("POST", "/apps/x/release"), ("POST", "/clients"), ("POST", "/notifications/status"),
]  # fmt: skip


@pytest.fixture(scope="module")
def anybody(stack: Stack) -> Iterator[Api]:
    """Somebody without a credential."""
    with Api(stack.urls["gateway"]) as api:
        yield api


def expired(tenant: Tenant) -> Credentials:
    past = datetime.now(UTC) - timedelta(seconds=1)
    client, token = create_client(tenant.deps, NewClient(tenant.id, "Expired", (Scope.READ,), expires_at=past))
    return Credentials(client.id, token)


def test_wrong_credentials_are_never_told_apart(tenant: Tenant, anybody: Api) -> None:
    good, other, old = tenant.credentials(), tenant.credentials(), expired(tenant)
    wrong: list[dict[str, str | bytes]] = [
        {"Client-ID": good.client_id},
        {"Client-Token": good.token},
        {"Client-ID": "unknown", "Client-Token": good.token},
        {"Client-ID": good.client_id, "Client-Token": other.token},
        {"Client-ID": good.client_id, "Client-Token": good.token[:-1]},
        {"Client-ID": good.client_id, "Client-Token": good.token.upper()},
        {"Client-ID": "../clients", "Client-Token": good.token},
        {"Client-ID": "x" * 5_000, "Client-Token": "y"},
        {"Client-ID": "ключ".encode(), "Client-Token": b"\xff\xfe"},
        {"Authorization": f"Bearer {good.token}"},
        {**old.headers},
    ]
    problems = [problem_of(anybody.call("GET", "/devices/", headers=headers), 401) for headers in wrong]
    assert len({json.dumps({**problem, "request_id": ""}) for problem in problems}) == 1
    content_of(anybody.call("GET", "/devices/", headers=good.headers), 200)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_body_is_refused_by_every_route(api: Api, name: str) -> None:
    for method, path in BODY_ROUTES:
        problem_of(api.call(method, path, data=MALFORMED[name], headers=JSON), 400)


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"a": value}
    return value


def to(**kinds: Any) -> dict[str, Any]:
    return {**NEWS, "to": kinds}


def said(**fields: Any) -> dict[str, Any]:
    return {**NEWS, **fields}


WRONG_SENDS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": (said(colour="red"), "colour"),
    "unknown field in to": (to(topic="news", colour="red"), "to.colour"),
    "unknown field in only": ({"to": {"everyone": True}, "title": "x", "only": {"colour": ["red"]}}, "only.colour"),
    "nobody": ({"title": "Hello"}, "body"),
    "no kind": (to(), "to"),
    "two kinds": (to(topic="news", usernames=["alice"]), "to"),
    "to and phone_number": (said(phone_number="+255712345678"), "body"),
    "to of a wrong type": (said(to="news"), "to"),
    "empty list": (to(usernames=[]), "to.usernames"),
    "501 recipients": (to(usernames=[f"u{number}" for number in range(501)]), "to.usernames"),
    "501 targets": (to(targets=[{"token": f"t{number}"} for number in range(501)]), "to.targets"),
    "long username": (to(usernames=["x" * 129]), "to.usernames.0"),
    "empty username": (to(usernames=[""]), "to.usernames.0"),
    "username with a newline": (to(usernames=["a\nb"]), "to.usernames.0"),
    "a device id that is a path": (to(device_ids=["a/../b"]), "to.device_ids.0"),
    "a number for a name": (to(usernames=[1]), "to.usernames.0"),
    "phone number without +": (to(phone_numbers=["0712345678"]), "to.phone_numbers.0"),
    "target of two kinds": (to(targets=[{"token": "a", "fid": "b"}]), "to.targets.0"),
    "target of no kind": (to(targets=[{"platform": "ios"}]), "to.targets.0"),
    "target of an unknown platform": (to(targets=[{"token": "a", "platform": "palm"}]), "to.targets.0.platform"),
    "long target": (to(targets=[{"token": "x" * 4_097}]), "to.targets.0.token"),
    "target with a quote": (to(targets=[{"token": 'a"b'}]), "to.targets.0.token"),
    "topic with its legacy prefix": (to(topic="/topics/news"), "to.topic"),
    "long topic": (to(topic="x" * 901), "to.topic"),
    "six topics": (to(condition=" && ".join(f"'t{number}' in topics" for number in range(6))), "to.condition"),
    "unbalanced condition": (to(condition="('a' in topics"), "to.condition"),
    "condition of nothing": (to(condition="true"), "to.condition"),
    "everyone false": (to(everyone=False), "to.everyone"),
    "bad version range": (to(segment={"app_version": ">=3.x"}), "to.segment.app_version"),
    "bad version range in only": ({"to": {"everyone": True}, "title": "x", "only": {"os_version": "<<1"}}, "only.os_version"),
    "only on a topic": (said(only={"platform": ["ios"]}), "only"),
    "only by tag on bare targets": ({"to": {"targets": [{"token": "a"}]}, "title": "x", "only": {"tags": ["a"]}}, "only"),
    "unknown platform": ({"to": {"everyone": True}, "title": "x", "only": {"platform": ["palm"]}}, "only.platform.0"),
    "negative days": ({"to": {"everyone": True}, "title": "x", "only": {"seen_within_days": -1}}, "only.seen_within_days"),
    "51 tags": (to(segment={"tags": [f"t{number}" for number in range(51)]}), "to.segment.tags"),
    "nothing to say": ({"to": {"topic": "news"}}, "title"),
    "text for a number": (said(badge="1"), "badge"),
    "fraction for a number": (said(badge=1.5), "badge"),
    "truth for a number": (said(badge=True), "badge"),
    "number for a text": (said(body=1), "body"),
    "text for a truth": (said(silent="yes"), "silent"),
    "number in data": (said(data={"a": 1}), "data.a"),
    "list for data": (said(data=["a"]), "data"),
    "negative badge": (said(badge=-1), "badge"),
    "badge over 32 bits": (said(badge=2**31), "badge"),
    "endless life": (said(ttl_seconds=2_419_201), "ttl_seconds"),
    "negative life": (said(ttl_seconds=-1), "ttl_seconds"),
    "unknown priority": (said(priority="urgent"), "priority"),
    "long title": (said(title="x" * 4_097), "title"),
    "long collapse key": (said(collapse_key="x" * 65), "collapse_key"),
    "collapse key of 65 bytes": (said(collapse_key="é" * 33), "collapse_key"),
    "image without a scheme": (said(image_url="example.com/a.png"), "image_url"),
    "deep link with a space": (said(deep_link="app://a b"), "deep_link"),
    "six actions": (said(actions=[{"id": f"a{number}", "title": "A"} for number in range(6)]), "actions"),
    "two actions of one id": (said(actions=[{"id": "a", "title": "A"}, {"id": "a", "title": "B"}]), "actions.1.id"),
    "action without a title": (said(actions=[{"id": "a"}]), "actions.0.title"),
    "reserved data key": (said(data={"fanfare_id": "x"}), "data.fanfare_id"),
    "FCM's reserved data key": (said(data={"from": "x"}), "data.from"),
    "FCM's reserved prefix": (said(data={"google.x": "x"}), "data.google.x"),
    "reserved key in a block": (said(android={"data": {"gcm": "x"}}), "android.data.gcm"),
    "long collapse id in a block": (said(apns={"headers": {"apns-collapse-id": "x" * 65}}), "apns.headers.apns-collapse-id"),
    "unknown field of a block": (said(android={"colour": "red"}), "android.colour"),
    "wrong type in a block": (said(android={"notification": {"sticky": "yes"}}), "android.notification.sticky"),
    "block of a wrong type": (said(apns=[]), "apns"),
    "wrong colour": (said(android={"notification": {"color": "red"}}), "android.notification.color"),
    "link that is not https": (said(webpush={"fcm_options": {"link": "http://example.com"}}), "webpush.fcm_options.link"),
    "silent but shown": (said(silent=True, android={"notification": {"title": "x"}}), "android.notification"),
    "block nested too deep": (said(apns={"payload": nested(30)}), "apns.payload" + ".a" * 14),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_SENDS)
def test_wrong_send_request_names_its_field(api: Api, name: str) -> None:
    body, field = WRONG_SENDS[name]
    problem = problem_of(api.call("POST", "/notify/", json=body), 400)
    assert problem["code"] == "invalid_request"
    assert field in fields_of(problem)


def device(**fields: Any) -> dict[str, Any]:
    return {**PHONE, **fields}


WRONG_DEVICES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown field": (device(colour="red"), "colour"),
    "no target": ({"username": "alice"}, "body"),
    "two targets": (device(fid="x"), "body"),
    "no owner": ({"token": "x"}, "body"),
    "two owners": (device(phone_number="+255712345678"), "body"),
    "empty token": (device(token=""), "token"),
    "long token": (device(token="x" * 4_097), "token"),
    "token with a space": (device(token="a b"), "token"),
    "token beyond ASCII": (device(token="é"), "token"),
    "number for a token": (device(token=1), "token"),
    "unknown platform": (device(platform="palm"), "platform"),
    "long username": (device(username="x" * 129), "username"),
    "long device_id": (device(device_id="x" * 129), "device_id"),
    "51 tags": (device(tags=[f"t{number}" for number in range(51)]), "tags"),
    "long tag": (device(tags=["x" * 65]), "tags.0"),
    "tags as a text": (device(tags="beta"), "tags"),
    "bad locale": (device(locale="Swahili please"), "locale"),
    "bad timezone": (device(timezone="../../etc/passwd"), "timezone"),
    "shared as a text": (device(shared="true"), "shared"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_DEVICES)
def test_wrong_registration_names_its_field(api: Api, name: str) -> None:
    body, field = WRONG_DEVICES[name]
    problem = problem_of(api.call("POST", "/devices/", json=body), 400)
    assert field in fields_of(problem)
    (item,) = api.post("/devices/bulk/", {"devices": [body]}, 200)["items"]
    assert item.keys() == {"index", "error"}
    assert item["error"].startswith(f"{field}: ")


WRONG_OTHERS: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "no devices": ("POST", "/devices/bulk", {"devices": []}, "devices"),
    "1,001 devices": ("POST", "/devices/bulk", {"devices": [PHONE] * 1_001}, "devices"),
    "devices that are none": ("POST", "/devices/bulk", {"devices": ["token"]}, "devices.0"),
    "unknown field of bulk": ("POST", "/devices/bulk", {"devices": [PHONE], "colour": 1}, "colour"),
    "profile without a name": ("POST", "/profiles", {"tags": ["a"]}, "body"),
    "profile with an unknown field": ("POST", "/profiles", {"username": "a", "colour": 1}, "colour"),
    "profile with a bad number": ("POST", "/profiles", {"phone_number": "+0"}, "phone_number"),
    "profile with a bad locale": ("POST", "/profiles", {"username": "a", "locale": "x"}, "locale"),
    "two targets in an update": ("PUT", "/devices/x", {"token": "a", "fid": "b"}, "body"),
    "two owners in an update": ("PUT", "/devices/x", {"username": "a", "profile_id": "b"}, "body"),
    "unknown field of an update": ("PUT", "/devices/x", {"active": True}, "active"),
    "unknown choice at a release": ("POST", "/apps/x/release", {"targets": "drop"}, "targets"),
}


@pytest.mark.parametrize("name", WRONG_OTHERS)
def test_wrong_body_names_its_field(api: Api, name: str) -> None:
    method, path, body, field = WRONG_OTHERS[name]
    assert field in fields_of(problem_of(api.call(method, path, json=body), 400))


WRONG_QUERIES = {
    "/devices?limit=0": "limit",
    "/devices?limit=201": "limit",
    "/devices?limit=many": "limit",
    "/devices?colour=red": "colour",
    "/devices?platform=palm": "platform",
    "/devices?active=perhaps": "active",
    "/devices?profile_id=a%2Fb": "profile_id",
    "/devices?cursor=" + "x" * 513: "cursor",
    "/devices?cursor=%00": "cursor",
    "/devices?cursor=%D0%BA": "cursor",
    "/profiles?phone_number=1": "phone_number",
    "/profiles?username=": "username",
    "/notifications/x/deliveries?limit=-1": "limit",
    "/dead-letters?limit=1e3": "limit",
    "/dead-letters?cursor=x": "cursor",
}


@pytest.mark.parametrize("path", WRONG_QUERIES)
def test_wrong_query_names_its_field(api: Api, path: str) -> None:
    assert fields_of(problem_of(api.call("GET", path), 400)) == {WRONG_QUERIES[path]}


@pytest.mark.parametrize(
    "path", ["/devices/a%00b", "/devices/a%20b", f"/devices/{'x' * 65}", "/notifications/%F0%9F%92%A9", "/dead-letters/a.b/replay"]
)
def test_id_of_no_usable_form_is_refused_or_unknown(api: Api, path: str) -> None:
    response = api.call("POST" if "replay" in path else "GET", path)
    assert response.status_code in {400, 404}
    problem_of(response, response.status_code)


@pytest.mark.parametrize("path", ["/no-such-route", "/", "/devices/x/y", "/notify/no", "/../../etc/passwd", "/devices/x%2Fy"])
def test_unknown_route_is_not_found(api: Api, anybody: Api, path: str) -> None:
    for client in (api, anybody):
        assert problem_of(client.call("GET", path), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/notify", {"POST"}),
        ("DELETE", "/devices", {"GET", "POST"}),
        ("PATCH", "/devices/x", {"GET", "PUT", "DELETE"}),
        ("PUT", "/profiles", {"GET", "POST"}),
        ("POST", "/notifications/x", {"GET"}),
        ("POST", "/health", {"GET"}),
    ],
)
def test_wrong_method_is_told_the_right_ones(api: Api, method: str, path: str, allowed: set[str]) -> None:
    refused = api.call(method, path, json={})
    assert problem_of(refused, 405)["code"] == "method_not_allowed"
    assert set(refused.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json", None])
def test_body_of_another_type_is_refused(api: Api, content_type: str | None) -> None:
    for method, path in BODY_ROUTES:
        refused = api.call(method, path, data=b"{}", headers={"Content-Type": content_type})
        assert problem_of(refused, 415)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/json"])
def test_json_with_a_charset_is_json(api: Api, content_type: str) -> None:
    body = json.dumps({"username": fresh("person")}).encode()
    content_of(api.call("POST", "/profiles/", data=body, headers={"Content-Type": content_type}), 201)


def padded(body: dict[str, Any], size: int) -> bytes:
    """The body as JSON of exactly this many bytes: white space in it is JSON too."""
    raw = json.dumps(body).encode()
    return raw + b" " * (size - len(raw))


def pieces(body: bytes) -> Iterator[bytes]:
    """The body in pieces: requests sends an iterator chunked, without a length."""
    yield from (body[start : start + 64 * KIB] for start in range(0, len(body), 64 * KIB))


LIMITS: dict[str, tuple[dict[str, Any], int, int]] = {
    "/profiles/": ({}, 256 * KIB, 201),
    "/devices/bulk/": ({"devices": [PHONE]}, 8 * MIB, 200),
    "/notify/bulk/": ({"to": {"usernames": ["nobody"]}, "title": "Hello"}, 8 * MIB, 202),
}


@pytest.mark.parametrize("path", LIMITS)
def test_body_over_the_limit_is_refused_with_or_without_a_length(api: Api, path: str) -> None:
    given, limit, status = LIMITS[path]
    for over in (1, limit // 16):
        body = padded(given, limit + over)
        for data in (body, pieces(body)):
            assert problem_of(api.call("POST", path, data=data, headers=JSON), 413)["code"] == "body_too_large"
    for send in (bytes, pieces):
        fits = padded(given or {"username": fresh("person")}, limit)
        content_of(api.call("POST", path, data=send(fits), headers=JSON), status)


def test_body_in_chunks_passes_the_same_checks(api: Api) -> None:
    problem_of(api.call("POST", "/profiles/", data=pieces(b"{}"), headers={"Content-Type": "text/plain"}), 415)
    for body in MALFORMED.values():
        problem_of(api.call("POST", "/profiles/", data=pieces(body), headers=JSON), 400)


@pytest.mark.parametrize("priority", ["high", "normal"])
def test_payload_over_fcms_limit_is_refused_and_nothing_is_stored(own_tenant: Tenant, cloud: Cloud, fcm: Simulator, priority: str) -> None:
    api, token = own_tenant.api(), fresh("token")
    key = fresh("key")
    body = {"to": {"targets": [{"token": token}]}, "body": "x" * 4_000, "priority": priority}
    problem = problem_of(api.call("POST", "/notify/", json=body, headers={"Idempotency-Key": key}), 400)
    assert fields_of(problem) == {"body"}
    assert "4096" in problem["detail"]
    cloud.wait_idle()
    assert fcm.record(token)["attempts"] == 0
    # Nothing is stored under the key either: the mended request is a new one.
    response = api.call("POST", "/notify/", json={**body, "body": "x" * 3_900}, headers={"Idempotency-Key": key})
    content_of(response, 202)
    assert "Idempotent-Replayed" not in response.headers


def test_topic_has_half_the_room(api: Api) -> None:
    problem = problem_of(api.call("POST", "/notify/", json=said(body="x" * 2_000)), 400)
    assert (fields_of(problem), "2048" in problem["detail"]) == ({"body"}, True)


def test_body_is_never_sent_back(api: Api) -> None:
    marker = "a-secret-that-must-not-come-back"
    bodies: list[tuple[str, Any]] = [
        ("/notify/", said(badge=marker)),
        ("/notify/", to(targets=[{"token": f"{marker} "}])),
        ("/devices/", device(token=f"{marker}\n")),
        ("/profiles/", {"username": [marker]}),
    ]
    for path, body in bodies:
        refused = api.call("POST", path, json=body)
        problem_of(refused, 400)
        assert marker not in refused.text
