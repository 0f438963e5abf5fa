from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import requests
from google.cloud.firestore import Client as Firestore

from local.errors import StackError
from local.kept import KeptData
from local.settings import StackSettings
from local.stack import Stack
from tests.contract.stores.real import open_firestore

SETTINGS = StackSettings(keep=True)
PARTS = frozenset({"firestore", "auth", "cloud"})
PROJECT = "fanfare-local"
OWNER = {"Authorization": "Bearer owner"}


@contextmanager
def database(stack: Stack) -> Iterator[Firestore]:
    client = open_firestore(stack.firestore_host, PROJECT)
    try:
        yield client
    finally:
        client.close()


def secret_of(stack: Stack, name: str) -> str:
    answer = requests.get(f"{stack.cloud_url}/v1/projects/{PROJECT}/secrets/{name}/versions/latest:access", timeout=10)
    answer.raise_for_status()
    data: str = answer.json()["payload"]["data"]
    return data


def user_count(stack: Stack) -> int:
    url = f"http://{stack.auth_host}/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:query"
    answer = requests.post(url, json={}, headers=OWNER, timeout=10)
    answer.raise_for_status()
    return len(answer.json().get("userInfo", []))


def sign_up(stack: Stack) -> None:
    url = f"http://{stack.auth_host}/identitytoolkit.googleapis.com/v1/accounts:signUp?key=any"
    requests.post(url, json={"email": "ann@example.com", "password": "secret-1"}, timeout=10).raise_for_status()


def test_the_next_run_finds_documents_users_and_the_secrets_they_are_encrypted_with(tmp_path: Path) -> None:
    with Stack(SETTINGS, folder=tmp_path, parts=PARTS) as first:
        with database(first) as firestore:
            firestore.document("things/one").set({"n": 1, "sealed": b"\x00\xff"})
        sign_up(first)
        secret = secret_of(first, "fanfare-data-key")
    assert (tmp_path / "kept/secrets.json").stat().st_mode & 0o077 == 0
    with Stack(SETTINGS, folder=tmp_path, parts=PARTS) as second:
        with database(second) as firestore:
            assert firestore.document("things/one").get().to_dict() == {"n": 1, "sealed": b"\x00\xff"}
            firestore.document("things/two").set({"n": 2})
        assert user_count(second) == 1
        assert secret_of(second, "fanfare-data-key") == secret
        second.kill("firestore")
        with pytest.raises(StackError, match="what was kept before is unchanged"):
            second.__exit__(None, None, None)
    assert KeptData(tmp_path / "kept").importable() == tmp_path / "kept/emulators"


def test_without_keep_nothing_is_kept(tmp_path: Path) -> None:
    with Stack(StackSettings(), folder=tmp_path, parts={"cloud"}) as stack:
        assert secret_of(stack, "fanfare-data-key")
    assert stack.kept is None
    assert not (tmp_path / "kept").exists()


def test_a_start_that_fails_leaves_what_was_kept_as_it_was(tmp_path: Path) -> None:
    data = tmp_path / "run/kept/emulators"
    data.mkdir(parents=True)
    (data / "mark").write_text("kept before", encoding="utf-8")
    (tmp_path / "main.py").write_text("raise RuntimeError('no such luck')\n", encoding="utf-8")
    stack = Stack(StackSettings(keep=True, functions_folder=tmp_path), folder=tmp_path / "run", parts={"firestore", "send"})
    with pytest.raises(StackError, match="no such luck"), stack:
        pass
    assert (data / "mark").read_text(encoding="utf-8") == "kept before"


@contextmanager
def hub(status: int, *, writes: bool) -> Iterator[int]:
    """A stand-in for firebase-tools' hub: it exports a file of its own, or says that it did."""

    class Hub(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            path = Path(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["path"])
            if writes:
                path.mkdir()
                (path / "firebase-export-metadata.json").write_text("{}", encoding="utf-8")
                (path / "mark").write_text("fresh", encoding="utf-8")
            self.send_response(status)
            self.end_headers()
            self.wfile.write(b'{"message": "no room"}')

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def kept_before(folder: Path, name: str = "emulators") -> KeptData:
    data = folder / "kept" / name
    data.mkdir(parents=True)
    (data / "firebase-export-metadata.json").write_text("{}", encoding="utf-8")
    (data / "mark").write_text("before", encoding="utf-8")
    return KeptData(folder / "kept")


def test_an_export_replaces_the_one_before(tmp_path: Path) -> None:
    kept = kept_before(tmp_path)
    (tmp_path / "kept/emulators.new").mkdir()
    with hub(200, writes=True) as port:
        kept.export(port)
    assert (kept.emulators / "mark").read_text(encoding="utf-8") == "fresh"
    assert [path.name for path in kept.folder.iterdir()] == ["emulators"]


@pytest.mark.parametrize(("status", "writes", "reason"), [(500, False, "no room"), (500, True, "no room"), (200, False, "does not hold it")])
def test_an_export_that_failed_leaves_the_one_before(tmp_path: Path, status: int, writes: bool, reason: str) -> None:  # noqa: FBT001 - a table
    kept = kept_before(tmp_path)
    with hub(status, writes=writes) as port, pytest.raises(StackError, match=reason):
        kept.export(port)
    assert (kept.emulators / "mark").read_text(encoding="utf-8") == "before"


def test_an_exchange_that_was_broken_off_is_undone(tmp_path: Path) -> None:
    kept = kept_before(tmp_path, "emulators.before")
    assert kept.importable() == kept.emulators
    assert (kept.emulators / "mark").read_text(encoding="utf-8") == "before"


def test_a_half_written_export_is_not_imported(tmp_path: Path) -> None:
    (tmp_path / "kept/emulators/firestore_export").mkdir(parents=True)
    assert KeptData(tmp_path / "kept").importable() is None
