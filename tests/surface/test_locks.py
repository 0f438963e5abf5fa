"""The walk through every door, on fakes: quick enough for every run. `tests/e2e/test_locks.py` walks again through the real ones."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from fanfare.adapters.firebase_users import FirebaseUserAuthenticator
from fanfare.adapters.google_oidc import GoogleCertificates
from fanfare.domain.errors import Forbidden
from fanfare.ports import Deps
from fanfare.web.api import build_api
from tests.fakes import FixedClock, RecordingLog, RecordingTaskQueue, ScriptedCallAuthenticator, fake_deps
from tests.locks.asking import PREFIX, Ask, route_of, send
from tests.locks.credentials import good_credentials
from tests.locks.door import Door
from tests.locks.doors import DOORS, OPEN
from tests.locks.fields import Document
from tests.locks.internal import INTERNAL, internal_breaches
from tests.locks.names import Names
from tests.locks.traces import audit_entries, quoted
from tests.locks.walk import Walk
from tests.locks.world import World
from tests.service_accounts import a_service_account
from tests.surface.surface import STORES

NOBODY = "http://127.0.0.1:9/"
"""No certificate is ever asked for: every token of the walk is refused, or believed, before."""
WHAT_TO_ADD = (
    "has no entry in tests/locks/doors.py: add a Door that says how its owner asks for something good (`ask`) and how another tenant's things "
    "get into each field that names one (`mentions`), or list it in OPEN with what it shows"
)


def kept(deps: Deps) -> dict[str, object]:
    """Everything that the fakes keep, thing by thing."""
    found: dict[str, object] = {}
    for store in STORES:
        for name, value in vars(getattr(deps, store)).items():
            things: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | set) else ()
            found |= {f"{store}.{name}.{key!r}": thing for key, thing in things}
    return found


def walk_of(**overrides: Any) -> Walk:
    """A walk on fakes, with others in the place of some of them."""
    clock = FixedClock()
    users = FirebaseUserAuthenticator(GoogleCertificates(NOBODY, clock), clock, unsigned=True)
    deps = fake_deps(**{"clock": clock, "users": users, **overrides})
    return Walk(World.build(deps, Names("unit", a_service_account), lambda: kept(deps)))


@pytest.fixture(scope="module")
def walk() -> Walk:
    return walk_of()


@pytest.fixture(scope="module")
def finished(walk: Walk) -> Walk:
    """The walk after its last door."""
    walk.finish()
    return walk


@pytest.fixture(scope="module")
def phone() -> FlaskClient:
    return build_api(fake_deps()).test_client()


@pytest.fixture(scope="module")
def document(phone: FlaskClient) -> Document:
    return Document(phone.get(f"{PREFIX}/openapi.json").json or {})


def routes(phone: FlaskClient) -> set[str]:
    """Every route of the API, as the table names them."""
    rules = phone.application.url_map.iter_rules()
    return {route_of(method, rule.rule) for rule in rules for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


def test_every_route_has_an_entry(phone: FlaskClient) -> None:
    listed = [*(door.route for door in DOORS), *OPEN]
    assert len(listed) == len(set(listed))
    assert [f"{route} {WHAT_TO_ADD}" for route in sorted(routes(phone) - set(listed))] == []
    assert sorted(set(listed) - routes(phone)) == [], "there are entries of routes that are gone"


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.route)
def test_every_field_that_names_a_thing_is_tried_with_another_tenants(document: Document, door: Door) -> None:
    untried = document.names_of_things(door.route) - door.mentions.keys() - door.nothing_in.keys()
    assert [f"{door.route}: {field} needs a mention in tests/locks/doors.py, or a reason in `nothing_in`" for field in sorted(untried)] == []
    assert door.nothing_in.keys() <= document.query_of(door.route) | document.body_of(door.route)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.route)
def test_nobody_gets_in_and_nobody_learns_anything(walk: Walk, door: Door) -> None:
    assert not walk.breaches(door), "\n".join(walk.breaches(door))


def test_the_same_clients_are_let_in_where_nothing_is_wrong(walk: Walk) -> None:
    answers = {name: send(walk.world.phone, "GET /devices", Ask(), headers).status_code for name, headers in good_credentials(walk.world).items()}
    assert set(answers.values()) == {200}, answers


@pytest.mark.parametrize("route", OPEN)
def test_open_routes_show_nothing_of_a_tenant(finished: Walk, route: str) -> None:
    world = finished.world
    answer = send(world.phone, route, Ask(), {})
    assert answer.status_code == 200
    assert quoted([answer.text], [world.acme.id, world.globex.id, *world.names.private, *world.names.secrets]) == []


@pytest.mark.parametrize("function", INTERNAL)
def test_internal_functions_let_nobody_in_but_their_own_caller(finished: Walk, function: str) -> None:
    world = finished.world
    other = next(name for name in INTERNAL if name != function)
    callers = {
        (function, "own-token"): None,
        (other, "others-token"): None,
        (function, "strange-account"): Forbidden("This account may not call.", ""),
    }
    deps = fake_deps(call_authenticator=ScriptedCallAuthenticator(callers))
    locks = {
        "no token": ({}, 401),
        "a client's headers": (world.acme.owner, 401),
        "an unknown token": ({"Authorization": "Bearer unknown"}, 401),
        "another function's token": ({"Authorization": "Bearer others-token"}, 401),
        "a client's token": ({"Authorization": f"Bearer {world.acme.owner['Client-Token']}"}, 401),
        "a user's ID token": (world.bearer(world.acme.project), 401),
        "another account's token": ({"Authorization": "Bearer strange-account"}, 403),
    }
    assert list(internal_breaches(INTERNAL[function](deps), locks, {"Authorization": "Bearer own-token"})) == []


def test_errors_hold_none_of_the_values_of_the_walk(finished: Walk) -> None:
    assert len(finished.refusals) > 1_000
    assert quoted(finished.refusals, finished.world.names.secrets | finished.world.names.private) == []


def test_the_audit_log_holds_none_of_the_values_of_the_walk(finished: Walk) -> None:
    entries = list(audit_entries(finished))
    assert len(entries) > 100
    assert quoted(entries, finished.world.names.secrets | finished.world.names.private) == []


def test_logs_and_tasks_hold_none_of_the_values_of_the_walk(finished: Walk) -> None:
    log, tasks = finished.world.deps.log, finished.world.deps.tasks
    assert isinstance(log, RecordingLog)
    assert isinstance(tasks, RecordingTaskQueue)
    assert [record for record in log.records if record.level == "error"] == []
    assert tasks.sends
    assert quoted(map(repr, [*log.records, *tasks.sends]), finished.world.names.secrets | finished.world.names.private) == []
