"""Every route of `/apps`, from outside: tenants, their settings and their credential."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest
from google.auth.credentials import AnonymousCredentials
from google.cloud.secretmanager_v1 import SecretManagerServiceClient
from google.cloud.secretmanager_v1.services.secret_manager_service.transports.rest import SecretManagerServiceRestTransport

from fanfare.domain.client import Scope
from fanfare.domain.tenant import PLATFORM_TENANT
from local.firebase import PROJECT
from local.service_account import make_service_account
from local.stack import Stack
from tests.e2e.harness import Api, Credentials, Simulator, Tenant, fields_of, fresh, problem_of, wait_for_status

SHOWN = {
    "id", "name", "firebase_project_id", "credential_version", "keepalive", "retention_days", "quota_per_minute", "cors_origins", "timezone",
    "default_ttl_seconds", "channels", "defects", "hold_reason", "created_at",
}  # fmt: skip
TOPIC = "fanfare-validation"


@pytest.fixture(scope="module")
def admin(tenant: Tenant) -> Api:
    """An admin of the file's tenant."""
    return tenant.api(Scope.ADMIN, Scope.SEND, Scope.READ, Scope.DEVICES)


@pytest.fixture
def secrets(stack: Stack) -> Iterator[SecretManagerServiceClient]:
    """Secret Manager, as an operator looks into it."""
    transport = SecretManagerServiceRestTransport(host=stack.cloud_url.removeprefix("http://"), url_scheme="http", credentials=AnonymousCredentials())
    with SecretManagerServiceClient(transport=transport) as client:
        yield client


def _account(stack: Stack, project: str) -> dict[str, Any]:
    return make_service_account(project, stack.environment["OAUTH_TOKEN_URI"])


def _states(secrets: SecretManagerServiceClient, app_id: str) -> list[str]:
    versions = secrets.list_secret_versions(parent=f"projects/{PROJECT}/secrets/fanfare-fcm-{app_id}")
    return [version.state.name for version in versions][::-1]


# Making one


def test_app_is_made_and_its_first_client_sends(platform: Api, stack: Stack) -> None:
    project = fresh("fanfare-e2e-app")
    app = platform.post("/apps/", {"name": "Acme", "credential": _account(stack, project), "timezone": "Europe/Berlin"}, 201)
    assert app.keys() == SHOWN
    assert (app["firebase_project_id"], app["credential_version"], app["timezone"]) == (project, "1", "Europe/Berlin")
    assert "PRIVATE KEY" not in platform.call("GET", f"/apps/{app['id']}/").text
    made = platform.post(f"/apps/{app['id']}/clients/", {"name": "First", "scopes": ["send", "devices", "read", "admin"]}, 201)
    with Api(platform.url, Credentials(made["id"], made["token"])) as client:
        device = client.register()
        shown = wait_for_status(client, client.send({"device_ids": [device["id"]]}))
        assert shown["counts"]["sent"] == 1
        assert [found["id"] for found in client.get("/apps/")["items"]] == [app["id"]]
        log = {entry["action"] for entry in client.get("/audit/", params={"limit": 100})["items"]}
        assert log >= {"app.created", "client.created"}


def test_repeated_making_makes_one_app(platform: Api, stack: Stack) -> None:
    key, body = {"Idempotency-Key": fresh("key")}, {"name": "Once", "credential": _account(stack, fresh("fanfare-e2e-app"))}
    first, again = (platform.call("POST", "/apps/", json=body, headers=key) for _ in range(2))
    assert (first.status_code, first.json(), again.headers["Idempotent-Replayed"]) == (201, again.json(), "true")


def test_project_belongs_to_one_app(platform: Api, stack: Stack, tenant: Tenant) -> None:
    body = {"name": "Thief", "credential": _account(stack, tenant.project)}
    assert problem_of(platform.call("POST", "/apps/", json=body), 409)["code"] == "conflict"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"type": "authorized_user"}, "credential.type"),
        ({"private_key": "none"}, "credential.private_key"),
        ({"project_id": "a/b"}, "credential.project_id"),
        ({"client_email": ""}, "credential.client_email"),
    ],
)
def test_what_is_no_credential_is_refused_by_its_field(platform: Api, stack: Stack, change: dict[str, str], field: str) -> None:
    body = {"name": "Wrong", "credential": _account(stack, fresh("fanfare-e2e-app")) | change}
    assert fields_of(problem_of(platform.call("POST", "/apps/", json=body), 400)) == {field}


def test_key_that_looks_right_and_is_none_is_refused(platform: Api, stack: Stack) -> None:
    account = _account(stack, fresh("fanfare-e2e-app"))
    lines = account["private_key"].splitlines()
    account["private_key"] = "\n".join([*lines[:3], *lines[4:]])
    assert fields_of(problem_of(platform.call("POST", "/apps/", json={"name": "Wrong", "credential": account}), 400)) == {"credential.private_key"}


def test_credential_does_not_choose_where_its_assertions_are_sent(platform: Api, stack: Stack) -> None:
    account = _account(stack, fresh("fanfare-e2e-app")) | {"token_uri": "http://127.0.0.1:9/token", "universe_domain": "evil.example"}
    assert platform.post("/apps/", {"name": "Sly", "credential": account}, 201)["credential_version"] == "1"


def test_only_the_platform_makes_apps(admin: Api) -> None:
    problem_of(admin.call("POST", "/apps/", json={"name": "Mine", "firebase_project_id": "mine-app"}), 403)


# Looking


def test_platform_lists_all_apps_and_an_admin_its_own(platform: Api, admin: Api, tenant: Tenant, own_tenant: Tenant) -> None:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = platform.get("/apps/", params={"limit": 2, **({"cursor": cursor} if cursor else {})})
        found += [app["id"] for app in page["items"]]
        cursor = page["next_cursor"]
    assert {tenant.id, own_tenant.id} <= set(found)
    assert PLATFORM_TENANT not in found
    assert len(found) == len(set(found))
    assert [app["id"] for app in admin.get("/apps/")["items"]] == [tenant.id]


def test_another_tenant_is_as_unknown_as_one_that_does_not_exist(admin: Api, own_tenant: Tenant) -> None:
    requests = (
        ("GET", "", None),
        ("PUT", "", {"name": "Mine"}),
        ("POST", "/verify", None),
        ("POST", "/clients", {"name": "Mine", "scopes": ["admin"]}),
        ("POST", "/release", {"targets": "keep"}),
    )
    for method, path, body in requests:
        answers = [problem_of(admin.call(method, f"/apps/{name}{path}/", json=body), 404) for name in (own_tenant.id, "nobody", PLATFORM_TENANT)]
        assert len({(answer["code"], answer["detail"]) for answer in answers}) == 1


# Settings

SETTINGS: dict[str, Any] = {
    "keepalive": {"enabled": True, "max_silence_days": 3, "night": {"from": "22:00", "to": "07:00"}},
    "quota_per_minute": 1_200,
    "cors_origins": ["https://app.example.com"],
    "timezone": "Africa/Dar_es_Salaam",
    "default_ttl_seconds": 600,
}


def test_settings_are_stored_and_null_brings_a_default_back(own_tenant: Tenant) -> None:
    admin = own_tenant.api(Scope.ADMIN)
    changed = admin.put(f"/apps/{own_tenant.id}/", {**SETTINGS, "retention_days": {"audit": 400}, "name": "Renamed"})
    assert {name: changed[name] for name in SETTINGS} == SETTINGS
    assert (changed["retention_days"]["audit"], changed["retention_days"]["events"], changed["name"]) == (400, 90, "Renamed")
    back = admin.put(f"/apps/{own_tenant.id}/", {"keepalive": None, "quota_per_minute": None})
    assert back["keepalive"] == {"enabled": False, "max_silence_days": 7, "night": None}
    assert (back["quota_per_minute"], back["timezone"]) == (600_000, "Africa/Dar_es_Salaam")
    assert admin.get(f"/apps/{own_tenant.id}/") == back


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"quota_per_minute": 0}, "quota_per_minute"),
        ({"retention_days": {"audit": 0}}, "retention_days.audit"),
        ({"cors_origins": ["https://app.example.com", "http://app.example.com"]}, "cors_origins.1"),
        ({"keepalive": {"night": {"from": "07:00", "to": "07:00"}}}, "keepalive.night.to"),
        ({"keepalive": {"night": {"from": "7 o'clock", "to": "07:00"}}}, "keepalive.night.from"),
        ({"channels": [{"id": "a"}, {"id": "a"}]}, "channels.1.id"),
        ({"default_ttl_seconds": 9_999_999}, "default_ttl_seconds"),
        ({"credential_secret": "another"}, "credential_secret"),
        ({"firebase_project_id": "another-app"}, "firebase_project_id"),
    ],
)
def test_wrong_setting_is_refused_by_its_field_and_nothing_changes(admin: Api, tenant: Tenant, settings: dict[str, Any], field: str) -> None:
    before = admin.get(f"/apps/{tenant.id}/")
    assert fields_of(problem_of(admin.call("PUT", f"/apps/{tenant.id}/", json={"name": "Half", **settings}), 400)) == {field}
    assert admin.get(f"/apps/{tenant.id}/") == before


def test_message_that_names_another_channel_than_the_listed_ones_is_refused(own_tenant: Tenant) -> None:
    api = own_tenant.api()
    api.put(f"/apps/{own_tenant.id}/", {"channels": [{"id": "orders", "name": "Orders", "importance": "high"}]})
    device = api.register()
    to = {"device_ids": [device["id"]]}
    assert fields_of(problem_of(api.call("POST", "/notify/", json={"to": to, "title": "Hi", "channel": "offers"}), 400)) == {"channel"}
    wait_for_status(api, api.send(to, channel="orders"))


def test_message_that_says_no_life_has_the_tenants(own_tenant: Tenant, fcm: Simulator) -> None:
    api = own_tenant.api()
    api.put(f"/apps/{own_tenant.id}/", {"default_ttl_seconds": 600})
    token = fresh("token")
    device = api.register(token=token)
    wait_for_status(api, api.send({"device_ids": [device["id"]]}))
    assert fcm.only_message(token)["android"]["ttl"] in {"600s", "599s"}


# The credential


def test_credential_is_replaced_and_the_old_one_disabled_and_sending_goes_on(
    own_tenant: Tenant, stack: Stack, secrets: SecretManagerServiceClient
) -> None:
    api = own_tenant.api()
    device = api.register()
    to = {"device_ids": [device["id"]]}
    wait_for_status(api, api.send(to))
    changed = api.put(f"/apps/{own_tenant.id}/", {"credential": _account(stack, own_tenant.project)})
    assert changed["credential_version"] == "2"
    assert _states(secrets, own_tenant.id) == ["DISABLED", "ENABLED"]
    assert wait_for_status(api, api.send(to))["counts"]["sent"] == 1
    assert api.post(f"/apps/{own_tenant.id}/verify/", None, 200)["ok"] is True
    log = [entry["action"] for entry in api.get("/audit/", params={"limit": 100})["items"]]
    assert "app.credential_replaced" in log
    assert "app.verified" in log


def test_credential_that_fcm_refuses_changes_nothing(own_tenant: Tenant, stack: Stack, fcm: Simulator, secrets: SecretManagerServiceClient) -> None:
    api = own_tenant.api()
    body = {"credential": _account(stack, own_tenant.project), "timezone": "Europe/Berlin"}
    with fcm.answering([TOPIC], error="PERMISSION_DENIED"):
        refused = problem_of(api.call("PUT", f"/apps/{own_tenant.id}/", json=body), 400)
        assert fields_of(refused) == {"credential"}
        assert "PERMISSION_DENIED" in refused["detail"]
        said = api.post(f"/apps/{own_tenant.id}/verify/", None, 200)
        assert (said["ok"], said["code"], said["http_status"]) == (False, "PERMISSION_DENIED", 403)
    app = api.get(f"/apps/{own_tenant.id}/")
    assert (app["credential_version"], app["timezone"]) == ("1", "UTC")
    assert _states(secrets, own_tenant.id) == ["ENABLED", "DESTROYED"]
    assert api.post(f"/apps/{own_tenant.id}/verify/", None, 200) == {
        "id": own_tenant.id, "ok": True, "result": "accepted", "code": None, "http_status": 200,
    }  # fmt: skip


def test_fcm_that_fails_is_an_outage_and_changes_nothing(own_tenant: Tenant, stack: Stack, fcm: Simulator) -> None:
    api = own_tenant.api()
    with fcm.answering([TOPIC], error="UNAVAILABLE"):
        problem_of(api.call("PUT", f"/apps/{own_tenant.id}/", json={"credential": _account(stack, own_tenant.project)}), 503)
    assert api.get(f"/apps/{own_tenant.id}/")["credential_version"] == "1"


def test_credential_of_another_project_is_refused(own_tenant: Tenant, stack: Stack) -> None:
    api = own_tenant.api()
    body = {"credential": _account(stack, fresh("fanfare-e2e-app"))}
    assert fields_of(problem_of(api.call("PUT", f"/apps/{own_tenant.id}/", json=body), 400)) == {"credential.project_id"}


def test_tenants_admin_brings_the_first_credential(platform: Api, stack: Stack, secrets: SecretManagerServiceClient) -> None:
    project = fresh("fanfare-e2e-app")
    app = platform.post("/apps/", {"name": "Later", "firebase_project_id": project}, 201)
    assert app["credential_version"] is None
    made = platform.post(f"/apps/{app['id']}/clients/", {"name": "First", "scopes": ["admin"]}, 201)
    with Api(platform.url, Credentials(made["id"], made["token"])) as admin:
        assert admin.post(f"/apps/{app['id']}/verify/", None, 200)["code"] == "CREDENTIAL_MISSING"
        changed = admin.put(f"/apps/{app['id']}/", {"credential": _account(stack, project)})
    assert changed["credential_version"] == "1"
    problem_of(platform.call("POST", "/apps/", json={"name": "Thief", "credential": _account(stack, project)}), 409)
    version = secrets.access_secret_version(name=f"projects/{PROJECT}/secrets/fanfare-fcm-{app['id']}/versions/1")
    assert b"token_uri" not in version.payload.data


def test_disabled_version_can_not_be_read_any_more(own_tenant: Tenant, stack: Stack, secrets: SecretManagerServiceClient) -> None:
    own_tenant.api().put(f"/apps/{own_tenant.id}/", {"credential": _account(stack, own_tenant.project)})
    with pytest.raises(BadRequest):
        secrets.access_secret_version(name=f"projects/{PROJECT}/secrets/fanfare-fcm-{own_tenant.id}/versions/1")


def test_nothing_of_a_credential_is_shown_told_or_logged(own_tenant: Tenant, stack: Stack, fcm: Simulator) -> None:
    api = own_tenant.api()
    account = _account(stack, own_tenant.project)
    line = account["private_key"].splitlines()[5]
    answers = [api.call("PUT", f"/apps/{own_tenant.id}/", json={"credential": account}).text]
    with fcm.answering([TOPIC], error="PERMISSION_DENIED"):
        answers.append(api.call("PUT", f"/apps/{own_tenant.id}/", json={"credential": account}).text)
    answers.append(api.call("PUT", f"/apps/{own_tenant.id}/", json={"credential": {**account, "type": line}}).text)
    answers.append(api.call("PUT", f"/apps/{own_tenant.id}/", json={"credential": {**account, line: 1}, "timezone": line}).text)
    answers.append(api.call("GET", "/audit/", params={"limit": 100}).text)
    answers.append(stack.log("api").read_text(encoding="utf-8"))
    assert [text for text in answers if line in text] == []


# A tenant's first clients


def test_platform_gives_its_own_right_to_its_own_clients_alone(platform: Api, tenant: Tenant) -> None:
    refused = problem_of(platform.call("POST", f"/apps/{tenant.id}/clients/", json={"name": "a", "scopes": ["platform"]}), 400)
    assert fields_of(refused) == {"scopes"}
    made = platform.post(f"/apps/{PLATFORM_TENANT}/clients/", {"name": "Second", "scopes": ["platform", "admin"]}, 201)
    with Api(platform.url, Credentials(made["id"], made["token"])) as second:
        assert made["id"] in {client["id"] for client in second.get("/clients/", params={"limit": 200})["items"]}
