"""`make rotate-keys`: give every tenant new keys, or the one that TENANT names, and watch until everything has been written anew.

The rotation is the deployment's own work: it goes on, tick by tick, whether anybody watches or not.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests
from dotenv import dotenv_values

from local.settings import ROOT

STACK_FILE = ROOT / ".local" / "stack.env"
PLATFORM = "platform"
REQUEST_SECONDS = 30.0
PATIENCE_SECONDS = 120.0
"""How long an API that does not answer, or not yet again, is asked once more."""
WAITS = {
    "announced": "waiting until every instance knows the new keys",
    "filling_profiles": "writing profiles under both keys",
    "filling_devices": "writing devices under both keys",
    "switched": "waiting until every instance looks up by the new key",
    "closed": "waiting until no instance writes under the old key",
    "clearing_profiles": "taking the old key's hashes from profiles",
    "clearing_devices": "taking the old key's hashes from devices",
    "clearing_locks": "removing the old key's locks",
}


class RotationError(Exception):
    """It can't be begun or watched; the message says why."""


class Platform:
    """The API as the platform's client sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        names = ("FANFARE_URL", "FANFARE_PLATFORM_CLIENT_ID", "FANFARE_PLATFORM_CLIENT_TOKEN")
        missing = [name for name in names if not environment.get(name)]
        if missing:
            raise RotationError(f"Set {', '.join(missing)}, or start the local stack, which writes them into {STACK_FILE.name}.")
        url, client_id, token = (environment[name] for name in names)
        self._base = f"{url.rstrip('/')}/api/v1"
        self._session = requests.Session()
        self._session.headers.update({"Client-ID": client_id, "Client-Token": token})

    def call(self, method: str, path: str, **query: str) -> dict[str, Any] | None:
        """Call a route and return its answer, None for 404; whoever is busy or away is asked again for two minutes."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer, problem = self._try(method, path, query)
            if not problem:
                return answer
            if time.monotonic() > until:
                raise RotationError(f"{method} {path}: {problem}")
            time.sleep(5)

    def _try(self, method: str, path: str, query: Mapping[str, str]) -> tuple[dict[str, Any] | None, str]:
        """An answer, or what stands in its way at the moment; RotationError for what will not pass."""
        try:
            response = self._session.request(method, f"{self._base}{path}", params=dict(query), timeout=REQUEST_SECONDS)
        except requests.RequestException as error:
            return None, f"the API does not answer ({type(error).__name__})"
        if response.status_code == requests.codes.not_found:
            return None, ""
        if response.status_code == requests.codes.too_many_requests or response.status_code >= requests.codes.server_error:
            return None, f"the API answers {response.status_code}"
        if not response.ok:
            raise RotationError(f"{method} {path} answers {response.status_code}: {response.text[:300]}")
        content: dict[str, Any] = response.json()
        return content, ""


def main(given: Mapping[str, str], stack_file: Path = STACK_FILE) -> int:
    """Rotate and watch; returns the exit status."""
    try:
        # What the local stack wrote for other programs; the environment wins.
        written = {name: value or "" for name, value in dotenv_values(stack_file).items()} if stack_file.is_file() else {}
        environment = {**written, **given}
        rotate(Platform(environment), environment.get("TENANT", ""))
    except RotationError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nNobody watches any more. What was begun goes on by itself; the same command shows where it is.", file=sys.stderr)
        return 1
    return 0


def rotate(platform: Platform, tenant: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Begin the rotations and wait until none is under way."""
    begun = {name for name in ([tenant] if tenant else _tenants(platform)) if _begin(platform, name)}
    if not begun:
        raise RotationError(f"There is no tenant {tenant!r}." if tenant else "There is no tenant.")
    print(
        f"{len(begun)} rotation(s) under way. Each waits three times for two and a half minutes; pushes and registrations go on meanwhile.",
        flush=True,
    )
    shown: dict[str, str] = {}
    while begun:
        for name in sorted(begun):
            state = platform.call("GET", f"/apps/{name}/rotate-keys") or {"phase": None}
            _show(name, state, shown)
            if state["phase"] is None:
                begun.discard(name)
        # Slower with many tenants, so that the platform's rate limit is not spent on watching.
        sleep(max(5.0, len(begun) * 0.5) if begun else 0)


def _begin(platform: Platform, tenant: str) -> bool:
    return platform.call("POST", f"/apps/{tenant}/rotate-keys") is not None


def _tenants(platform: Platform) -> Iterator[str]:
    """Every tenant's id, the platform's own included, whose key seals what platform clients are answered."""
    cursor: str | None = ""
    while cursor is not None:
        page = platform.call("GET", "/apps", limit="100", **({"cursor": cursor} if cursor else {})) or {"items": [], "next_cursor": None}
        yield from (app["id"] for app in page["items"] if app["id"] != PLATFORM)
        cursor = page["next_cursor"]
    yield PLATFORM


def _show(tenant: str, state: Mapping[str, Any], shown: dict[str, str]) -> None:
    """Print a tenant's state where it is news."""
    phase = state["phase"]
    line = WAITS.get(phase, phase) if phase else "done"
    if state.get("done"):
        line += f" ({state['done']} so far)"
    if shown.get(tenant) != line:
        shown[tenant] = line
        print(f"{time.strftime('%H:%M:%S')}  {tenant}: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(os.environ))
