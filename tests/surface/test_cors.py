"""Which pages' scripts may call, and which answers they may read."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from fanfare.domain.errors import Unavailable
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.cors import ANSWER_HEADERS, REQUEST_HEADERS
from tests.factories import TENANT_ID
from tests.fakes import MemoryTenantStore
from tests.surface.surface import BEARER, CONSOLE, CREDENTIALS, EVIL, OTHERS_PAGE, PAGE, PREFIX, all_routes, some_deps

ALLOWED = "Access-Control-Allow-Origin"
STRANGE = [
    EVIL,
    "null",
    "*",
    "",
    "http://app.example.com",
    f"{PAGE}.evil.example",
    f"{PAGE}:444",
    f"{PAGE}/",
    PAGE.upper(),
    "file://",
    f"{PAGE}, {EVIL}",
]


@pytest.fixture
def deps() -> Deps:
    return some_deps()


@pytest.fixture
def browser(deps: Deps) -> FlaskClient:
    return build_api(deps).test_client()


def preflight(browser: FlaskClient, path: str, origin: str, method: str = "POST") -> TestResponse:
    return browser.options(path, headers={"Origin": origin, "Access-Control-Request-Method": method})


@pytest.mark.parametrize("origin", [CONSOLE, PAGE, OTHERS_PAGE])
def test_preflight_of_an_allowed_page_is_answered_without_a_credential(browser: FlaskClient, origin: str) -> None:
    answer = preflight(browser, f"{PREFIX}/devices", origin)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers[ALLOWED] == origin
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS, POST"
    assert answer.headers["Access-Control-Allow-Headers"] == REQUEST_HEADERS
    assert answer.headers["Access-Control-Max-Age"] == "600"
    assert "RateLimit" not in answer.headers


@pytest.mark.parametrize("origin", STRANGE)
def test_preflight_of_another_page_gets_nothing(browser: FlaskClient, origin: str) -> None:
    answer = preflight(browser, f"{PREFIX}/devices", origin)
    assert (answer.status_code, ALLOWED in answer.headers, "Origin" in answer.vary) == (204, False, True)


def test_every_route_answers_a_preflight_with_its_own_methods(browser: FlaskClient) -> None:
    for method, path in all_routes(frozenset({"GET", "POST", "PUT", "DELETE"})):
        assert method in preflight(browser, path, PAGE, method).headers["Access-Control-Allow-Methods"].split(", "), path


def test_unknown_path_has_no_preflight(browser: FlaskClient) -> None:
    answer = preflight(browser, f"{PREFIX}/nothing", PAGE)
    assert (answer.status_code, ALLOWED in answer.headers) == (404, False)


def test_options_without_a_page_tells_the_methods_alone(browser: FlaskClient) -> None:
    answer = browser.options(f"{PREFIX}/devices/bulk")
    assert (answer.status_code, answer.headers["Allow"], ALLOWED in answer.headers) == (204, "OPTIONS, POST", False)


def test_what_is_no_origin_costs_no_look_up() -> None:
    class Untouchable:
        def is_listed(self, origin: str) -> bool:
            raise AssertionError(f"{origin} was looked up")

    browser = build_api(some_deps(origins=Untouchable())).test_client()
    for origin in (CONSOLE, "null", "", "*", "x" * 5_000, "javascript:alert(1)"):
        assert preflight(browser, f"{PREFIX}/devices", origin).status_code == 204


def test_preflight_waits_for_nobody_who_is_down() -> None:
    class Down:
        def is_listed(self, origin: str) -> bool:
            raise Unavailable("Firestore does not answer.")

    browser = build_api(some_deps(origins=Down())).test_client()
    assert preflight(browser, f"{PREFIX}/devices", CONSOLE).headers[ALLOWED] == CONSOLE
    refused = preflight(browser, f"{PREFIX}/devices", PAGE)
    assert (refused.status_code, ALLOWED in refused.headers) == (503, False)


@pytest.mark.parametrize("credential", [CREDENTIALS, BEARER])
@pytest.mark.parametrize(("origin", "allowed"), [(CONSOLE, True), (PAGE, True), (OTHERS_PAGE, False), *((origin, False) for origin in STRANGE)])
def test_an_answer_is_read_by_pages_of_the_callers_tenant_and_of_the_deployment(
    browser: FlaskClient, credential: dict[str, str], origin: str, *, allowed: bool
) -> None:
    answer = browser.get(f"{PREFIX}/devices/nothing", headers={**credential, "Origin": origin})
    assert answer.status_code == 404
    assert answer.headers.get(ALLOWED) == (origin if allowed else None)
    assert answer.headers.get("Access-Control-Expose-Headers") == (ANSWER_HEADERS if allowed else None)
    assert "Origin" in answer.vary
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_answer_to_nobody_known_is_read_by_the_deployments_pages_alone(browser: FlaskClient) -> None:
    for path, status in ((f"{PREFIX}/devices", 401), (f"{PREFIX}/health", 200), (f"{PREFIX}/nothing", 404)):
        for origin, allowed in ((CONSOLE, CONSOLE), (PAGE, None), (EVIL, None)):
            answer = browser.get(path, headers={"Origin": origin})
            assert (answer.status_code, answer.headers.get(ALLOWED)) == (status, allowed)


def test_every_answer_depends_on_the_page_also_one_that_none_asked_for(browser: FlaskClient) -> None:
    for path in (f"{PREFIX}/health", f"{PREFIX}/docs", f"{PREFIX}/nothing", f"{PREFIX}/devices"):
        assert "Origin" in browser.get(path).vary


def test_an_answer_stands_although_its_tenant_can_not_be_read() -> None:
    class Down(MemoryTenantStore):
        down = False

        def get(self, tenant: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
            if self.down:
                raise Unavailable("Firestore does not answer.")
            return super().get(tenant)

    tenants = Down()
    deps = some_deps(tenants=tenants)
    browser = build_api(deps).test_client()
    tenants.down = True
    answer = browser.get(f"{PREFIX}/devices/nothing", headers={**CREDENTIALS, "Origin": PAGE})
    assert (answer.status_code, ALLOWED in answer.headers) == (404, False)
    tenants.down = False
    assert browser.get(f"{PREFIX}/devices/nothing", headers={**CREDENTIALS, "Origin": PAGE}).headers[ALLOWED] == PAGE
    assert deps.tenants.get(TENANT_ID) is not None
