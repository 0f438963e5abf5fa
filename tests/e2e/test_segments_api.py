"""Every route of `/segments`, the examples of docs/segments.md, and requests that name a segment, from outside."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fanfare.domain.client import Scope
from local.settings import ROOT
from local.stack import Stack
from tests.contract.stores.real import open_firestore
from tests.e2e.harness import Api, Simulator, Tenant, fields_of, fresh, problem_of, wait_for_status

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
FULL: dict[str, Any] = {
    "platform": ["ios", "web"], "app_version": ">=3.2,<4", "os_version": "15", "locale": ["sw"], "timezone": ["Africa/Dar_es_Salaam"],
    "seen_within_days": 30, "tags": ["beta"], "tags_any": ["a", "b"], "tags_none": ["c"], "topics": ["news"], "profile_ids": ["p1"],
}  # fmt: skip
DOCUMENT: Path = ROOT / "docs" / "segments.md"


def _create(api: Api, filter_: Any = None, **fields: Any) -> Any:
    return api.post("/segments/", {"name": fresh("segment"), "filter": {"tags": ["beta"]} if filter_ is None else filter_, **fields}, 201)


def _examples() -> Iterator[Any]:
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return (json.loads(block) for block in blocks)


def _count(api: Api, segment: Any) -> Any:
    return api.post("/segments/count/", {"segment": segment}, 200)


# Kept under an id


def test_created_segment_is_shown_as_it_was_said(api: Api) -> None:
    created = _create(api, FULL)
    assert created.keys() == {"id", "name", "filter", "defect", "created_at", "updated_at"}
    assert (created["filter"], created["defect"]) == (FULL, None)
    assert INSTANT.fullmatch(created["created_at"])
    assert created["updated_at"] == created["created_at"]
    assert api.get(f"/segments/{created['id']}") == created
    assert api.get("/segments/", params={"prefix": created["name"]}) == {"items": [created], "next_cursor": None}


def test_segment_is_created_once_under_a_key(api: Api) -> None:
    body = {"name": fresh("segment"), "filter": {}}
    key = {"Idempotency-Key": fresh("key")}
    first = api.post("/segments/", body, 201, headers=key)
    again = api.call("POST", "/segments/", json=body, headers=key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, first, "true")
    assert len(api.get("/segments/", params={"prefix": body["name"]})["items"]) == 1


def test_segment_is_replaced_and_deleted_and_the_log_tells_of_it(api: Api) -> None:
    created = _create(api)
    path = f"/segments/{created['id']}"
    changed = api.put(path, {"name": "Everyone", "filter": {}})
    assert changed == {**created, "name": "Everyone", "filter": {}, "updated_at": changed["updated_at"]}
    assert changed["updated_at"] >= created["updated_at"]
    assert api.get(path) == changed
    assert api.call("DELETE", path).status_code == 204
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"name": "x", "filter": {}})):
        problem_of(api.call(method, path, json=body), 404)
    entries = api.get("/audit/", params={"resource": "segment", "resource_id": created["id"]})["items"]
    assert [entry["action"] for entry in entries] == ["segment.deleted", "segment.updated", "segment.created"]
    assert entries[1]["changes"]["name"] == {"before": created["name"], "after": "Everyone"}


def test_list_is_by_name_in_pages(api: Api) -> None:
    start = fresh("liste — ✓")
    names = [f"{start} {name}" for name in ("b", "a", "c")]
    for name in names:
        _create(api, name=name)
    first = api.get("/segments/", params={"prefix": start, "limit": 2})
    last = api.get("/segments/", params={"prefix": start, "limit": 2, "cursor": first["next_cursor"]})
    assert [item["name"] for item in first["items"] + last["items"]] == sorted(names)
    assert last["next_cursor"] is None
    refused = problem_of(api.call("GET", "/segments/", params={"prefix": "other", "cursor": first["next_cursor"]}), 400)
    assert fields_of(refused) == {"cursor"}


def test_page_that_ends_with_the_longest_name_has_a_next_one(api: Api) -> None:
    start = fresh("long")
    longest = f"{start} {'😀' * 200}"[:100]
    for name in (longest, f"{start} 🙃"):
        _create(api, name=name)
    first = api.get("/segments/", params={"prefix": start, "limit": 1})
    assert [item["name"] for item in first["items"]] == [longest]
    assert len(api.get("/segments/", params={"prefix": start, "limit": 1, "cursor": first["next_cursor"]})["items"]) == 1


@pytest.mark.parametrize(("scope", "may_write", "may_read"), [(Scope.SEND, True, True), (Scope.READ, False, True), (Scope.TEMPLATES, False, False)])
def test_who_may_send_may_write_and_who_may_read_may_look(tenant: Tenant, api: Api, *, scope: Scope, may_write: bool, may_read: bool) -> None:
    segment, client = _create(api), tenant.api(scope)
    path, body = f"/segments/{segment['id']}", {"name": "x", "filter": {}}
    reading = [client.call("GET", path), client.call("GET", "/segments/"), client.call("POST", "/segments/count", json={"segment": {}})]
    writing = [client.call("POST", "/segments/", json=body), client.call("PUT", path, json=body), client.call("DELETE", path)]
    assert {answer.status_code == 403 for answer in reading} == {not may_read}
    assert {answer.status_code == 403 for answer in writing} == {not may_write}


def test_another_tenants_segment_is_not_there(own_tenant: Tenant, api: Api) -> None:
    segment, other = _create(api), own_tenant.api()
    problem_of(other.call("GET", f"/segments/{segment['id']}"), 404)
    assert fields_of(problem_of(other.call("POST", "/segments/count", json={"segment": segment["id"]}), 400)) == {"segment"}
    refused = other.call("POST", "/notify/", json={"to": {"segment": segment["id"]}, "title": "x"})
    assert fields_of(problem_of(refused, 400)) == {"to.segment"}


# How many


def test_devices_of_a_segment_are_counted(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    for fields in ({"platform": "ios", "app_version": "3.10", "tags": ["beta"]}, {"platform": "ios"}, {"platform": "web", "tags": ["beta"]}):
        api.register(**fields)
    api.call("POST", f"/devices/{api.register(platform='ios')['id']}/deactivate")
    everyone = _count(api, {})
    assert everyone.keys() == {"count", "reachable", "estimated", "as_of"}
    assert (everyone["count"], everyone["reachable"], everyone["estimated"]) == (3, 3, False)
    assert INSTANT.fullmatch(everyone["as_of"])
    beta = _create(api, {"tags": ["beta"]})
    counts = [_count(api, segment)["count"] for segment in (beta["id"], {"platform": ["ios"]}, {"app_version": ">3.9"}, {"tags": ["none"]})]
    assert counts == [2, 2, 1, 0]


def test_tenant_without_devices_counts_nobody(own_tenant: Tenant) -> None:
    counted = _count(own_tenant.api(), {})
    assert (counted["count"], counted["reachable"], counted["estimated"]) == (0, 0, False)


# Named by a request


def test_request_reaches_whom_the_segment_meant_when_it_was_accepted(own_tenant: Tenant, fcm: Simulator) -> None:
    api = own_tenant.api()
    beta, other = fresh("token"), fresh("token")
    api.register(token=beta, tags=["beta"], app_version="3.4")
    api.register(token=other, tags=["beta"], app_version="2.9")
    segment = _create(api, {"tags": ["beta"], "app_version": ">=3"})
    accepted = api.send({"segment": segment["id"]})
    assert api.call("DELETE", f"/segments/{segment['id']}").status_code == 204
    assert wait_for_status(api, accepted)["counts"]["sent"] == 1
    assert (len(fcm.messages(beta)), len(fcm.messages(other))) == (1, 0)
    shown = api.get(f"/notifications/{accepted}")["request"]["to"]
    assert shown == {"segment": {"tags": ["beta"], "app_version": ">=3"}, "segment_id": segment["id"]}


def test_repeated_request_is_answered_although_its_segment_is_gone(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    segment, key = _create(api), {"Idempotency-Key": fresh("key")}
    body = {"to": {"segment": segment["id"]}, "title": "x"}
    first = api.post("/notify/", body, 202, headers=key)
    api.call("DELETE", f"/segments/{segment['id']}")
    again = api.call("POST", "/notify/", json=body, headers=key)
    assert (again.status_code, again.json()["id"], again.headers["Idempotent-Replayed"]) == (202, first["id"], "true")
    assert fields_of(problem_of(api.call("POST", "/notify/", json=body), 400)) == {"to.segment"}


def test_segment_that_was_broken_by_hand_reaches_nobody_and_is_mended(stack: Stack, own_tenant: Tenant) -> None:
    api = own_tenant.api()
    segment = _create(api)
    path = f"/segments/{segment['id']}"
    firestore = open_firestore(stack.firestore_host, stack.environment["GOOGLE_CLOUD_PROJECT"])
    document = firestore.collection("tenants").document(own_tenant.id).collection("segments").document(segment["id"])
    document.update({"filter": {"tag": ["beta"]}})
    for route, body in (("/notify/", {"to": {"segment": segment["id"]}, "title": "x"}), ("/segments/count", {"segment": segment["id"]})):
        assert problem_of(api.call("POST", route, json=body), 409)["code"] == "segment_broken"
    shown = api.get(path)
    assert shown["filter"] is None
    assert shown["defect"].startswith("filter.tag: is unknown")
    assert document.get().get("defect") == shown["defect"]
    assert api.put(path, {"name": segment["name"], "filter": {"tags": ["beta"]}})["defect"] is None
    assert api.send({"segment": segment["id"]})
    firestore.close()


# What is refused, and what the document shows


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/segments/", {"name": "x", "filter": {"mood": ["good"]}}, "filter.mood"),
        ("POST", "/segments/", {"name": "x", "filter": {"app_version": "3,,4"}}, "filter.app_version"),
        ("PUT", "/segments/none", {"name": "x", "filter": {"tags": [5]}}, "filter.tags.0"),
        ("POST", "/segments/count", {"segment": {"os_version": "new"}}, "segment.os_version"),
        ("POST", "/segments/count", {"segment": None}, "segment"),
        ("POST", "/segments/count", {"segment": "none"}, "segment"),
        ("POST", "/notify/", {"to": {"segment": {"tags_any": ["a\n"]}}, "title": "x"}, "to.segment.tags_any.0"),
        ("POST", "/notify/", {"to": {"segment": "none"}, "title": "x"}, "to.segment"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(api: Api, method: str, path: str, body: Any, field: str) -> None:
    assert fields_of(problem_of(api.call(method, path, json=body), 400)) == {field}


def test_examples_of_the_document_are_accepted(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    send, saved, count = _examples()
    assert api.post("/notify/", send, 202)["id"]
    assert api.post("/segments/", saved, 201)["filter"] == saved["filter"]
    assert api.post("/segments/count/", count, 200)["count"] == 0
