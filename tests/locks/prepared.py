"""A door with everything that its locks need, made before the first of them is tried: from then on every write is somebody's who got in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fanfare.domain.identifiers import decode_base64url, encode_base64url
from fanfare.domain.listing import MAC_BYTES
from fanfare.web.gate import Access
from tests.locks.asking import Ask, arguments_of, rule_of, send
from tests.locks.door import Door
from tests.locks.doors import DOORS
from tests.locks.place import Place
from tests.locks.world import Headers, World


@dataclass(frozen=True)
class Pair:
    """A request that names another tenant's thing, and the same one with a name that belongs to nobody."""

    theirs: Ask
    nobodys: Ask


@dataclass(frozen=True)
class Users:
    """An app's user with a good request, and the same about other people's devices and in other people's names."""

    headers: Headers
    good: Ask
    paths: Mapping[str, Pair]
    bodies: Mapping[str, Pair]


@dataclass(frozen=True)
class Prepared:
    """A door, who may open it, and its requests: a good one, those with foreign names in path and body, cursors of other lists."""

    door: Door
    access: Access
    owner: Headers
    good: Ask
    paths: Mapping[str, Pair]
    mentions: Mapping[str, Pair]
    cursors: Mapping[str, Ask]
    repeated: Ask | None
    users: Users | None
    key: str


def prepare(world: World, door: Door) -> Prepared:
    """Make a door's things."""
    view = view_of(world, door)
    good = door.ask(world.acme)
    return Prepared(
        door,
        view.access,
        world.platform if door.platform else world.acme.owner,
        good,
        _paths(world, door, good),
        {name: Pair(mention(world.acme, world.globex), mention(world.acme, world.nowhere)) for name, mention in door.mentions.items()},
        _cursors(world, door, good) if is_paged(world, door) else {},
        door.ask(world.acme) if getattr(view, "repeatable", False) else None,
        _users(world, door) if view.access.users else None,
        world.names.new_secret("idempotency-key"),
    )


def view_of(world: World, door: Door) -> Any:
    """The function behind a door."""
    method, rule_text = door.route.partition(" ")[0], rule_of(door.route)
    rules = [rule for rule in world.app.url_map.iter_rules() if rule.rule == rule_text and method in (rule.methods or ())]
    assert rules, f"{door.route} is no route any more: take its entry out of tests/locks/doors.py"
    return world.app.view_functions[rules[0].endpoint]


def is_paged(world: World, door: Door) -> bool:
    """Tell whether a route takes a cursor."""
    return cursor_field(world, door) in world.document.query_of(door.route)


def cursor_field(world: World, door: Door) -> str:
    """Where a route takes its cursor: a poll, which has no last page, goes on `after` it."""
    return "after" if "after" in world.document.query_of(door.route) else "cursor"


def _paths(world: World, door: Door, good: Ask) -> dict[str, Pair]:
    """Each argument of the path for itself, and where there are several all of them, replaced by another tenant's and by nobody's."""
    arguments = arguments_of(door.route)
    if not arguments:
        return {}
    theirs, nobodys = door.ask(world.globex), door.ask(world.nowhere)
    pairs = {name: Pair(good.with_path(name, theirs.path[name]), good.with_path(name, nobodys.path[name])) for name in arguments}
    whole = Pair(replace(good, path=theirs.path), replace(good, path=nobodys.path))
    return pairs if len(pairs) == 1 else {**pairs, " and ".join(arguments): whole}


_OTHER_LISTS = {"GET /clients", "GET /devices", "GET /templates"}
"""One that has no filters, one with filters that are never empty, one whose filters are."""


def _cursors(world: World, door: Door, good: Ask) -> dict[str, Ask]:
    """Cursors that are not this list's; the first one never was any."""
    pager = world.platform if door.paged_for_platform else world.globex.owner
    foreign = _cursor(world, door, door.ask(world.globex), pager)
    others = [other for other in DOORS if other.route in _OTHER_LISTS and other is not door]
    found = {
        "no cursor at all": "never-a-cursor",
        "the form of a cursor": foreign[::-1],
        "another tenant's cursor": foreign,
        **{f"a cursor of {other.route}": _cursor(world, other, other.ask(world.acme), world.acme.owner) for other in others},
    }
    field = cursor_field(world, door)
    asks = {name: good.with_query(**{field: cursor}) for name, cursor in found.items()}
    if door.paged_for_platform:
        return asks
    own = _cursor(world, door, good, world.acme.owner)
    spliced = {"a cursor that was put together": good.with_query(**{field: _spliced(own, foreign)})}
    narrowed = {"a cursor of another filter": good.with_query(**{field: own}, **door.narrower)} if door.narrower else {}
    return {**asks, **spliced, **narrowed}


def _spliced(own: str, foreign: str) -> str:
    """Another tenant's place behind one's own signature; where both lists have the same places, another place."""
    signed, place = decode_base64url(own), decode_base64url(foreign)[MAC_BYTES:]
    return encode_base64url(signed[:MAC_BYTES] + (place if place != signed[MAC_BYTES:] else place + b"0"))


def _cursor(world: World, door: Door, ask: Ask, headers: Headers) -> str:
    answer = send(world.phone, door.route, ask.with_query(limit=1), headers)
    assert answer.status_code == 200, f"{door.route}: {answer.status_code} {answer.text}"
    cursor = answer.json["next_cursor"]
    assert cursor, f"{door.route} has no second page: its entry in tests/locks/doors.py must make two things"
    return str(cursor)


def _users(world: World, door: Door) -> Users:
    """A user's own good request, and the same about a device of the tenant's, of another user and of another tenant's user."""
    assert door.by_user is not None, f"{door.route} is for users: its entry in tests/locks/doors.py needs a `by_user`"
    own = world.user(world.acme)
    good = door.by_user(own)
    taken = world.document.body_of(door.route) if good.body else set()
    naming = {name: find for name, find in _NAMING_SOMEBODY.items() if name in taken}
    bodies = {f"another's {name} in the body": _in_the_name_of(world, good, name, find) for name, find in naming.items()}
    if not good.path:
        return Users(own.headers, good, {}, bodies)
    others = {
        "a device of another user": door.by_user(world.user(world.acme)),
        "a device of another tenant's user": door.by_user(world.user(world.globex)),
        "a device of a back end": door.ask(world.acme),
        "a device of another tenant's back end": door.ask(world.globex),
    }
    nobodys = door.ask(world.nowhere)
    paths = {name: Pair(replace(good, path=other.path), replace(good, path=nobodys.path)) for name, other in others.items()}
    return Users(own.headers, good, paths, bodies)


def _in_the_name_of(world: World, good: Ask, name: str, find: Callable[[Place], str]) -> Pair:
    theirs, nobodys = (replace(good, body={**good.body, name: find(place)}) for place in (world.acme, world.nowhere))
    return Pair(theirs, nobodys)


_NAMING_SOMEBODY: Mapping[str, Callable[[Place], str]] = {
    "profile_id": lambda place: place.profile(),
    "username": lambda place: place.username(),
    "phone_number": lambda place: place.phone_number(),
}
