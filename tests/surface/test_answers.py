"""What every answer says to a browser and to whoever pokes at the service: security headers, methods, hosts, and nothing about our mistakes."""

from __future__ import annotations

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from fanfare.adapters.structured_log import StructuredLog
from fanfare.domain.edge import EdgeRules
from fanfare.ports import Deps
from fanfare.web.api import build_api
from fanfare.web.schedule import build_schedule
from fanfare.web.send import build_send
from tests.fakes import MemoryDeviceStore, RecordingLog, ScriptedCallAuthenticator, fake_deps
from tests.surface.surface import CREDENTIALS, PREFIX, all_routes, some_deps

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
SECRET = "s3cret-of-a-customer"


@pytest.fixture(scope="module")
def api() -> FlaskClient:
    return build_api(some_deps()).test_client()


def problem_code(answer: object) -> str:
    return str(json.loads(getattr(answer, "data", b"{}"))["code"])


@pytest.mark.parametrize("headers", [{}, CREDENTIALS])
def test_every_answer_has_the_security_headers(api: FlaskClient, headers: dict[str, str]) -> None:
    for method, path in [*all_routes(frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})), ("GET", "/"), ("TRACE", f"{PREFIX}/devices")]:
        answer = api.open(path, method=method, headers=headers)
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS, (method, path)
        assert answer.headers["Permissions-Policy"].startswith("camera=()")
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; ")
        assert answer.headers["Cache-Control"] == ("public, max-age=86400" if path.endswith("scalar.js") and method == "GET" else "no-store")
        assert "Server" not in answer.headers
        assert answer.content_type != "text/html; charset=utf-8" or path == f"{PREFIX}/docs"


@pytest.mark.parametrize("build", [build_send, build_schedule])
def test_answers_of_internal_functions_have_them_too(build: object) -> None:
    surface: Flask = build(fake_deps())  # type: ignore[operator]
    for method, path in (("POST", "/"), ("GET", "/"), ("GET", "/robots.txt"), ("GET", "//x"), ("GET", "/a%0Ab")):
        answer = surface.test_client().open(path, method=method)
        assert {name: answer.headers.get(name) for name in ALWAYS} == ALWAYS
        assert answer.content_type == "application/problem+json"
        assert answer.headers["Content-Security-Policy"] == NOTHING


@pytest.mark.parametrize(
    ("protocol", "secure"), [("https", True), ("HTTPS", True), ("http, https", True), ("http", False), ("https, http", False), ("", False)]
)
def test_tls_is_demanded_of_whoever_came_by_tls(api: FlaskClient, protocol: str, *, secure: bool) -> None:
    headers = {"X-Forwarded-Proto": protocol} if protocol else {}
    for path in (f"{PREFIX}/health", f"{PREFIX}/nothing"):
        assert api.get(path, headers=headers).headers.get("Strict-Transport-Security") == ("max-age=63072000; includeSubDomains" if secure else None)


def test_json_may_load_and_run_nothing(api: FlaskClient) -> None:
    assert api.get(f"{PREFIX}/health").headers["Content-Security-Policy"] == NOTHING
    assert api.get(f"{PREFIX}/docs/scalar.js").headers["Content-Security-Policy"] == NOTHING


def test_the_page_of_the_document_has_a_nonce_of_its_own_each_time(api: FlaskClient) -> None:
    nonces = set()
    for _ in range(2):
        page = api.get(f"{PREFIX}/docs")
        (nonce,) = re.findall(r'<meta property="csp-nonce" content="([\w-]{22})">', page.text)
        assert f"'nonce-{nonce}'" in page.headers["Content-Security-Policy"]
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/devices/bulk", "OPTIONS, POST"),
        ("PUT", "/devices/bulk", "OPTIONS, POST"),
        ("DELETE", "/devices/bulk", "OPTIONS, POST"),
        ("PATCH", "/devices/bulk", "OPTIONS, POST"),
        ("PATCH", "/devices/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("DELETE", "/devices", "GET, HEAD, OPTIONS, POST"),
        ("GET", "/notify", "OPTIONS, POST"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
    ],
)
def test_wrong_method_is_told_exactly_the_methods_of_its_path(api: FlaskClient, method: str, path: str, allowed: str) -> None:
    for headers in ({}, CREDENTIALS):
        answer = api.open(PREFIX + path, method=method, headers=headers)
        assert (answer.status_code, problem_code(answer), answer.headers["Allow"]) == (405, "method_not_allowed", allowed)


def test_no_path_fits_two_routes_with_arguments() -> None:
    def segments(rule: str) -> list[str]:
        return ["*" if "<" in part else part for part in rule.split("/")]

    rules = {rule.rule for rule in build_api(fake_deps()).url_map.iter_rules() if rule.arguments}
    shapes = [segments(rule) for rule in rules]
    clashes = [
        (one, other)
        for index, one in enumerate(shapes)
        for other in shapes[index + 1 :]
        if len(one) == len(other) and all("*" in pair or pair[0] == pair[1] for pair in zip(one, other, strict=True))
    ]
    assert clashes == []


@pytest.mark.parametrize("path", ["/api/v1//health", "/api//v1/health", "/evil.example//", "/stats//x"])
def test_a_slash_too_many_is_not_found_and_no_redirect(api: FlaskClient, path: str) -> None:
    answer = api.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, problem_code(answer), "Location" in answer.headers) == (404, "not_found", False)


@pytest.mark.parametrize("path", ["//evil.example/", "//", "///"])
def test_slashes_alone_are_the_root_and_no_redirect(api: FlaskClient, path: str) -> None:
    answer = api.get("/", environ_overrides={"PATH_INFO": path}, headers={"Host": "evil.example"})
    assert "Location" not in answer.headers
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", ["evil.example", "api.example.com.evil.example", "10.0.0.7:8080"])
def test_another_host_is_misdirected_but_for_a_probe(host: str) -> None:
    api = build_api(some_deps(edge=EdgeRules(allowed_hosts=("api.example.com",)))).test_client()
    for path in ("/devices", "/docs", "/openapi.json", "/health/ready", "/nothing"):
        answer = api.get(PREFIX + path, headers={"Host": host, **CREDENTIALS})
        assert (answer.status_code, problem_code(answer)) == (421, "misdirected_request")
    assert [api.get(f"{PREFIX}/health{path}", headers={"Host": host}).status_code for path in ("", "/live")] == [200, 200]
    assert api.get(f"{PREFIX}/devices", headers={"Host": "api.example.com:443", **CREDENTIALS}).status_code == 200


class Broken(MemoryDeviceStore):
    """Fails as nobody foresaw, with a customer's secret in its words."""

    def get(self, tenant: str, device_ids: object) -> list[object]:  # type: ignore[override]
        raise KeyError(SECRET, tenant)


def broken_deps() -> Deps:
    return some_deps(devices=Broken(), log=StructuredLog("INFO"))


def test_what_nobody_foresaw_is_told_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    answer = build_api(broken_deps()).test_client().get(f"{PREFIX}/devices/x", headers=CREDENTIALS)
    assert (answer.status_code, answer.content_type, problem_code(answer)) == (500, "application/problem+json", "internal_error")
    written = capsys.readouterr()
    for text in (answer.text, str(answer.headers), written.out, written.err):
        assert SECRET not in text
    assert "Traceback" not in answer.text + str(answer.headers)
    assert not re.search(r"\.py|KeyError|line \d", answer.text)
    (line,) = [json.loads(line) for line in written.out.splitlines() if "internal_error" in line]
    assert (line["severity"], line["error"], line["request_id"]) == ("ERROR", "KeyError", answer.json["request_id"])
    assert written.err == ""


def test_what_nobody_foresaw_in_an_internal_function_is_told_to_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    class BrokenTenants:
        def find_needing_attention(self, now: object, limit: int) -> list[object]:
            raise RuntimeError(SECRET)

    callers = ScriptedCallAuthenticator({("schedule", "token"): None})
    deps = fake_deps(call_authenticator=callers, tenants=BrokenTenants(), log=StructuredLog("INFO"))
    answer = build_schedule(deps).test_client().post("/", headers={"Authorization": "Bearer token"})
    written = capsys.readouterr()
    assert (answer.status_code, answer.content_type) == (500, "application/problem+json")
    assert [text for text in (answer.text, written.out, written.err) if SECRET in text] == []
    assert "Traceback" not in answer.text + written.err


@pytest.mark.parametrize("build", [build_api, build_send, build_schedule])
def test_no_variable_switches_a_debugger_on(build: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    surface: Flask = build(fake_deps())  # type: ignore[operator]
    assert (surface.debug, surface.testing, surface.config["PROPAGATE_EXCEPTIONS"]) == (False, False, False)


def test_wrong_fields_are_named_up_to_a_number(api: FlaskClient) -> None:
    answer = api.post(f"{PREFIX}/profiles", json={f"field-{number:04}": 1 for number in range(10_000)}, headers=CREDENTIALS)
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json["errors"]] == [f"field-{number:04}" for number in range(50)]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/devices/bulk", 400),
        ("POST", "/devices", 413),
        ("PUT", "/templates/bulk", 413),
        ("PUT", "/profiles/bulk", 413),
        ("PUT", "/clients/bulk", 413),
    ],
)
def test_only_a_bulk_route_takes_a_large_body(api: FlaskClient, method: str, path: str, status: int) -> None:
    answer = api.open(f"{PREFIX}{path}", method=method, json={"pad": "x" * 300_000}, headers=CREDENTIALS)
    assert answer.status_code == status


def test_every_answer_leaves_one_line_by_which_its_request_is_found() -> None:
    log = RecordingLog()
    api = build_api(some_deps(log=log)).test_client()
    api.get(f"{PREFIX}/devices/somebodys-device", headers={**CREDENTIALS, "X-Request-ID": "mine"})
    api.get("/nothing/of/alice")
    told = [(record.event, record.fields["method"], record.fields["route"], record.fields["status"]) for record in log.records]
    assert told == [("answered", "GET", f"{PREFIX}/devices/<id>", 404), ("answered", "GET", None, 404)]
    assert "alice" not in str(log.records)
    assert "somebodys-device" not in str(log.records)


@pytest.mark.parametrize("path", ["/devices/delete-inactive", "/notifications/status", "/notify"])
def test_missing_body_is_refused_as_such_also_where_every_field_has_a_default(path: str) -> None:
    answer = build_api(some_deps()).test_client().post(f"{PREFIX}{path}", headers=CREDENTIALS)
    assert (answer.status_code, (answer.json or {})["errors"]) == (400, [{"field": "body", "message": "is missing"}])
