"""The fcmpy daemon's callers: the `curl` lines of its README run unchanged but for host and key, and what they do arrives at FCM."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Api, Simulator, Tenant, deliveries, fresh, wait_for_status

HEALTH = "curl http://127.0.0.1:9090/"
STATS = "curl http://127.0.0.1:9090/stats"
SEND = """curl -X POST http://127.0.0.1:9090 \\
      -d "username=alice&type=message&from=bob&body=Hello%20world\""""
OLD_ADDRESS = "http://127.0.0.1:9090"
MARK = "MARK9"


def curl(line: str, tenant: Tenant, key: str | None = None, *options: str) -> tuple[int, Any]:
    """Run a line as a shell does, with the gateway's address and, where there is one, a key; returns the status and the answer."""
    moved = line.replace(OLD_ADDRESS, tenant.url)
    given = [*(["-H", f"X-Access-Key: {key}"] if key else []), "-w", "\n%{http_code}", "-sS", "--max-time", str(int(TIMEOUT_SECONDS)), *options]
    script = f'{moved} "$@"'
    done = subprocess.run(["/bin/sh", "-c", script, "sh", *given], capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body) if body else None


@pytest.fixture(scope="module")
def key(tenant: Tenant) -> str:
    return tenant.credentials().token


def test_health_check(tenant: Tenant) -> None:
    status, answer = curl(HEALTH, tenant)
    assert (status, answer["status"], answer.keys()) == (200, "ok", {"status", "msg"})


def test_stats(tenant: Tenant, key: str) -> None:
    status, answer = curl(STATS, tenant, key)
    assert (status, answer["status"]) == (200, "ok")
    assert answer["today"].keys() == {"date", "sent_ok", "sent_fail", "cleaned"}
    assert answer["system"]["db_connected"] is True
    assert answer["system"]["memory_bytes"] > 10_000_000
    assert curl(STATS, tenant)[0] == 401


def test_push_reaches_the_users_devices(tenant: Tenant, key: str, api: Api, fcm: Simulator) -> None:
    tokens = [fresh("alice") for _ in range(2)]
    for token in tokens:
        api.register(token=token, username="alice")
    status, answer = curl(SEND, tenant, key)
    assert (status, answer["status"], answer["msg"], answer["devices"]) == (200, "ok", "queued", 2)
    wait_for_status(api, answer["id"])
    for token in tokens:
        message = fcm.only_message(token)
        assert message["notification"] == {"title": "New message from bob", "body": "Hello world"}
        data = {name: message["data"][name] for name in ("type", "caller", "username")}
        assert data == {"type": "message", "caller": "bob", "username": "alice"}
        assert message["android"]["priority"].lower() == "normal"
    assert {row["outcome"] for row in deliveries(api, answer["id"]).values()} == {"sent"}
    shown = api.get(f"/notifications/{answer['id']}")
    assert (shown["caller"], shown["type"], shown["template"]) == ("bob", "message", "message")


@pytest.mark.parametrize(
    ("form", "title", "priority"),
    [
        ("type=call&from=bob", "Incoming call from bob", "high"),
        ("type=call", "Incoming call from ", "high"),
        ("type=keepalive", "Background sync", "high"),
        ("type=door-bell&body=Ring", "Notification", "normal"),
        ("from=bob", "Notification", "normal"),
    ],
)
def test_type_chooses_template_and_priority(tenant: Tenant, key: str, api: Api, fcm: Simulator, form: str, title: str, priority: str) -> None:
    token, name = fresh("phone"), fresh("callee")
    api.register(token=token, username=name)
    status, answer = curl(f'curl -X POST {OLD_ADDRESS} -d "username={name}&{form}"', tenant, key)
    assert (status, answer["devices"]) == (200, 1)
    wait_for_status(api, answer["id"])
    message = fcm.only_message(token)
    assert (message["notification"]["title"].strip(), message["android"]["priority"].lower()) == (title.strip(), priority)


def test_unknown_user_is_no_error_and_a_missing_one_is(tenant: Tenant, key: str) -> None:
    status, answer = curl(f'curl -X POST {OLD_ADDRESS} -d "username={fresh("nobody")}&type=call"', tenant, key)
    assert (status, answer["devices"]) == (200, 0)
    assert curl(f'curl -X POST {OLD_ADDRESS} -d "type=call"', tenant, key) == (400, {"status": "error", "msg": "username: is missing"})


def test_sip_proxies_post_as_they_like(tenant: Tenant, key: str, api: Api, fcm: Simulator) -> None:
    token, name = fresh("phone"), fresh("callee")
    api.register(token=token, username=name)
    for header in ("Content-Type:", "Content-Type: text/plain", "Content-Type: application/x-www-form-urlencoded; charset=x-strange"):
        assert curl(f"curl -X POST {OLD_ADDRESS} -d 'username={name}&from=J%F6rg'", tenant, key, "-H", header)[0] == 200
    assert curl(f"curl -X POST {OLD_ADDRESS} -d '<call/>'", tenant, key, "-H", "Content-Type: text/xml")[0] == 415


def test_repeated_key_queues_once(tenant: Tenant, key: str) -> None:
    header = ("-H", f"Idempotency-Key: {fresh('key')}")
    first, again = (curl(SEND, tenant, key, *header) for _ in range(2))
    assert first == again


def test_nobody_without_a_key_gets_in(tenant: Tenant) -> None:
    for line in (SEND, STATS, f"curl -X POST {OLD_ADDRESS}/reload", f"curl -X POST {OLD_ADDRESS}/keepalive-reply -d token=x"):
        for key in (None, "wrong", "client.wrong"):
            status, answer = curl(line, tenant, key)
            assert (status, answer["status"]) == (401, "error"), line


def test_reply_to_a_ping_is_noted(tenant: Tenant, key: str, api: Api) -> None:
    token = fresh("pinged")
    device = api.register(token=token)["id"]
    assert curl(f"curl -X POST {OLD_ADDRESS}/keepalive-reply -d token={token}", tenant, key) == (200, {"status": "ok", "msg": "noted"})
    assert api.get(f"/devices/{device}")["keepalive"]["reply"] is not None
    assert curl(f"curl -X POST {OLD_ADDRESS}/keepalive-reply -d token=nobodys", tenant, key)[0] == 404


def test_reload_by_header_and_by_the_address(tenant: Tenant, key: str) -> None:
    first = curl(f"curl -X POST {OLD_ADDRESS}/reload", tenant, key)
    second = curl(f"curl -X POST '{OLD_ADDRESS}/reload?token={key}'", tenant)
    assert (first[0], first[1]["msg"], second[0]) == (200, "reloaded", 200)
    assert second[1]["config_version"] == first[1]["config_version"] + 1
    # Nowhere else: what stands in an address is in logs.
    assert curl(f"curl -X POST '{OLD_ADDRESS}/?token={key}' -d username=alice", tenant)[0] == 401
    assert curl(f"curl '{OLD_ADDRESS}/stats?token={key}'", tenant)[0] == 401


def logs_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob("*.log")}


def test_what_stood_in_an_address_or_a_form_is_in_no_log(tenant: Tenant, key: str, stack: Stack) -> None:
    request_id = f"asked-{time.time_ns()}"
    curl(f"curl -X POST '{OLD_ADDRESS}/reload?token={MARK}.{MARK}'", tenant, None, "-H", f"X-Request-ID: {request_id}")
    curl(f"curl -X POST '{OLD_ADDRESS}/reload?token={key}&{MARK}={MARK}'", tenant)
    curl(f"curl -X POST '{OLD_ADDRESS}' -d 'username={MARK}&from={MARK}&body={MARK}&type={MARK}'", tenant, key)
    curl(f"curl -X POST '{OLD_ADDRESS}/keepalive-reply' -d 'token={MARK}'", tenant, key)
    logs = logs_of(stack.folder)
    assert any(request_id in text for text in logs.values()), logs.keys()
    assert [name for name, text in logs.items() if MARK in text or key in text] == []
