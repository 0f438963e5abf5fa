"""The recipient's own app, which listens in Firestore with Firebase's SDK (`tests/e2e/listen.mjs`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.e2e.listening_app import listening
from tests.show.outlet import FollowError
from tests.show.place import Place
from tests.show.transcript import Transcript, counts_in_words

ENDS = {"completed", "cancelled"}


def listen(place: Place, token: Mapping[str, Any], path: str, transcript: Transcript) -> list[dict[str, Any]]:
    """Sign in, listen to the document, and return what it held each time that the app heard of it, up to the notification's end."""
    heard: list[dict[str, Any]] = []
    with listening(place, token, path) as app:
        transcript.note("listener", f"signed in as {app.next()['uid']}")
        while not heard or heard[-1]["status"] not in ENDS:
            line = app.next()
            found = line.get("found")
            if found is None:
                raise FollowError(f"The app may not listen, or there is nothing: {line}")
            transcript.note("listener", f"Firestore: {found['status']} ({counts_in_words(found['counts'])})")
            heard.append(found)
    return heard
