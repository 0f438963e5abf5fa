"""An app signs in with a token of ours, listens in Firestore, and sees what becomes of a push, under the very rules that are deployed."""

from __future__ import annotations

from typing import Any

import pytest

from fanfare.domain.stream_token import Listener
from local.stack import Stack
from tests.e2e.auth_emulator import sign_in_new_user
from tests.e2e.harness import Api, Cloud, Simulator, Tenant, fresh, wait_for_status
from tests.e2e.listening_app import listening

COUNTS = ("targeted", "sent", "failed", "retrying", "unsent")


class Person:
    """Somebody with devices, whose app may listen."""

    def __init__(self, api: Api, devices: int = 1) -> None:
        self.name = fresh("listener")
        self.tokens = [fresh("token") for _ in range(devices)]
        registered = [api.register(username=self.name, token=token) for token in self.tokens]
        self.profile: str = registered[0]["profile_id"]
        self.stream = api.post("/stream-token/", {"profile_id": self.profile}, 200)


def send_held(api: Api, cloud: Cloud, *people: Person) -> str:
    """Ask for a push whose nudge is lost, so that it waits."""
    with cloud.refusing_tasks():
        sent: str = api.send({"usernames": [person.name for person in people]})
    return sent


def path_of(tenant: Tenant, notification_id: str, person: Person) -> str:
    return f"tenants/{tenant.id}/notifications/{notification_id}/public/{person.profile}"


def words(found: Any) -> tuple[Any, ...]:
    return (found["status"], *(found["counts"][name] for name in COUNTS))


@pytest.fixture
def alice(api: Api) -> Person:
    return Person(api, devices=2)


def test_app_sees_each_state_of_its_own_notification(stack: Stack, tenant: Tenant, api: Api, cloud: Cloud, fcm: Simulator, alice: Person) -> None:
    bob = Person(api)
    sent = send_held(api, cloud, alice, bob)
    path = path_of(tenant, sent, alice)
    with listening(stack, alice.stream, path) as app, fcm.answering([alice.tokens[1]], error="UNREGISTERED"):
        assert app.next() == {"uid": Listener(tenant.id, alice.profile).uid}
        assert words(app.next()["found"]) == ("queued", 2, 0, 0, 0, 2)
        api.post(f"/notifications/{sent}/pause/", None, 200)
        assert words(app.wait_for(path, "paused")[-1]) == ("paused", 2, 0, 0, 0, 2)
        api.post(f"/notifications/{sent}/resume/", None, 200)
        last = app.wait_for(path, "completed")[-1]
    assert words(last) == ("completed", 2, 1, 1, 0, 0)
    assert last.keys() == {"v", "tenant", "profile_id", "status", "counts", "created_at", "updated_at"}
    assert (last["tenant"], last["profile_id"]) == (tenant.id, alice.profile)
    assert wait_for_status(api, sent)["counts"]["targeted"] == 3


def test_app_of_a_user_listens_with_the_users_own_login(stack: Stack, tenant: Tenant, api: Api, cloud: Cloud) -> None:
    user = sign_in_new_user(stack, tenant.project)
    with Api(stack.urls["gateway"]) as phone:
        device = phone.post("/devices/", {"token": fresh("token")}, 201, headers=user.headers)
        token = phone.post("/stream-token/", {}, 200, headers=user.headers)
    sent = api.send({"profile_ids": [device["profile_id"]]})
    path = f"tenants/{tenant.id}/notifications/{sent}/public/{device['profile_id']}"
    with listening(stack, token, path) as app:
        assert app.next() == {"uid": Listener(tenant.id, device["profile_id"]).uid}
        assert words(app.wait_for(path, "completed")[-1]) == ("completed", 1, 1, 0, 0, 0)


def test_app_hears_nothing_of_anybody_else(stack: Stack, tenant: Tenant, own_tenant: Tenant, api: Api, cloud: Cloud, alice: Person) -> None:
    bob, stranger = Person(api), Person(own_tenant.api())
    sent, theirs = send_held(api, cloud, alice, bob), send_held(own_tenant.api(), cloud, stranger)
    closed = (
        path_of(tenant, sent, bob),
        path_of(own_tenant, theirs, stranger),
        f"tenants/{tenant.id}/notifications/{sent}",
        f"tenants/{tenant.id}/notifications",
        f"tenants/{tenant.id}/notifications/{sent}/public",
        f"tenants/{tenant.id}/notifications/{sent}/recipients/0",
        f"tenants/{tenant.id}/profiles/{alice.profile}",
        f"tenants/{tenant.id}",
    )
    with listening(stack, alice.stream, *closed) as app:
        app.next()
        heard = [app.next() for _ in closed]
    assert sorted(heard, key=lambda line: str(line["path"])) == [{"path": path, "refused": "permission-denied"} for path in sorted(closed)]


def test_whoever_watches_over_the_tenant_sees_its_notifications_and_nothing_else(
    stack: Stack, own_tenant: Tenant, cloud: Cloud, alice: Person, tenant: Tenant
) -> None:
    api = own_tenant.api()
    person = Person(api)
    sent = send_held(api, cloud, person)
    everything = f"tenants/{own_tenant.id}/notifications"
    closed = (path_of(own_tenant, sent, person), f"tenants/{own_tenant.id}/devices", f"tenants/{tenant.id}/notifications")
    token = api.post("/stream-token/", {}, 200)
    with listening(stack, token, everything, *closed) as app:
        assert app.next() == {"uid": Listener(own_tenant.id).uid}
        heard = {line["path"]: line for line in (app.next() for _ in range(4))}
        assert [(found["id"], found["status"]) for found in heard.pop(everything)["found"]] == [(sent, "queued")]
        assert heard == {path: {"path": path, "refused": "permission-denied"} for path in closed}
        api.post(f"/notifications/{sent}/resume/", None, 200)
        statuses = []
        while "completed" not in statuses:
            statuses = [found["status"] for found in app.next()["found"]]
        assert statuses == ["completed"]
