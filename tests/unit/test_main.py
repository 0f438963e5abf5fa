"""The entry points within functions-framework: no answer is the framework's own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import functions_framework
import pytest
from flask import Flask, Response, request
from flask.testing import FlaskClient

from tests.fakes import fake_deps
from tests.structure.source import ROOT

MAIN = str(ROOT / "functions" / "main.py")
SECRET = "s3cret-of-a-deployment"
STRANGE_PATHS = ["/robots.txt", "/favicon.ico", "/a%0Ab", "/%0A", "//evil.example/x", "/a//b", "/%2e%2e/x", "/%FF%FE", "/a%00b", "/\\x"]


def frame(target: str) -> Flask:
    """The framework's app around one function, as gunicorn serves it."""
    framework = functions_framework.create_app(target, MAIN)
    assert isinstance(framework, Flask)
    return framework


@pytest.fixture
def echo() -> FlaskClient:
    """The framework with a function that says what reached it."""
    framework = frame("api")
    framework.view_functions["run"] = lambda **_: Response(f"ours: {request.method}")
    return framework.test_client()


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A function that can't be built: its deployment lacks a setting."""
    for name in ("GOOGLE_CLOUD_PROJECT", "SEND_URL", "FLASK_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    framework = frame("api")
    logger = logging.getLogger(framework.name)
    logger.disabled = True
    yield framework.test_client()
    logger.disabled = False


@pytest.mark.parametrize("path", STRANGE_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD", "BREW"])
def test_every_path_and_method_reaches_our_app(echo: FlaskClient, path: str, method: str) -> None:
    answer = echo.open(path, method=method, headers={"Host": "evil.example"})
    assert (answer.status_code, "Location" in answer.headers) == (200, False)
    assert method == "HEAD" or answer.text.startswith(f"ours: {method}")


def test_a_host_that_is_no_name_reaches_our_app(echo: FlaskClient) -> None:
    answer = echo.get("/api/v1/health", headers={"Host": "a b<c>"})
    assert (answer.status_code, answer.text.startswith("ours: GET")) == (200, True)


def test_a_function_that_can_not_be_built_answers_in_our_own_words(unconfigured: FlaskClient) -> None:
    answer = unconfigured.get("/api/v1/health", headers={"X-Forwarded-Proto": "https"})
    assert (answer.status_code, answer.content_type, answer.json["code"]) == (500, "application/problem+json", "internal_error")
    assert "GOOGLE_CLOUD_PROJECT" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer.headers["Strict-Transport-Security"]
    assert "X-Google-Status" not in answer.headers


def test_what_breaks_outside_of_our_app_is_told_to_nobody(unconfigured: FlaskClient) -> None:
    def break_off(path: str) -> Response:
        raise OSError(SECRET, path)

    unconfigured.application.view_functions["run"] = break_off
    for path in ("/", "/robots.txt"):
        answer = unconfigured.get(path)
        assert (answer.status_code, answer.json["code"], SECRET in answer.text) == (500, "internal_error", False)


def test_no_variable_switches_the_frameworks_debugger_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    framework = frame("send")
    assert (framework.debug, framework.config["PROPAGATE_EXCEPTIONS"]) == (False, False)


def test_stream_goes_out_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a stream has said is with its listener before it says the next thing."""
    said: list[int] = []

    def build(_deps: object) -> Flask:
        app = Flask("pieces", static_folder=None)

        def pieces() -> Iterator[bytes]:
            for number in range(3):
                said.append(number)
                yield f"{number}\n".encode()

        app.add_url_rule("/", view_func=lambda: Response(pieces(), mimetype="text/event-stream"))
        return app

    framework = frame("stream")
    monkeypatch.setattr(sys.modules["main"], "_deps", fake_deps)
    monkeypatch.setattr("fanfare.web.stream.build_stream", build)
    answer = framework.test_client().get("/", buffered=False)
    pieces = iter(answer.response)
    assert (next(pieces), said) == (b"0\n", [0])
    assert (b"".join(pieces), said) == (b"1\n2\n", [0, 1, 2])
    answer.close()


def test_what_was_recorded_is_sent_before_the_answer_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance has no CPU between two requests."""
    deps = fake_deps()
    framework = frame("send")
    monkeypatch.setattr(sys.modules["main"], "_deps", lambda: deps)
    answer = framework.test_client().post("/", json={})
    assert (answer.status_code, deps.telemetry.flushes) == (401, 1)  # type: ignore[attr-defined]


def test_what_breaks_outside_of_our_app_is_logged_as_our_app_does(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Its text may hold what somebody said, and the framework would print it."""

    def break_off(path: str) -> Response:
        raise OSError(SECRET, path)

    deps: Any = fake_deps()
    framework = frame("api")
    framework.view_functions["run"] = break_off
    monkeypatch.setattr(sys.modules["main"], "_deps", lambda: deps)
    assert framework.test_client().get("/").status_code == 500
    (record,) = deps.log.records
    assert (record.level, record.event, type(record.exception), deps.telemetry.flushes) == ("error", "internal_error", OSError, 1)
    assert SECRET not in "".join(capfd.readouterr())
