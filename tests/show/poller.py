"""Polling, as a backend does that asks once a second: page by page, each event's bytes as they stand in the page."""

from __future__ import annotations

import json
from threading import Event

from tests.e2e.harness import Api
from tests.show.outlet import FollowError, Outlet

EVERY_SECONDS = 1.0
_BEGINNING = '{"items":['


def poll(api: Api, outlet: Outlet, over: Event) -> None:
    """Ask with the cursor of the answer before until the last event has come, or until it is over."""
    query: dict[str, str] = {}
    with api.fork() as asking:
        while not (outlet.is_complete.is_set() or over.wait(EVERY_SECONDS)):
            response = asking.call("GET", "/events/", params=query)
            if not response.ok:
                raise FollowError(f"GET /events answers {response.status_code}: {response.text[:500]}")
            for body in bodies_of(response.content):
                outlet.take(body)
            query = {"after": response.json()["next_cursor"]}


def bodies_of(page: bytes) -> list[bytes]:
    """Cut the items out of a page; to read and write them anew would hide it if one differed by a byte."""
    text, decoder = page.decode(), json.JSONDecoder()
    if not text.startswith(_BEGINNING):
        raise FollowError(f"A page of events begins with {text[:40]!r}.")
    found: list[bytes] = []
    at = len(_BEGINNING)
    while text[at] != "]":
        end = decoder.raw_decode(text, at)[1]
        found.append(text[at:end].encode())
        at = end + (text[end] == ",")
    return found
