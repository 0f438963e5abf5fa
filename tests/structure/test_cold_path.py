"""What a new instance pays before its first request: importing `main` must not load what only some functions need."""

from __future__ import annotations

import subprocess
import sys

from tests.structure.source import ROOT, is_within

LATE = (
    "fanfare.adapters",
    "firebase_admin",
    "flask_openapi",
    "google.cloud.secretmanager",
    "google.cloud.secretmanager_v1",
    "google.cloud.tasks",
    "google.cloud.tasks_v2",
    "pycurl",
)


def loaded_by(statement: str) -> set[str]:
    """Run a statement in a fresh Python, the source folder at the end of its path as when deployed, and name the late modules it loads."""
    code = f"import sys; sys.path.append({str(ROOT / 'functions')!r}); {statement}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    return {name for name in loaded if any(is_within(name, late) for late in LATE)}


def test_importing_main_loads_nothing_that_only_some_functions_need() -> None:
    assert loaded_by("import main") == set()


def test_a_late_module_that_is_loaded_early_is_caught() -> None:
    assert "pycurl" in loaded_by("import pycurl")
