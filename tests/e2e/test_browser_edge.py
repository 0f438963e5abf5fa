"""The way in: every answer is ours and says the same to browsers; hosts, addresses and pages count for what they are, not for what they say."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which
from urllib.parse import urlsplit

import pytest

from fanfare.domain.client import Scope
from local.stack import Stack
from tests.e2e.harness import Api, Credentials, Tenant, content_of, problem_of

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
STRANGE_PATHS = [
    "/api/v1/devices/a%0Ab", "/%0A", "/robots.txt", "/favicon.ico", "//evil.example/", "/api//v1/health", "/%FF%FE", "/a%00b",
    "/..%2f..%2fetc/passwd",
    "/" + "x" * 6_000, "/api/v1/health;x=1", "/.git/config", "/api/v1/devices/x%2Fy",
]  # fmt: skip
CONSOLE = "http://localhost:5000"
CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")


@dataclass(frozen=True)
class Answer:
    """What came over the wire."""

    status: int
    headers: Mapping[str, str]
    text: str


def ask(url: str, path: str, *, method: str = "GET", headers: Mapping[str, str] | None = None, host: str | None = None) -> Answer:
    """Send a request as it is spelled here: nothing is normalised on the way."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.putrequest(method, path, skip_host=host is not None, skip_accept_encoding=True)
        for name, value in {**({} if host is None else {"Host": host}), **(headers or {})}.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode("utf-8"))
    finally:
        connection.close()


@pytest.mark.parametrize("path", STRANGE_PATHS)
@pytest.mark.parametrize("function", ["api", "send", "schedule"])
def test_strange_path_is_answered_by_us_and_leads_nowhere(stack: Stack, function: str, path: str) -> None:
    for method in ("GET", "POST", "BREW"):
        answer = ask(stack.urls[function], path, method=method, headers={"Content-Length": "0"})
        assert answer.status in {401, 404, 405}, answer
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "Location" not in answer.headers
        assert json.loads(answer.text)["status"] == answer.status


def test_refused_header_of_the_server_itself_tells_nothing(stack: Stack) -> None:
    answer = ask(stack.urls["api"], "/api/v1/health", headers={"Authorization": "x" * 9_000})
    assert answer.status in {400, 431}
    assert not re.search(r"Traceback|\.py|gunicorn/\d", answer.text)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", ""])
def test_request_for_another_host_is_misdirected(stack: Stack, api: Api, host: str) -> None:
    for path in ("/api/v1/devices", "/api/v1/openapi.json", "/api/v1/docs", "/nothing"):
        answer = ask(stack.urls["api"], path, headers=api.headers, host=host)
        assert (answer.status, json.loads(answer.text)["code"]) == (421, "misdirected_request")
    answer = ask(stack.urls["api"], "/", host=host)
    assert (answer.status, json.loads(answer.text)["status"]) == (421, "error")
    for path in ("/api/v1/health", "/api/v1/health/live"):
        assert ask(stack.urls["api"], path, host=host).status == 200


def test_own_host_is_answered_whatever_another_header_says(stack: Stack, api: Api) -> None:
    forged = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Original-URL": "/api/v1/audit", "X-Rewrite-URL": "/"}
    answer = ask(stack.urls["api"], "/api/v1/devices", headers={**api.headers, **forged})
    assert (answer.status, "evil.example" in f"{answer.headers}{answer.text}") == (200, False)


def only_from(tenant: Tenant, *ranges: str) -> Credentials:
    """A client that may only call from these addresses."""
    credentials = tenant.credentials(frozenset({Scope.DEVICES}))
    client = tenant.deps.clients.get(credentials.client_id)
    assert client is not None
    narrowed = replace(client, id=f"{client.id}-narrow", ip_allowlist=ranges)
    tenant.deps.clients.create(narrowed)
    return Credentials(narrowed.id, credentials.token)


FORGED = [
    {"X-Forwarded-For": "203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.7, 203.0.113.7"},
    {"X-Forwarded-For": "203.0.113.7, 127.0.0.1, 203.0.113.7"},
    {"X-Real-IP": "203.0.113.7"},
    {"Forwarded": "for=203.0.113.7"},
    {"X-Client-IP": "203.0.113.7", "CF-Connecting-IP": "203.0.113.7", "True-Client-IP": "203.0.113.7"},
]


@pytest.mark.parametrize("forged", FORGED)
def test_forged_address_opens_no_allowlist_and_closes_none(stack: Stack, tenant: Tenant, forged: dict[str, str]) -> None:
    distant, near = only_from(tenant, "203.0.113.0/24"), only_from(tenant, "127.0.0.0/8")
    with Api(stack.urls["gateway"]) as api:
        refused = problem_of(api.call("GET", "/devices", headers={**distant.headers, **forged}), 401)
        assert refused["code"] == "unauthenticated"
        content_of(api.call("GET", "/devices", headers={**near.headers, **forged}), 200)


@pytest.fixture
def pages(own_tenant: Tenant) -> str:
    """A page that the tenant allows, listed before the API has looked at the tenant."""
    page = f"https://{own_tenant.project}.example.com"
    own_tenant.deps.tenants.update(own_tenant.id, lambda stored: replace(stored, settings=replace(stored.settings, cors_origins=(page,))))
    return page


def preflight(api: Api, origin: str) -> Mapping[str, str]:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "client-id,client-token,content-type"}
    answer = api.call("OPTIONS", "/notify", headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    return answer.headers


def test_pages_of_the_tenant_and_of_the_console_may_call(stack: Stack, own_tenant: Tenant, pages: str) -> None:
    with Api(stack.urls["gateway"]) as anybody:
        for origin in (pages, CONSOLE):
            assert preflight(anybody, origin)["Access-Control-Allow-Origin"] == origin
            answer = own_tenant.api().call("GET", "/devices", headers={"Origin": origin})
            assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (origin, "Origin")
            assert "RateLimit" in answer.headers["Access-Control-Expose-Headers"]


def test_page_of_another_tenant_may_ask_and_reads_nothing(stack: Stack, tenant: Tenant, pages: str) -> None:
    with Api(stack.urls["gateway"]) as anybody:
        assert preflight(anybody, pages)["Access-Control-Allow-Origin"] == pages
    answer = tenant.api().call("GET", "/devices", headers={"Origin": pages})
    assert (answer.status_code, "Access-Control-Allow-Origin" in answer.headers) == (200, False)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "*"])
def test_page_of_nobody_may_not_even_ask(stack: Stack, api: Api, origin: str) -> None:
    with Api(stack.urls["gateway"]) as anybody:
        assert not [name for name in preflight(anybody, origin) if name.startswith("Access-Control-")]
    answer = api.call("GET", "/devices", headers={"Origin": origin})
    assert not [name for name in answer.headers if name.startswith("Access-Control-")]


def sources_of(policy: str) -> dict[str, list[str]]:
    """A policy's directives and what each lets in."""
    directives = (part.split() for part in policy.split(";"))
    return {name: allowed for name, *allowed in directives}


def shown_by_a_browser(browser: str, url: str, folder: Path) -> tuple[str, str]:
    """What a page looks like once its scripts have run, as HTML, and what the browser had to say about it."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder}", "--enable-logging=stderr"]
    command = [browser, *options, "--virtual-time-budget=15000", "--dump-dom", url]
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    return run.stdout, "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)


def test_page_of_the_document_works_under_its_policy(stack: Stack, tmp_path: Path) -> None:
    answer = ask(stack.urls["api"], "/api/v1/docs")
    policy = sources_of(answer.headers["Content-Security-Policy"])
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'self'"]
    assert {"base-uri": ["'none'"], "form-action": ["'none'"], "frame-ancestors": ["'none'"]}.items() <= policy.items()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
    assert all(re.search(r' src="/', attributes) or not content.strip() for attributes, content in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", answer.text)
    (nonce,) = re.findall(r'<meta property="csp-nonce" content="([^"]+)">', answer.text)
    assert f"'nonce-{nonce}'" in policy["style-src-elem"]
    # Where a browser is installed, it has the last word.
    if CHROMIUM is not None:
        page, said = shown_by_a_browser(CHROMIUM, f"{stack.urls['gateway']}/api/v1/docs", tmp_path)
        assert "Content Security Policy" not in said
        assert "Register a device" in page
        assert page.count("<style") >= 3
