"""The first push of `make run`: a demo tenant, its clients, a profile with three devices, and one message to them through the public API.

Tenants and clients are made with the functions' own services, as `make first-tenant` does for a deployment; everything else goes over HTTP, as
an app's backend would do it. Writes the file that `STACK_ENV_FILE` names, for load tools and for the printed `curl`; with `KEEP=1` also the one
that `KEPT_STACK_FILE` names, whose clients are used again by the next run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from dotenv import dotenv_values

from local.environment_file import write_environment_file
from local.service_account import make_service_account
from local.settings import ROOT

sys.path.append(str(ROOT / "functions"))

from fanfare.config import Settings
from fanfare.domain.client import TENANT_SCOPES, Scope
from fanfare.domain.tenant import PLATFORM_TENANT
from fanfare.ports import Deps
from fanfare.services.provision import NewClient, create_client, create_tenant
from fanfare.wiring import build_deps

LOAD_LIMITS = dict.fromkeys(("send", "bulk", "devices", "analytics", "other"), 100_000)
"""Requests a minute of the demo client: load tools must not run into a limit that is meant for apps."""
DEVICES = (
    {"token": "demo-android:APA91bFirstPushOfTheLocalStack", "platform": "android", "model": "Pixel 9", "locale": "sw-TZ"},
    {"fid": "cDemoInstallationIdIos", "platform": "ios", "model": "iPhone 17", "locale": "en-GB"},
    {"token": "demo-web:APA91bFirstPushOfTheLocalStack", "platform": "web", "model": "Firefox", "locale": "de-DE"},
)
MESSAGE = {"to": {"usernames": ["alice"]}, "title": "Hello from Fanfare", "body": "Your first push.", "priority": "high"}
DELIVERY_SECONDS = 20.0


class DemoError(Exception):
    """The first push did not arrive; the message says where it stopped."""


def main() -> int:
    """Make the demo, send the push, print what became of it; returns the exit status."""
    settings = Settings.from_env(os.environ)
    stack = find_or_create_demo(build_deps(settings), settings, os.environ)
    write_environment_file(Path(os.environ["STACK_ENV_FILE"]), stack)
    try:
        _show(stack, send_first_push(stack))
    except (DemoError, requests.RequestException) as error:
        print(f"The first push did not arrive: {error}", file=sys.stderr)
        return 1
    return 0


def find_or_create_demo(deps: Deps, settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Return what `stack.env` holds: with the clients of the run before where they are kept, else with new ones."""
    path = environment.get("KEPT_STACK_FILE")
    if not path:
        return create_demo(deps, settings, environment)
    kept = {name: value or "" for name, value in dotenv_values(path).items()}
    if deps.clients.get_fresh(kept.get("FANFARE_CLIENT_ID", "none")) is None:
        kept = create_demo(deps, settings, environment)
        write_environment_file(Path(path), kept)
    return kept | _addresses(settings, environment)


def create_demo(deps: Deps, settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    """Make the demo tenant and its clients and return what `stack.env` holds."""
    tenant = create_tenant(deps, "Demo", _credential(settings, environment))
    client, token = create_client(deps, NewClient(tenant.id, "Demo client", TENANT_SCOPES, LOAD_LIMITS))
    platform, platform_token = create_client(deps, NewClient(PLATFORM_TENANT, "Platform", (Scope.PLATFORM,), LOAD_LIMITS))
    return {
        "FANFARE_URL": environment["FANFARE_URL"],
        "FANFARE_CLIENT_ID": client.id,
        "FANFARE_CLIENT_TOKEN": token,
        "FANFARE_PLATFORM_CLIENT_ID": platform.id,
        "FANFARE_PLATFORM_CLIENT_TOKEN": platform_token,
        "FIRESTORE_EMULATOR_HOST": settings.firestore_emulator_host,
        "FCM_SIMULATOR_URL": environment.get("FCM_SIMULATOR_URL", ""),
    }


def _addresses(settings: Settings, environment: Mapping[str, str]) -> dict[str, str]:
    return {
        "FANFARE_URL": environment["FANFARE_URL"],
        "FIRESTORE_EMULATOR_HOST": settings.firestore_emulator_host,
        "FCM_SIMULATOR_URL": environment.get("FCM_SIMULATOR_URL", ""),
    }


def send_first_push(stack: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Register a profile with three devices, send to it and wait; returns the notification's status and its deliveries."""
    session = requests.Session()
    session.headers.update({"Client-ID": stack["FANFARE_CLIENT_ID"], "Client-Token": stack["FANFARE_CLIENT_TOKEN"]})
    base = f"{stack['FANFARE_URL']}/api/v1"
    _expect(session.post(f"{base}/profiles/", json={"username": "alice"}), 201, 409)  # 409 and 200: she was kept.
    for device in DEVICES:
        _expect(session.post(f"{base}/devices/", json={**device, "username": "alice"}), 201, 200)
    accepted = _expect(session.post(f"{base}/notify/", json=MESSAGE), 202)
    status = _wait(session, f"{base}/notifications/{accepted['id']}")
    deliveries = _expect(session.get(f"{base}/notifications/{accepted['id']}/deliveries/"), 200)
    return status, deliveries["items"]


def _credential(settings: Settings, environment: Mapping[str, str]) -> Mapping[str, Any]:
    path = environment.get("GOOGLE_APPLICATION_CREDENTIALS")
    if path:
        credential: Mapping[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        return credential
    return make_service_account("fanfare-demo", settings.oauth_token_uri)


def _wait(session: requests.Session, url: str) -> dict[str, Any]:
    deadline = time.monotonic() + DELIVERY_SECONDS
    while True:
        status = _expect(session.get(f"{url}/status/"), 200)
        if status["status"] == "completed":
            return status
        if time.monotonic() > deadline:
            raise DemoError(f"it is still {status['status']} after {DELIVERY_SECONDS:.0f} seconds")
        time.sleep(0.05)


def _expect(response: requests.Response, *statuses: int) -> dict[str, Any]:
    if response.status_code not in statuses:
        raise DemoError(f"{response.request.method} {response.request.path_url} answered {response.status_code}: {response.text[:500]}")
    content: dict[str, Any] = response.json()
    return content


def _show(stack: Mapping[str, str], result: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    status, deliveries = result
    counts = status["counts"]
    print(f"\nFirst push {status['id']} is {status['status']}: {counts['sent']} sent, {counts['failed']} failed of {counts['targeted']} devices.")
    for item in deliveries:
        print(f"  {item['platform']:<8} {item['outcome']:<7} {item['fcm_message_id'] or item['error_code']}")
    print(f"""
Send it again:

  curl -X POST {stack["FANFARE_URL"]}/api/v1/notify/ \\
    -H 'Client-ID: {stack["FANFARE_CLIENT_ID"]}' \\
    -H 'Client-Token: {stack["FANFARE_CLIENT_TOKEN"]}' \\
    -H 'Content-Type: application/json' \\
    -d '{json.dumps(MESSAGE)}'

The API's page:          {stack["FANFARE_URL"]}/api/v1/docs
Credentials and ports:   {os.environ["STACK_ENV_FILE"]}""")
    if stack["FCM_SIMULATOR_URL"]:
        print(f"What FCM accepted:       {stack['FCM_SIMULATOR_URL']}/_sim/messages")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main())
