"""What a new instance pays before its first request: importing `main` must not load what only some functions need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from fanfare.config import SCHEDULED_FUNCTIONS, TASK_FUNCTIONS
from tests.structure.source import ROOT, is_within

LATE = (
    "fanfare.adapters",
    "firebase_admin",
    "flask_openapi",
    "google.cloud.secretmanager",
    "google.cloud.secretmanager_v1",
    "google.cloud.tasks",
    "google.cloud.tasks_v2",
    # Google's libraries look for the bare name, which costs nothing.
    "opentelemetry.exporter",
    "opentelemetry.sdk",
    "opentelemetry.trace",
    "pycurl",
    "sentry_sdk",
)
OBSERVERS = {"OTEL_EXPORTER_OTLP_ENDPOINT": "opentelemetry", "SENTRY_DSN": "sentry_sdk"}
"""What a setting switches on, and what must not be loaded without it."""
SERVE_ONE = """
import main, functions_framework, logging
answer = functions_framework.create_app("api", main.__file__).test_client().get("/api/v1/health/live")
assert answer.status_code == 200, answer.text
"""


def loaded_by(statement: str, **environment: str) -> set[str]:
    """Run a statement in a fresh Python, the source folder at the end of its path as when deployed, and name the late modules it loads."""
    code = f"import sys; sys.path.append({str(ROOT / 'functions')!r})\n{statement}\nprint('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **environment}
    ).stdout.split()
    return {name for name in loaded if any(is_within(name, late) for late in LATE)}


def observers_loaded(**environment: str) -> set[str]:
    """The libraries of traces and of error tracking that an instance has loaded when it has served its first request."""
    required = dict.fromkeys(("GOOGLE_CLOUD_PROJECT", "TASKS_SERVICE_ACCOUNT", "SCHEDULER_SERVICE_ACCOUNT"), "x")
    urls = {f"{name.upper()}_URL": "https://x.example.com" for name in (*TASK_FUNCTIONS, *SCHEDULED_FUNCTIONS)}
    loaded = loaded_by(SERVE_ONE, **{"FIRESTORE_EMULATOR_HOST": "127.0.0.1:9", **required, **urls, **dict.fromkeys(OBSERVERS, ""), **environment})
    return {name.partition(".")[0] for name in loaded} & set(OBSERVERS.values())


def test_importing_main_loads_nothing_that_only_some_functions_need() -> None:
    assert loaded_by("import main") == set()


def test_a_late_module_that_is_loaded_early_is_caught() -> None:
    assert "pycurl" in loaded_by("import pycurl")


def test_an_instance_that_nobody_observes_loads_no_observer() -> None:
    assert observers_loaded() == set()


@pytest.mark.parametrize(("name", "value"), [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"), ("SENTRY_DSN", "http://key@127.0.0.1:9/1")])
def test_a_setting_loads_its_observer_and_no_other(name: str, value: str) -> None:
    assert observers_loaded(**{name: value}) == {OBSERVERS[name]}
