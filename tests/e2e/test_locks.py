"""The walk through every door on the functions' own adapters: Firestore, Secret Manager, FCM and the log are the local stack's.

It has a Google project of its own, so that no function of the stack sweeps up or sends what it leaves lying, and all that is stored can be read
before and after. How many locks were tried stands at the end of its output.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import pytest
import requests

from fanfare.config import Settings
from fanfare.wiring import build_deps
from local.deployment_secrets import create_deployment_secrets
from local.environment import REGION
from local.queues import create_queues
from local.service_account import make_service_account
from local.stack import Stack
from tests.e2e.harness import TIMEOUT_SECONDS, Cloud
from tests.locks.asking import Ask, send
from tests.locks.credentials import good_credentials
from tests.locks.door import Door
from tests.locks.doors import DOORS
from tests.locks.internal import INTERNAL, internal_breaches
from tests.locks.names import Names
from tests.locks.traces import Overheard, audit_entries, quoted
from tests.locks.walk import Walk, count_of
from tests.locks.world import Snapshot, World

PROJECT = "fanfare-locks"
# Nobody listens there: the tasks wait, and are dropped at the end.
URLS = {name: f"http://127.0.0.1:9/{name}" for name in ("send", "fanout", "schedule", "rollup", "keepalive", "cleanup", "webhook")}
pytestmark = pytest.mark.timeout(300)


@dataclass
class RealWalk:
    """A walk, what our own log and those of the libraries said meanwhile, and where all that is stored can be read."""

    walk: Walk
    log: io.StringIO
    overheard: Overheard
    documents: str


def stored(documents: str) -> Snapshot:
    """Every document of the walk's project, but for the counters of requests and of refusals."""
    query = {"structuredQuery": {"from": [{"allDescendants": True}]}}
    answer = requests.post(f"{documents}:runQuery", json=query, headers={"Authorization": "Bearer owner"}, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 200, answer.text
    found = {row["document"]["name"]: row["document"] for row in answer.json() if "document" in row}
    return {name: document for name, document in found.items() if "/limits/" not in name and not _counts_refusals(document)}


def _counts_refusals(document: dict[str, object]) -> bool:
    return '"authentication.refused"' in json.dumps(document.get("fields", {}).get("action", {}))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def real(stack: Stack, cloud: Cloud) -> Iterator[RealWalk]:
    log, overheard = io.StringIO(), Overheard()
    logging.getLogger().addHandler(overheard)
    address = urlsplit(stack.environment["SECRET_MANAGER_ENDPOINT"]).netloc
    create_queues(address, project=PROJECT, region=REGION)
    create_deployment_secrets(address, project=PROJECT)
    own = {"GOOGLE_CLOUD_PROJECT": PROJECT, "ALLOWED_HOSTS": "", **{f"{name.upper()}_URL": url for name, url in URLS.items()}}
    documents = f"http://{stack.firestore_host}/v1/projects/{PROJECT}/databases/(default)/documents"
    with pytest.MonkeyPatch.context() as environment, redirect_stdout(log):
        environment.setenv("FIRESTORE_EMULATOR_HOST", stack.firestore_host)
        deps = build_deps(Settings.from_env({**stack.environment, **own}))
        # The logger keeps the output that it finds with its first line.
        deps.log.info("the_walk_begins")
    names = Names("e2e", partial(make_service_account, token_uri=stack.environment["OAUTH_TOKEN_URI"]))
    walk = Walk(World.build(deps, names, partial(stored, documents)))
    yield RealWalk(walk, log, overheard, documents)
    logging.getLogger().removeHandler(overheard)
    cloud.purge()
    sys.stdout.write(f"\n{count_of(walk)}, on the real adapters\n")


@pytest.fixture(scope="module")
def finished(real: RealWalk) -> RealWalk:
    """The walk after its last door."""
    real.walk.finish()
    return real


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.route)
def test_nobody_gets_in_and_nobody_learns_anything(real: RealWalk, door: Door) -> None:
    assert not real.walk.breaches(door), "\n".join(real.walk.breaches(door))


def test_the_same_clients_are_let_in_where_nothing_is_wrong(real: RealWalk) -> None:
    world = real.walk.world
    answers = {name: send(world.phone, "GET /devices", Ask(), headers).status_code for name, headers in good_credentials(world).items()}
    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("function", INTERNAL)
def test_internal_functions_let_nobody_in_but_their_own_caller(real: RealWalk, stack: Stack, cloud: Cloud, function: str) -> None:
    tasks, scheduler = stack.environment["TASKS_SERVICE_ACCOUNT"], stack.environment["SCHEDULER_SERVICE_ACCOUNT"]
    accounts = {
        "send": tasks,
        "fanout": tasks,
        "schedule": scheduler,
        "rollup": scheduler,
        "cleanup": scheduler,
        "keepalive": scheduler,
        "webhook": tasks,
    }
    other = next(name for name in INTERNAL if accounts[name] != accounts[function])

    def bearer(account: str, audience: str) -> dict[str, str]:
        token = cloud.identity_token(account, audience)
        real.walk.world.names.keep_secrets([token])
        return {"Authorization": f"Bearer {token}"}

    owner = real.walk.world.acme.owner
    locks = {
        "no token": ({}, 401),
        "a client's headers": (owner, 401),
        "a text that is no token": ({"Authorization": "Bearer unknown"}, 401),
        "a client's token": ({"Authorization": f"Bearer {owner['Client-Token']}"}, 401),
        "a user's ID token": (real.walk.world.bearer(real.walk.world.acme.project), 401),
        "another function's token": (bearer(accounts[other], URLS[other]), 401),
        "another function's account": (bearer(accounts[other], URLS[function]), 403),
        "an account of somebody else": (bearer("somebody@else.example", URLS[function]), 403),
    }
    good = bearer(accounts[function], URLS[function])
    assert list(internal_breaches(INTERNAL[function](real.walk.world.deps), locks, good)) == []


def test_errors_hold_none_of_the_values_of_the_walk(finished: RealWalk) -> None:
    names = finished.walk.world.names
    assert len(finished.walk.refusals) > 1_000
    assert quoted(finished.walk.refusals, names.secrets | names.private) == []


def test_the_audit_log_holds_none_of_the_values_of_the_walk(finished: RealWalk) -> None:
    names, entries = finished.walk.world.names, list(audit_entries(finished.walk))
    assert len(entries) > 100
    assert quoted(entries, names.secrets | names.private) == []


def test_logs_hold_none_of_the_values_of_the_walk(finished: RealWalk) -> None:
    names, lines = finished.walk.world.names, finished.log.getvalue().splitlines()
    assert "the_walk_begins" in lines[0]
    assert [line for line in lines if json.loads(line)["severity"] == "ERROR"] == []
    assert quoted([*lines, *finished.overheard.lines], names.secrets | names.private) == []


def test_the_database_shows_no_secret_to_whoever_reads_it(finished: RealWalk) -> None:
    documents = [json.dumps(document) for document in stored(finished.documents).values()]
    assert len(documents) > 500
    assert quoted(documents, finished.walk.world.names.secrets) == []
