"""The operator's commands as processes, with stand-ins for gcloud and for Google."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from local.settings import ROOT

ENTRY = {
    "insertId": "a",
    "timestamp": "2026-11-24T12:00:00.123456789Z",
    "severity": "WARNING",
    "resource": {"labels": {"service_name": "send"}},
    "jsonPayload": {"message": "breaker_open", "tenant": "acme"},
}
DEPLOYED = {"serviceConfig": {"environmentVariables": {"GOOGLE_CLOUD_PROJECT": "shop-dev", "ALLOWED_HOSTS": "api-1.us-central1.run.app"}}}

STAND_IN = """#!/bin/sh
cd "$(dirname "$0")" || exit
printf '%s\\n' "$*" >>calls
cat "$(wc -l <calls | tr -d ' ')" 2>/dev/null || { echo "ERROR: PERMISSION_DENIED" >&2; exit 1; }
"""


@pytest.fixture
def gcloud(tmp_path: Path) -> Path:
    """A gcloud that gives the answers `1`, `2`, … of its folder in turn; without one it fails as for somebody without rights."""
    command = tmp_path / "gcloud"
    command.write_text(STAND_IN, encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def answers(folder: Path, *contents: object) -> None:
    for number, content in enumerate(contents, 1):
        (folder / str(number)).write_text(json.dumps(content), encoding="utf-8")


def run(module: str, *arguments: str, folder: Path | None = None, typed: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([*([str(folder)] if folder else []), "/usr/bin", "/bin"])
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={"PATH": path, **environment},
        timeout=60,
    )


def test_logs_are_followed_until_gcloud_refuses(gcloud: Path) -> None:
    answers(gcloud, [ENTRY])
    done = run("ops.logs", folder=gcloud, PROJECT="shop-dev", SEVERITY="warning", NOTIFICATION="n-1")
    assert done.stdout == "2026-11-24T12:00:00.123 WARNING  send      breaker_open tenant=acme\n"
    assert (done.returncode, done.stderr) == (1, "Following shop-dev; Ctrl-C ends it.\nERROR: PERMISSION_DENIED\n")
    call = (gcloud / "calls").read_text(encoding="utf-8").splitlines()[0]
    assert call.startswith("logging read ")
    assert 'severity>=WARNING AND jsonPayload.notification="n-1"' in call
    assert call.endswith("--order=asc --limit=1000 --project=shop-dev --format=json --quiet")


@pytest.mark.parametrize("module", ["ops.logs", "ops.first_tenant"])
def test_without_a_deployment_a_command_asks_for_one(module: str) -> None:
    done = run(module)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Which deployment? PROJECT=")


def test_without_gcloud_a_command_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops.logs"], capture_output=True, text=True, check=False, cwd=ROOT, env={"PATH": str(tmp_path), "PROJECT": "shop-dev"}
    )
    assert done.returncode == 1
    assert "gcloud is needed" in done.stderr


def test_a_command_runs_with_the_settings_of_the_deployed_functions(gcloud: Path) -> None:
    answers(gcloud, DEPLOYED)
    program = "import os, fanfare.config, ops; print(os.environ['GOOGLE_CLOUD_PROJECT'], os.environ['ALLOWED_HOSTS']); raise SystemExit(3)"
    done = run("ops.in_deployment", "--", sys.executable, "-c", program, folder=gcloud, PROJECT="shop-dev", REGION="europe-west3")
    assert (done.stdout, done.returncode) == ("shop-dev api-1.us-central1.run.app\n", 3)
    assert (gcloud / "calls").read_text(encoding="utf-8") == (
        "functions describe api --gen2 --region=europe-west3 --project=shop-dev --format=json --quiet\n"
    )


@pytest.mark.parametrize("answer", [{}, {"serviceConfig": {}}])
def test_a_function_that_was_not_deployed_from_here_is_told_apart(gcloud: Path, answer: dict[str, object]) -> None:
    answers(gcloud, answer)
    done = run("ops.in_deployment", "--", "true", folder=gcloud, PROJECT="shop-dev")
    assert (done.returncode, done.stderr) == (1, "The function api of shop-dev has no environment: is it deployed from here?\n")


@contextmanager
def google(status: int) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """A stand-in for a Google API: its address, and the method, path and token of each call."""
    seen: list[tuple[str, str, str]] = []

    class Google(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            seen.append((self.command, self.path.partition("?")[0], self.headers["Authorization"]))
            body = json.dumps({"name": "projects/shop-dev/rulesets/1"} if status == 200 else {"error": "not you"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PATCH = do_GET = _answer  # noqa: N815 - the names are the library's

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_rules_are_published_with_the_token_that_comes_in() -> None:
    with google(200) as (url, seen):
        done = run("ops.firestore_rules", "shop-dev", "firestore.rules", url, typed="the-token\n")
    assert (done.returncode, done.stdout) == (0, "In force: projects/shop-dev/rulesets/1\n")
    assert seen == [
        ("POST", "/projects/shop-dev/rulesets", "Bearer the-token"),
        ("PATCH", "/projects/shop-dev/releases/cloud.firestore", "Bearer the-token"),
    ]


def test_every_field_of_the_file_is_set() -> None:
    wanted = json.loads((ROOT / "firestore.indexes.json").read_text(encoding="utf-8"))["fieldOverrides"]
    with google(200) as (url, seen):
        done = run("ops.firestore_fields", "shop-dev", "(default)", "firestore.indexes.json", url, typed="the-token\n")
    assert (done.returncode, done.stdout) == (0, f"Fields changed: {len(wanted)} of {len(wanted)}\n")
    assert [method for method, _, _ in seen] == ["GET", *["PATCH"] * len(wanted)]


@pytest.mark.parametrize("module", ["ops.firestore_rules", "ops.firestore_fields"])
def test_a_refusal_is_told_in_googles_words_and_never_with_the_token(module: str) -> None:
    arguments = ["shop-dev", "firestore.rules"] if module.endswith("rules") else ["shop-dev", "(default)", "firestore.indexes.json"]
    with google(403) as (url, _):
        done = run(module, *arguments, url, typed="the-token\n")
    assert done.returncode == 1
    assert 'failed: 403 {"error": "not you"}' in done.stderr
    assert "the-token" not in done.stderr
