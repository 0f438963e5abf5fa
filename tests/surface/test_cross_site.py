"""What another site can make a browser send (forms, simple requests, cookies) opens no writing route and leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.surface.surface import CREDENTIALS, EVIL, PREFIX, USER_TOKEN, all_routes, some_deps, stored

FROM_EVIL = {"Origin": EVIL, "Referer": f"{EVIL}/page", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
CONTENT = {"username": "mallory", "token": "stolen", "to": {"topic": "all"}, "title": "Hello"}
BODIES = {
    "urlencoded form": ("application/x-www-form-urlencoded", urlencode({"username": "mallory", **CREDENTIALS})),
    "multipart form": ("multipart/form-data; boundary=x", '--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nmallory\r\n--x--\r\n'),
    "JSON that says it is text": ("text/plain", json.dumps(CONTENT)),
    "JSON of no type": ("", json.dumps(CONTENT)),
    "JSON that a preflight would have stopped": ("application/json", json.dumps(CONTENT)),
}
ID, TOKEN = CREDENTIALS["Client-ID"], CREDENTIALS["Client-Token"]
AMBIENT: dict[str, dict[str, Any]] = {
    "nothing": {},
    "a credential in cookies": {"headers": {"Cookie": f"Client-ID={ID}; Client-Token={TOKEN}; session={TOKEN}; __session={USER_TOKEN}"}},
    "a credential in the address": {
        "query_string": {**CREDENTIALS, "client_id": ID, "client_token": TOKEN, "token": TOKEN, "access_token": USER_TOKEN}
    },
    "a remembered password": {"auth": (ID, TOKEN)},
}
ROUTES = all_routes()


@pytest.fixture
def deps() -> Deps:
    return some_deps()


@pytest.fixture
def browser(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def cors_headers(headers: Any) -> list[str]:
    return [name for name in headers.keys() if name.startswith("Access-Control-")]  # noqa: SIM118 - Werkzeug's headers are no mapping


def test_every_writing_route_is_looked_at() -> None:
    assert {("POST", f"{PREFIX}/notify"), ("POST", f"{PREFIX}/devices"), ("PUT", f"{PREFIX}/devices/x"), ("DELETE", f"{PREFIX}/devices/x")} <= set(
        ROUTES
    )


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("ambient", AMBIENT)
def test_no_cross_site_request_passes(deps: Deps, browser: FlaskClient, body: str, ambient: str) -> None:
    before, (content_type, data) = stored(deps), BODIES[body]
    extra = AMBIENT[ambient]
    for method, path in ROUTES:
        headers = {**FROM_EVIL, "Content-Type": content_type, **extra.get("headers", {})}
        answer = browser.open(path, method=method, data=data, **{**extra, "headers": headers})
        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), (method, path)
        assert cors_headers(answer.headers) == []
        assert "Set-Cookie" not in answer.headers
    assert stored(deps) == before


@pytest.mark.parametrize("body", [name for name, (content_type, _) in BODIES.items() if content_type != "application/json"])
def test_a_body_that_a_form_can_send_is_refused_even_with_a_credential(deps: Deps, browser: FlaskClient, body: str) -> None:
    before, (content_type, data) = stored(deps), BODIES[body]
    for method, path in ROUTES:
        if method == "DELETE":
            continue
        answer = browser.open(path, method=method, data=data, headers={**FROM_EVIL, **CREDENTIALS, "Content-Type": content_type})
        # A client that lacks the scope does not get so far as its body.
        assert (answer.status_code, answer.json["code"]) in {(415, "unsupported_media_type"), (403, "forbidden")}, (method, path)
        assert cors_headers(answer.headers) == []
    assert stored(deps) == before


def test_no_preflight_of_another_site_passes(browser: FlaskClient) -> None:
    for method, path in ROUTES:
        asked = {"Origin": EVIL, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "client-id,client-token,content-type"}
        answer = browser.options(path, headers=asked)
        assert (answer.status_code, cors_headers(answer.headers)) == (204, [])


def test_no_route_is_reached_by_a_method_that_a_header_or_a_field_names(deps: Deps, browser: FlaskClient) -> None:
    before = stored(deps)
    for method, path in ROUTES:
        override = {"X-HTTP-Method-Override": method, "X-HTTP-Method": method, "X-Method-Override": method}
        browser.get(path, query_string={"_method": method}, headers={**CREDENTIALS, **override})
    assert stored(deps) == before


def test_the_same_content_with_a_credential_in_headers_passes_and_is_stored(deps: Deps, browser: FlaskClient) -> None:
    before = stored(deps)
    answer = browser.post(f"{PREFIX}/profiles", json={"username": "alice"}, headers={**CREDENTIALS, "Origin": EVIL})
    assert (answer.status_code, cors_headers(answer.headers)) == (201, [])
    assert stored(deps) != before


def test_no_session_can_be_opened(browser: FlaskClient) -> None:
    app: Flask = browser.application
    assert app.secret_key is None
