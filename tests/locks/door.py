"""What a door is: a route, how its owner asks for something good, and how another tenant's things get into the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.locks.asking import Ask
from tests.locks.place import Place

Mention = Callable[[Place, Place], Ask]


@dataclass(frozen=True)
class Door:
    """A route without its prefix, as `METHOD /path/<argument>`.

    `narrower` is a filter that makes another query of a list; `by_user` replaces `ask` for an app's user; `platform` doors are the platform's own,
    and those that are `paged_for_platform` have a second page for it alone. Where `admins_for_others`, any client may ask for itself, and an admin
    for its colleagues too. `nothing_in` says why a field that looks like a name needs no mention. `refusal` is the status
    for a name in the path that nothing has.
    """

    route: str
    ask: Callable[[Place], Ask]
    mentions: Mapping[str, Mention] = field(default_factory=dict)
    narrower: Mapping[str, str] = field(default_factory=dict)
    by_user: Callable[[Any], Ask] | None = None
    platform: bool = False
    paged_for_platform: bool = False
    admins_for_others: bool = False
    nothing_in: Mapping[str, str] = field(default_factory=dict)
    refusal: int = 404


def in_query(name: str, find: Callable[[Place], str]) -> dict[str, Mention]:
    return {name: lambda _own, other: Ask(query={name: find(other)})}


def in_body(base: Callable[[Place], Ask], **finders: Callable[[Place], Any]) -> dict[str, Mention]:
    """Mentions in a flat body: the field beside what the good request holds, in the place of what can't stand beside it."""

    def make(name: str, find: Callable[[Place], Any]) -> Mention:
        def mention(own: Place, other: Place) -> Ask:
            good = base(own)
            kept = {key: value for key, value in good.body.items() if key not in _APART.get(name, ())}
            return Ask(good.path, good.query, {**kept, name: find(other)})

        return mention

    return {name: make(name, find) for name, find in finders.items()}


_OWNERS = ("profile_id", "username", "phone_number")
_APART = {**dict.fromkeys(_OWNERS, _OWNERS), "token": ("token", "fid"), "fid": ("token", "fid")}


def nothing(_place: Place) -> Ask:
    return Ask()


def at(find: Callable[[Place], str], name: str = "id", /, **body: Any) -> Callable[[Place], Ask]:
    """A request about one thing that its path names."""
    return lambda place: Ask({name: find(place)}, body=body or None)


def lists(make: Callable[[Place], Any]) -> Callable[[Place], Ask]:
    """A list of the place's things, of which there are two, so that it has a second page."""

    def ask(place: Place) -> Ask:
        make(place)
        make(place)
        return Ask()

    return ask
