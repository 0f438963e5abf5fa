"""Where a push is followed: on the local stack that runs, else on one of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from dotenv import dotenv_values

from fanfare.config import Settings
from fanfare.wiring import build_deps
from local.demo import create_demo
from local.settings import ROOT, StackSettings
from local.stack import Stack
from tests.e2e.harness import Credentials
from tests.show.transcript import Say

FOLDER = ROOT / ".local"
_ANSWER_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """A stack as a program outside of it knows it; an app's listener asks for both emulators by these names."""

    url: str
    platform: Credentials
    fcm_url: str
    firestore_host: str
    auth_host: str


@contextmanager
def a_place(say: Say) -> Iterator[Place]:
    """The stack that `make run` keeps up, if there is one with the FCM simulator; else a fresh one while the block lasts."""
    running = running_place(FOLDER)
    if running is not None:
        say(f"On the local stack at {running.url}.")
        yield running
        return
    say("No local stack with the FCM simulator is up: starting one, which takes half a minute.")
    with TemporaryDirectory(prefix="fanfare-follow-") as folder, Stack(StackSettings(), folder=Path(folder)) as stack:
        yield _fresh_place(stack)


def running_place(folder: Path) -> Place | None:
    """The stack that wrote its file into this folder, if it still answers its platform's client."""
    path = folder / "stack.env"
    values = {name: value or "" for name, value in dotenv_values(path).items()} if path.is_file() else {}
    if not values.get("FCM_SIMULATOR_URL"):
        return None
    auth = json.loads((folder / "firebase.json").read_text(encoding="utf-8"))["emulators"]["auth"]
    place = _place(values, f"{auth['host']}:{auth['port']}")
    return place if _answers(place) else None


def _fresh_place(stack: Stack) -> Place:
    # Firestore's client finds the emulator by its own variable, when it is made.
    os.environ["FIRESTORE_EMULATOR_HOST"] = stack.firestore_host
    settings = Settings.from_env(stack.environment)
    return _place(create_demo(build_deps(settings), settings, stack.client_environment), stack.auth_host)


def _place(values: Mapping[str, str], auth_host: str) -> Place:
    platform = Credentials(values["FANFARE_PLATFORM_CLIENT_ID"], values["FANFARE_PLATFORM_CLIENT_TOKEN"])
    return Place(values["FANFARE_URL"], platform, values["FCM_SIMULATOR_URL"], values["FIRESTORE_EMULATOR_HOST"], auth_host)


def _answers(place: Place) -> bool:
    try:
        response = requests.get(f"{place.url}/api/v1/apps", headers=place.platform.headers, params={"limit": 1}, timeout=_ANSWER_SECONDS)
    except requests.RequestException:
        return False
    return response.ok
