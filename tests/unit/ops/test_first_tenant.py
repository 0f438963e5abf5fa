from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.domain.audit import trail
from fanfare.domain.client import TENANT_SCOPES, Scope
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.services.provision import SETUP
from fanfare.web.api import build_api
from local.service_account import make_service_account
from ops.deployed import api_address
from ops.first_tenant import make_platform_client, make_tenant, read_credential
from ops.target import TargetError
from tests.factories import NOW
from tests.fakes import fake_deps


class ApiInProcess:
    """The API itself, without a network between."""

    def __init__(self, client: FlaskClient, client_id: str, token: str) -> None:
        self._client = client
        self._headers = {"Client-ID": client_id, "Client-Token": token}

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._client.post(f"/api/v1{path}", json=body, headers=self._headers)
        assert answer.status_code == 201, answer.text
        content: dict[str, Any] = answer.get_json()
        return content


def test_the_platforms_client_may_make_tenants_and_nothing_of_theirs() -> None:
    deps = fake_deps()
    client, token = make_platform_client(deps, again=False)
    assert (client.tenant, client.scopes) == (PLATFORM_TENANT, {Scope.PLATFORM})
    assert token not in repr(deps.clients.get_fresh(client.id))


def test_a_second_platform_client_is_made_only_if_asked_for() -> None:
    deps = fake_deps()
    first, _ = make_platform_client(deps, again=False)
    with pytest.raises(TargetError, match=first.id):
        make_platform_client(deps, again=False)
    second, _ = make_platform_client(deps, again=True)
    assert second.id != first.id


def test_a_platform_client_that_was_revoked_does_not_count() -> None:
    deps = fake_deps()
    first, _ = make_platform_client(deps, again=False)
    deps.clients.update(first.id, lambda client: replace(client, revoked_at=NOW), trail("client.revoked", SETUP, NOW))
    assert make_platform_client(deps, again=False)[0].id != first.id


def test_the_first_tenant_is_made_over_the_api_with_a_client_that_can_send() -> None:
    deps = fake_deps()
    http = build_api(deps).test_client()
    client, token = make_platform_client(deps, again=False)
    made = make_tenant(ApiInProcess(http, client.id, token), "Shop", make_service_account("shop-12345", "https://oauth2.googleapis.com/token"))
    stored = deps.clients.get_fresh(made["FANFARE_CLIENT_ID"])
    assert stored is not None
    assert (stored.tenant, stored.scopes) == (made["FANFARE_APP"], TENANT_SCOPES)
    headers = {"Client-ID": made["FANFARE_CLIENT_ID"], "Client-Token": made["FANFARE_CLIENT_TOKEN"]}
    assert http.post("/api/v1/profiles", json={"username": "ann"}, headers=headers).status_code == 201


def test_a_service_accounts_file_is_read(tmp_path: Path) -> None:
    account = make_service_account("shop-12345", "https://oauth2.googleapis.com/token")
    (tmp_path / "account.json").write_text(json.dumps(account), encoding="utf-8")
    assert read_credential(str(tmp_path / "account.json")) == account


@pytest.mark.parametrize("text", [None, "", "private_key", '["private_key"]', '{"type": "authorized_user", "refresh_token": "private_key"}'])
def test_a_file_of_something_else_is_refused_without_a_word_of_it(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "account.json").write_text(text, encoding="utf-8")
    with pytest.raises(TargetError, match=r"CREDENTIAL=.*account\.json") as refused:
        read_credential(str(tmp_path / "account.json"))
    assert "private_key" not in str(refused.value)


def test_the_api_is_found_by_the_first_name_that_it_answers_for() -> None:
    assert api_address({"ALLOWED_HOSTS": "api-1.us-central1.run.app,api.example.com"}) == "https://api-1.us-central1.run.app"
    with pytest.raises(TargetError, match="FANFARE_URL"):
        api_address({"ALLOWED_HOSTS": ""})
