"""Every route of `/clients`, from outside."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from fanfare.domain.client import Scope
from tests.e2e.harness import Api, Credentials, Tenant, fields_of, fresh, problem_of

SHOWN = {
    "id", "name", "scopes", "ip_allowlist", "expires_at", "limits", "auto_rotate_days", "created_at", "revoked_at", "previous_valid_until",
    "last_used_at", "defect",
}  # fmt: skip


@pytest.fixture(scope="module")
def admin(tenant: Tenant) -> Api:
    """An admin of the file's tenant, and nothing else."""
    return tenant.api(Scope.ADMIN)


@pytest.fixture
def opened(admin: Api) -> Iterator[list[Api]]:
    """Clients that a test has opened."""
    apis: list[Api] = []
    yield apis
    for api in apis:
        api.close()


def _make(admin: Api, **fields: Any) -> Any:
    return admin.post("/clients/", {"name": fresh("client"), "scopes": ["send", "devices"], **fields}, 201)


def _api(admin: Api, opened: list[Api], made: Any, token: str | None = None) -> Api:
    opened.append(Api(admin.url, Credentials(made["id"], token or made["token"])))
    return opened[-1]


def _in(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat(timespec="seconds")


def test_client_is_made_and_its_token_is_in_that_answer_alone(admin: Api, opened: list[Api]) -> None:
    made = _make(admin, ip_allowlist=["127.0.0.0/8", "::1"], limits={"send": 5}, expires_at=_in(90))
    assert made.keys() == SHOWN | {"token"}
    assert (made["scopes"], made["ip_allowlist"], made["limits"]) == (["devices", "send"], ["127.0.0.0/8", "::1/128"], {"send": 5})
    api = _api(admin, opened, made)
    assert api.get("/devices/")["items"] == []
    problem_of(api.call("GET", "/clients/"), 403)
    shown = admin.get(f"/clients/{made['id']}/")
    assert shown.keys() == SHOWN
    assert shown["last_used_at"] is not None
    assert made["token"] not in admin.call("GET", "/clients/", params={"limit": 200}).text
    assert made["id"] in {client["id"] for client in admin.get("/clients/", params={"limit": 200})["items"]}


def test_repeated_making_gets_the_same_client_and_token(admin: Api) -> None:
    key, body = {"Idempotency-Key": fresh("key")}, {"name": "Once", "scopes": ["read"]}
    first = admin.call("POST", "/clients/", json=body, headers=key)
    again = admin.call("POST", "/clients/", json=body, headers=key)
    assert (first.status_code, again.status_code, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert first.json() == again.json()
    assert first.json()["token"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"scopes": ["platform"]}, "scopes"),
        ({"name": ""}, "name"),
        ({"ip_allowlist": ["203.0.113.0/24", "home"]}, "ip_allowlist.1"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 1_800_000_000}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ({"limits": {"send": -1}}, "limits.send"),
        ({"auto_rotate_days": 0}, "auto_rotate_days"),
        ({"auto_rotate_days": 30, "expires_at": "2099-01-01T00:00:00Z"}, "expires_at"),
        ({"token": "mine"}, "token"),
    ],
)
def test_wrong_client_is_refused_by_its_field(admin: Api, fields: dict[str, Any], field: str) -> None:
    refused = problem_of(admin.call("POST", "/clients/", json={"name": "a", "scopes": ["send"], **fields}), 400)
    assert fields_of(refused) == {field}


def test_changed_client_has_what_was_given_and_keeps_the_rest(admin: Api) -> None:
    made = _make(admin, limits={"send": 5}, expires_at=_in(90))
    changed = admin.put(f"/clients/{made['id']}/", {"name": "Renamed", "scopes": ["read"], "expires_at": None})
    assert (changed["name"], changed["scopes"], changed["expires_at"], changed["limits"]) == ("Renamed", ["read"], None, {"send": 5})
    assert admin.get(f"/clients/{made['id']}") == changed


def test_revoked_client_is_refused_and_stays_in_the_list(admin: Api, opened: list[Api]) -> None:
    made = _make(admin)
    revoked = admin.call("DELETE", f"/clients/{made['id']}/")
    assert revoked.status_code == 200
    assert revoked.json()["revoked_at"] is not None
    assert admin.call("DELETE", f"/clients/{made['id']}/").json() == revoked.json()
    assert admin.get(f"/clients/{made['id']}")["revoked_at"] == revoked.json()["revoked_at"]
    problem_of(_api(admin, opened, made).call("GET", "/devices/"), 401)
    problem_of(admin.call("PUT", f"/clients/{made['id']}/", json={"name": "Back"}), 409)
    problem_of(admin.call("POST", f"/clients/{made['id']}/rotate/", json={}), 409)


def test_admin_can_not_lock_itself_out(admin: Api) -> None:
    own = admin.headers["Client-ID"]
    problem_of(admin.call("DELETE", f"/clients/{own}/"), 409)
    problem_of(admin.call("PUT", f"/clients/{own}/", json={"scopes": ["send"]}), 409)
    assert fields_of(problem_of(admin.call("PUT", f"/clients/{own}/", json={"ip_allowlist": ["203.0.113.0/24"]}), 400)) == {"ip_allowlist"}
    assert admin.get(f"/clients/{own}/")["scopes"] == ["admin"]


def test_rotated_client_is_opened_by_both_tokens(admin: Api, opened: list[Api]) -> None:
    made = _make(admin)
    rotated = admin.post(f"/clients/{made['id']}/rotate/", {"overlap_seconds": 3_600}, 201)
    assert rotated["token"] != made["token"]
    for token in (made["token"], rotated["token"]):
        _api(admin, opened, made, token).get("/devices/")
    old = _api(admin, opened, made).call("GET", "/devices/")
    assert parsedate_to_datetime(old.headers["Client-Token-Expires"]) <= datetime.now(UTC) + timedelta(hours=1)
    assert "Client-Token-Expires" not in _api(admin, opened, made, rotated["token"]).call("GET", "/devices/").headers


def test_rotation_without_an_overlap_ends_the_old_token_at_once(admin: Api, opened: list[Api]) -> None:
    made = _make(admin)
    rotated = admin.post(f"/clients/{made['id']}/rotate/", {"overlap_seconds": 0}, 201)
    problem_of(_api(admin, opened, made).call("GET", "/devices/"), 401)
    _api(admin, opened, made, rotated["token"]).get("/devices/")


def test_client_that_is_rotated_automatically_is_told_of_its_end_and_rotates_itself(admin: Api, opened: list[Api]) -> None:
    made = _make(admin, auto_rotate_days=10)
    api = _api(admin, opened, made)
    told = parsedate_to_datetime(api.call("GET", "/devices/").headers["Client-Token-Expires"])
    assert abs(told - datetime.fromisoformat(made["expires_at"])) < timedelta(seconds=1)
    rotated = api.post(f"/clients/{made['id']}/rotate/", {}, 201)
    assert rotated["expires_at"] >= made["expires_at"]
    _api(admin, opened, made, rotated["token"]).get("/devices/")
    problem_of(api.call("POST", f"/clients/{made['id']}/rotate/", json={}), 403)
    problem_of(api.call("POST", f"/clients/{admin.headers['Client-ID']}/rotate/", json={}), 404)


def test_repeated_rotation_gets_the_same_token(admin: Api) -> None:
    made, key = _make(admin), {"Idempotency-Key": fresh("key")}
    tokens = [admin.call("POST", f"/clients/{made['id']}/rotate/", json={}, headers=key).json()["token"] for _ in range(2)]
    assert tokens[0] == tokens[1] != made["token"]


@pytest.mark.parametrize("overlap", [-1, 7 * 86_400 + 1, "1", 1.5])
def test_overlap_has_bounds(admin: Api, overlap: object) -> None:
    made = _make(admin)
    refused = problem_of(admin.call("POST", f"/clients/{made['id']}/rotate/", json={"overlap_seconds": overlap}), 400)
    assert fields_of(refused) == {"overlap_seconds"}


def test_another_tenants_client_is_as_unknown_as_one_that_does_not_exist(admin: Api, stranger: Api) -> None:
    theirs, unknown = stranger.headers["Client-ID"], "nobody"
    for method, path, body in (("GET", "", None), ("PUT", "", {"name": "Mine"}), ("DELETE", "", None), ("POST", "/rotate", {})):
        answers = [problem_of(admin.call(method, f"/clients/{name}{path}/", json=body), 404) for name in (theirs, unknown)]
        assert len({(answer["code"], answer["detail"]) for answer in answers}) == 1
    assert theirs not in admin.call("GET", "/clients/", params={"limit": 200}).text


def test_pages_continue_where_the_last_one_ended(own_tenant: Tenant) -> None:
    admin = own_tenant.api(Scope.ADMIN)
    made = {_make(admin)["id"] for _ in range(3)} | {admin.headers["Client-ID"]}
    first = admin.get("/clients/", params={"limit": 3})
    second = admin.get("/clients/", params={"limit": 3, "cursor": first["next_cursor"]})
    assert {client["id"] for client in first["items"] + second["items"]} == made
    assert second["next_cursor"] is None
