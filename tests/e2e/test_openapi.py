"""The OpenAPI document is valid, shown by a page of ours, and true: schemathesis finds no answer that it does not tell of."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from local.stack import Stack
from tests.e2e.harness import PROBLEM_MEMBERS, Api, Tenant

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "missing_required_header",
    "ignored_auth",
    "ensure_resource_availability",
)
SEED = "20261124"
EXAMPLES = "15"
LONGEST_SECONDS = 400
LONGEST_LINE = 300
UNTESTED = {"GET /api/v1/events/stream"}
"""What schemathesis.toml leaves out."""
FEWEST_LINKS = 0.25
"""The share of the document's links that must be followed. Which of them are is chance: what is made has another id in each run."""


@pytest.fixture(scope="module")
def anybody(stack: Stack) -> Iterator[Api]:
    """Somebody without a credential."""
    with Api(stack.urls["gateway"]) as visitor:
        yield visitor


@pytest.fixture(scope="module")
def document(anybody: Api) -> Any:
    """The document as everybody may read it."""
    return anybody.get("/openapi.json")


def operations(document: Any) -> dict[str, Any]:
    return {f"{method.upper()} {path}": operation for path, item in document["paths"].items() for method, operation in item.items()}


def test_document_is_valid_openapi_3_1(document: Any) -> None:
    assert document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_document_is_the_same_every_time(anybody: Api, document: Any) -> None:
    assert anybody.get("/openapi.json/") == document


def test_closed_operations_name_their_credentials_and_open_ones_none(document: Any) -> None:
    schemes = {name: (scheme["type"], scheme.get("name") or scheme["scheme"]) for name, scheme in document["components"]["securitySchemes"].items()}
    apart = {"ClientId": ("apiKey", "Client-ID"), "ClientToken": ("apiKey", "Client-Token")}
    assert schemes == {**apart, "TokenAlone": ("http", "bearer"), "IdToken": ("http", "bearer")}
    client, user, scraper = {"ClientId": [], "ClientToken": []}, {"IdToken": []}, {"TokenAlone": []}
    secured = {name: operation["security"] for name, operation in operations(document).items() if "security" in operation}
    assert operations(document).keys() - secured.keys() == {"GET /api/v1/health", "GET /api/v1/health/live"}
    for_users = {name for name, security in secured.items() if security == [client, user]}
    assert for_users == {
        "POST /api/v1/devices",
        *(f"{method} /api/v1/devices/{{id}}" for method in ("GET", "PUT", "DELETE")),
        "POST /api/v1/stream-token",
    }
    # A receipt stands in the body: in the document's words no credential is needed.
    for_receipts = {name for name, security in secured.items() if security == [client, user, {}]}
    assert for_receipts == {"POST /api/v1/keepalive-reply", "POST /api/v1/receipts"}
    assert {name for name, security in secured.items() if security == [client, scraper]} == {"GET /api/v1/metrics"}
    assert all(security == [client] for name, security in secured.items() if name not in {*for_users, *for_receipts, "GET /api/v1/metrics"})


def parameters_of(operation: Any) -> set[str]:
    return {parameter.get("$ref", "").rpartition("/")[2] for parameter in operation["parameters"]}


def test_repeatable_operations_take_a_key_and_tell_of_the_conflict(document: Any) -> None:
    repeatable = {name for name, operation in operations(document).items() if "IdempotencyKey" in parameters_of(operation)}
    assert {
        "POST /api/v1/notify",
        "POST /api/v1/devices",
        "POST /api/v1/devices/bulk",
        "POST /api/v1/notify/bulk",
        "POST /api/v1/profiles",
        "POST /api/v1/templates",
    } <= repeatable
    assert all(name.startswith("POST ") for name in repeatable)
    assert all("409" in operations(document)[name]["responses"] for name in repeatable)


def test_every_answer_tells_of_its_headers(document: Any) -> None:
    for name, operation in operations(document).items():
        assert "XRequestId" in parameters_of(operation)
        for status, answer in operation["responses"].items():
            counted = "security" in operation and (status < "300" or status == "429")
            expected = (
                {"X-Request-ID"}
                | ({"RateLimit", "RateLimit-Policy"} if counted else set())
                | ({"Retry-After"} if status in {"429", "503"} else set())
            )
            assert expected <= answer["headers"].keys(), (name, status)


def test_every_refusal_is_a_problem_document(document: Any) -> None:
    for name, operation in operations(document).items():
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {answer["content"]["application/problem+json"]["schema"]["$ref"] for answer in refusals.values()} == {"#/components/schemas/Problem"}
        expected = {"401", "403", "429", "503"} if "security" in operation else set()
        expected |= {"413", "415"} if name.startswith(("POST", "PUT")) else set()
        assert {"400", "421", *expected} <= refusals.keys(), name
    problem = document["components"]["schemas"]["Problem"]
    assert set(problem["required"]) == problem["properties"].keys() == PROBLEM_MEMBERS
    assert set(document["components"]["schemas"]["Field"]["required"]) == {"field", "message"}


def links_of(document: Any) -> list[tuple[str, Any]]:
    answers = ((name, answer) for name, operation in operations(document).items() for answer in operation["responses"].values())
    return [(name, link) for name, answer in answers for link in answer.get("links", {}).values()]


def test_what_makes_or_lists_a_resource_links_to_every_operation_on_it(document: Any) -> None:
    named = {operation["operationId"]: name for name, operation in operations(document).items()}
    linked = {named[link["operationId"]] for _, link in links_of(document)}
    assert linked == {name for name in named.values() if "{" in name} | {"POST /api/v1/notify"}


def test_links_give_each_parameter_of_the_path_from_what_the_answer_shows(document: Any) -> None:
    schemas = document["components"]["schemas"]
    by_id = {operation["operationId"]: (name, operation) for name, operation in operations(document).items()}
    for source, link in links_of(document):
        target, operation = by_id[link["operationId"]]
        parameters = {p["name"]: p for p in operation["parameters"] if p.get("in") == "path"}
        assert link.get("parameters", {}).keys() == parameters.keys(), (source, target)
        for expression in link.get("parameters", {}).values():
            assert expression == "$request.path.id" or is_shown(expression, operations(document)[source], schemas), (source, target)


def is_shown(expression: str, operation: Any, schemas: Any) -> bool:
    """Whether every successful JSON answer of the operation has to hold what the expression points to."""
    shown = [answer["content"]["application/json"]["schema"] for status, answer in operation["responses"].items() if status < "300"]
    for part in expression.removeprefix("$response.body#/").split("/"):
        shown = [form for schema in shown for form in forms_of(schema, schemas)]
        if part != "0" and not all(part in schema["required"] for schema in shown):
            return False
        shown = [schema["items"] if part == "0" else schema["properties"][part] for schema in shown]
    return bool(shown)


def forms_of(schema: Any, schemas: Any) -> list[Any]:
    """The schema itself, or each of those that it is one of."""
    if "$ref" in schema:
        return forms_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    return [form for one in schema.get("oneOf", []) for form in forms_of(one, schemas)] or [schema]


def test_null_counts_as_not_given_where_one_of_several_fields_has_to_be(document: Any) -> None:
    validator = OAS31Validator({"$ref": "#/components/schemas/ToIn", "components": document["components"]})
    assert validator.is_valid({"topic": None, "profile_ids": ["some-profile"]})
    assert not validator.is_valid({"topic": None})
    assert not validator.is_valid({"topic": "news", "profile_ids": ["some-profile"]})


def test_page_needs_nothing_of_another_host(anybody: Api) -> None:
    page = anybody.call("GET", "/docs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(directive.strip().split(" ", 1) for directive in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert not re.search(r"https?:|\*", page.headers["Content-Security-Policy"])
    assert not re.search(r"(?:src|href|url)=[\"']?(?:https?:)?//", page.text)
    sources = re.findall(r'(?:src|data-url)="/api/v1([^"]+)"', page.text)
    assert sources == ["/openapi.json", "/docs/scalar.js"]
    script = anybody.call("GET", sources[1])
    assert (script.status_code, script.headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
    assert len(script.content) > 100_000


@pytest.mark.timeout(LONGEST_SECONDS + 20)
def test_schemathesis_finds_nothing_that_the_document_does_not_tell(own_tenant: Tenant, stack: Stack, document: Any, tmp_path: Path) -> None:
    credentials = own_tenant.credentials()
    headers = [part for name, value in credentials.headers.items() for part in ("-H", f"{name}: {value}")]
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        "--config-file",
        str(Path(__file__).with_name("schemathesis.toml")),
        "run",
        f"{stack.urls['gateway']}/api/v1/openapi.json",
        "--checks",
        ",".join(CHECKS),
        "--seed",
        SEED,
        "--max-examples",
        EXAMPLES,
        "--request-timeout",
        "20",
        "--continue-on-failure",
        *headers,
    ]
    hooks = str(Path(__file__).with_name("reachable_endpoints.py"))
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "120", "SCHEMATHESIS_HOOKS": hooks}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    # A failure quotes its request, which may be as long as a body may be.
    shown = "\n".join(line[:LONGEST_LINE] for line in run.stdout.splitlines())
    sys.stdout.write(shown[shown.find("= SUMMARY =") :])
    assert run.returncode == 0, shown + run.stderr
    assert f"Tested: {len(operations(document).keys() - UNTESTED)}" in run.stdout
    assert "Rate limited" not in run.stdout
    followed = re.search(r"API Links: +(\d+) covered / (\d+) selected", run.stdout)
    assert followed, "the stateful phase did not run"
    assert int(followed[2]) == len(links_of(document))
    assert int(followed[1]) >= FEWEST_LINKS * len(links_of(document)), followed[0]
    assert "Traceback" not in stack.log("api").read_text(encoding="utf-8")
    assert "internal_error" not in stack.log("api").read_text(encoding="utf-8")
